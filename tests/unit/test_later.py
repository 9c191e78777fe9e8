"""Modules that are loaded when they are touched, each time in a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys
from textwrap import dedent

_BEGIN = "import sys\nfrom backend import later\nlater.postpone()\n"


def _holds(program: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _BEGIN + dedent(program)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def test_it_is_loaded_when_it_is_touched_and_is_then_as_ever() -> None:
    _holds("""
        import json, types
        assert "json.decoder" not in sys.modules
        assert json.loads("[1]") == [1]
        assert "json.decoder" in sys.modules
        assert type(json) is types.ModuleType
        import importlib.machinery
        assert type(json.__loader__) is not None and json.__spec__.name == "json"
        assert not hasattr(json, "nothing")
    """)


def test_names_can_be_imported_from_it() -> None:
    _holds("""
        from textwrap import dedent
        from json import *
        assert dedent("  a") == "a" and loads("1") == 1
    """)


def test_asyncio_comes_without_tls_and_has_it_when_it_is_wanted() -> None:
    _holds("""
        import asyncio, socket
        import ssl
        ends = socket.socketpair()
        ends[0].setblocking(False)

        async def without_tls():
            _, protocol = await asyncio.get_running_loop().create_connection(asyncio.Protocol, sock=ends[0])
            ends[1].close()

        asyncio.run(without_tls())
        assert "_ssl" not in sys.modules
        ends = socket.socketpair()

        async def with_tls():
            context = ssl.create_default_context()
            ends[1].send(b"no TLS at all")
            try:
                await asyncio.get_running_loop().create_connection(
                    asyncio.Protocol, sock=ends[0], ssl=context, server_hostname="localhost"
                )
            except ssl.SSLError:
                return
            raise AssertionError("no TLS was spoken")

        asyncio.run(with_tls())
        assert not isinstance(ends[0], ssl.SSLSocket)
        assert issubclass(ssl.SSLSocket, socket.socket)
    """)


def test_what_is_known_before_needs_no_loading() -> None:
    _holds("""
        import typing
        from typing_extensions import Self
        assert Self is typing.Self
        import typing_extensions
        assert "TypedDict" not in vars(typing_extensions)
        from typing_extensions import TypedDict
        assert "TypedDict" in vars(typing_extensions)
    """)


def test_several_threads_see_it_whole() -> None:
    _holds("""
        import difflib, threading
        sys.setswitchinterval(1e-6)
        seen, begin = [], threading.Barrier(8)

        def touch():
            begin.wait()
            seen.append(difflib.unified_diff)

        threads = [threading.Thread(target=touch) for _ in range(8)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        assert len(seen) == 8 and len(set(seen)) == 1
    """)


def test_one_that_cannot_be_loaded_says_so_each_time() -> None:
    _holds("""
        import bz2
        sys.modules["_bz2"] = None
        for _ in range(2):
            try:
                bz2.BZ2File
            except ImportError as error:
                assert "_bz2" in str(error)
            else:
                raise AssertionError("loaded")
    """)


def test_what_is_loaded_already_stays() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import json\nloads = json.loads\n" + _BEGIN + "import json\nassert json.loads is loads",
        ],
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
