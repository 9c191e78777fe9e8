"""What speaks SSH takes longest of all to load: a thread does that, while something else is waited for.

It begins when a host was dialled, or before, where it is certain that one will be and nothing else is left to load:
beside other loading it would only take turns with it, and both take longer.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import warnings
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import cache
from importlib import import_module

from backend.connection.ssh.annotations import unread_annotations
from backend.connection.ssh.libraries import found_quickly
from backend.errors import Code, FairleadError

HANDSHAKE = "backend.connection.ssh.handshake"
LINK = "backend.connection.ssh.link"
"""What is needed once the server has let us in: loaded while it makes up its mind."""
_NEVER_USED = "asyncssh.crypto.x509"
"""Certificates of X.509, which OpenSSH does not know: asyncssh loads them for 10 ms, and can do without."""


@cache
def begin_loading(part: str) -> Future[None]:
    """Load that part, once; done when it is loaded."""
    loading: Future[None] = Future()
    threading.Thread(target=_load, args=(part, loading), name="loading").start()
    return loading


async def loaded(part: str) -> None:
    """Load that part where that has not begun; the event loop goes on meanwhile.

    Raises FairleadError INTERNAL when it cannot be loaded: an installation that is not whole, and not the host's fault.
    """
    try:
        await asyncio.shield(asyncio.wrap_future(begin_loading(part)))
    except Exception as error:
        raise FairleadError(Code.INTERNAL, evidence={"reason": f"{type(error).__name__}: {error}"}) from error


def _load(part: str, loading: Future[None]) -> None:
    # That an algorithm is old is for us to say, before it is allowed; Python's own words would go across the screen.
    warnings.filterwarnings("ignore", module=r"asyncssh\b")
    try:
        with found_quickly(), _left_out(_NEVER_USED), unread_annotations("asyncssh"):
            import_module(part)
    except BaseException as error:  # told to whoever waits for it
        loading.set_exception(error)
    else:
        loading.set_result(None)


@contextmanager
def _left_out(name: str) -> Iterator[None]:
    """Within it the module cannot be loaded: for `import`, None in its place says so."""
    missing = sys.modules.setdefault(name, None) is None  # type: ignore[arg-type]
    try:
        yield
    finally:
        if missing:
            del sys.modules[name]
