"""Writing to a person's known_hosts file: appended to, or one host's old keys replaced, always under a lock.

Other programs append to the same file. Each change is one write under `flock`, made to the file that bears the name at
that moment. Everything here blocks; call it in a thread.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backend.connection.host_keys import HostKey, hashed, shorten, without
from backend.connection.target import KnownHostsFiles
from backend.errors import Code, HostKeyError
from backend.own_file import locked, place

_SALT_BYTES = 20


def can_remember(files: KnownHostsFiles) -> bool:
    """Whether there is a file that keeps what is written to it (`none` and `/dev/null` do not)."""
    return bool(files.user) and (not files.user[0].exists() or files.user[0].is_file())


def remember(files: KnownHostsFiles, name: str, key: HostKey) -> Path:
    """Write `key` down for `name` in the first user file, made (0600, directory 0700) where missing; returns the file.

    Raises HostKeyError HOST_KEY_UNREADABLE where it cannot be written.
    """
    path = files.user[0]
    shown = hashed(name, secrets.token_bytes(_SALT_BYTES)) if files.hash_names else name
    with _told(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(path) as descriptor:
            _append(descriptor, f"{shown} {key.line}\n".encode())
    return path


def replace(files: KnownHostsFiles, name: str, key: HostKey) -> Path:
    """Forget what the user files say exactly about `name`, then remember `key`. A copy stays as `FILE.old`.

    System files are never touched. Raises HostKeyError HOST_KEY_UNREADABLE where a file cannot be written.
    """
    for path in files.user:
        if path.is_file():
            with _told(path), locked(path) as descriptor:
                _rewrite(path.resolve(), descriptor, name)
    return remember(files, name, key)


def _rewrite(path: Path, descriptor: int, name: str) -> None:
    old = path.read_bytes()
    new = without(old, name)
    if new == old:
        return
    mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
    place(path.with_name(path.name + ".old"), old, mode)
    place(path, new, mode)


def _append(descriptor: int, line: bytes) -> None:
    size = os.fstat(descriptor).st_size
    if size:
        os.lseek(descriptor, size - 1, os.SEEK_SET)
        if os.read(descriptor, 1) != b"\n":
            line = b"\n" + line
    written = os.write(descriptor, line)
    if written != len(line):
        os.ftruncate(descriptor, size)
        raise OSError(errno.ENOSPC, "the line could not be written whole")


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise HostKeyError(
            Code.HOST_KEY_UNREADABLE,
            f"The host key could not be written to {shorten(path)}: {error.strerror or error}",
            evidence={"path": shorten(path), "reason": error.strerror or error},
        ) from error
