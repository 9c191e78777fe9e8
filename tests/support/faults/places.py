"""What faults are made of: servers and accounts of their own, ports that misbehave, a thread for asynchronous ones."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from backend.connection.target import Hop, HostKeyPolicy
from tests.support.faults.model import NAME, QUICK
from tests.support.netns import entered
from tests.support.openssh import Sshd, make_key, sshd, throw_away_user
from tests.support.tiers import need_namespaces, unavailable

T = TypeVar("T")
USUAL = replace(QUICK, connect=5.0, first_byte=5.0)
_numbers = itertools.count()


def bare(port: int, address: str = "127.0.0.1") -> Hop:
    """A hop to something that is not meant to be logged in to."""
    return Hop(NAME, address, port, "deploy", timeouts=QUICK, host_key_policy=HostKeyPolicy.STRICT)


@contextmanager
def answering(answer: Callable[[socket.socket], object]) -> Iterator[int]:
    """A port of loopback where every connection gets `answer`, in a thread; closed at the end."""
    with socket.create_server(("127.0.0.1", 0)) as listener, contextlib.ExitStack() as stack:
        ended = threading.Event()

        def serve() -> None:
            while not ended.is_set():
                with contextlib.suppress(OSError):
                    taken, _ = listener.accept()
                    stack.enter_context(taken)
                    answer(taken)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield int(listener.getsockname()[1])
        finally:
            ended.set()
            with contextlib.suppress(OSError), socket.create_connection(listener.getsockname(), timeout=1):
                pass
            thread.join(5)


@contextmanager
def server(root: Path, *lines: str, name: str = NAME, **options: Any) -> Iterator[tuple[Sshd, Hop]]:
    """An OpenSSH server and the hop that can log in to it; `options` are those of `sshd`."""
    with sshd(root / "server", *lines, **options) as running:
        key = make_key(root / "id_ed25519")
        running.authorize(key)
        known = running.known_hosts(root / "known_hosts")
        yield running, running.hop(keys=[key], known=known, name=name, timeouts=USUAL)


@contextmanager
def account(
    root: Path, *lines: str, shell: str = "/bin/sh", password: str = "", home: Path | None = None, **options: Any
) -> Iterator[tuple[Sshd, Hop]]:
    """As `server`, and an account of its own, whose home directory is `home`. Needs root."""
    with (
        throw_away_user(home or root / "home", shell=shell, password=password) as user,
        server(root, *lines, **options) as (running, hop),
    ):
        open_way(running.authorized_keys)
        yield running, replace(hop, user=user)


def open_way(path: Path) -> None:
    """Let other accounts read `path`, and pass through the directories above it."""
    path.chmod(0o644)
    for parent in path.parents:
        if parent.stat().st_uid == os.getuid() and not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o011)


@contextmanager
def in_thread(running: AbstractAsyncContextManager[T]) -> Iterator[T]:
    """An asynchronous server, run by a loop in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        value = asyncio.run_coroutine_threadsafe(_enter(running), loop).result(20)
        try:
            yield value
        finally:
            asyncio.run_coroutine_threadsafe(_leave(running), loop).result(20)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


async def _enter(running: AbstractAsyncContextManager[T]) -> T:
    return await running.__aenter__()


async def _leave(running: AbstractAsyncContextManager[T]) -> None:
    await running.__aexit__(None, None, None)


@contextmanager
def island() -> Iterator[str]:
    """This thread is on a machine without any network but loopback, for the length of the block; its namespace."""
    need_namespaces()
    name = f"fl{os.getpid()}-isle{next(_numbers)}"
    run("ip", "netns", "add", name)
    try:
        run("ip", "-n", name, "link", "set", "lo", "up")
        with entered(name):
            yield name
    finally:
        subprocess.run(["ip", "netns", "del", name], check=False)


@contextmanager
def firewalled(port: int, *verdict: str) -> Iterator[None]:
    """On an island, whose firewall has this `verdict` on `port`, as `REJECT --reject-with …`."""
    if shutil.which("iptables") is None:
        unavailable("netns", "no iptables; on Debian and Ubuntu: apt install iptables")
    with island():
        run("iptables", "-A", "INPUT", "-p", "tcp", "--dport", str(port), "-j", *verdict)
        yield


def run(*command: str) -> None:
    """Run it; a failure is told with its words."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")


@contextmanager
def small_disk(path: Path, *, room: int) -> Iterator[Path]:
    """A file system of its own in memory, of `room` bytes. Needs root."""
    path.mkdir(parents=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={room}", "none", str(path)], check=False)
    if mounted.returncode != 0:
        unavailable("netns", "file systems cannot be mounted here")
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


def script(path: Path, text: str) -> Path:
    """A shell script that every account may run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path
