"""Transfers against an OpenSSH server on loopback, with services built as the program builds them."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from backend.clock import Clock, SystemClock
from backend.connection.connector import Connector
from backend.connection.sessions import Sessions
from backend.connection.target import Target
from backend.connection.vault import Vault
from backend.events import EventBus
from backend.files.filesystem import Files
from backend.files.transfer import Direction, Limits, TransferOutcome, TransferRequest, TransferService
from backend.hosts.book import HostBook
from backend.production.guard import never_asks
from backend.settings import Settings
from backend.settings.model import CommandOptions
from backend.store import Store
from tests.support.person import Person
from tests.support.tiers import need_root


class OneHost(HostBook):
    """A host book that knows one target, whatever it is called."""

    def __init__(self, target: Target) -> None:
        self._settings = Settings()
        self.target = target

    async def resolve(self, name: str) -> Target:
        return replace(self.target, name=name)

    async def routes(self, name: str) -> tuple[Target, ...]:
        return (await self.resolve(name),)

    async def is_production(self, name: str) -> bool:
        return (await self.resolve(name)).production

    async def differences(self, target: Target) -> Mapping[str, str]:
        return {}

    def command_options(self, name: str) -> Sequence[tuple[str, CommandOptions]]:
        return ()


class HostsApart(OneHost):
    """One that knows as many machines as names, all like one target."""

    async def resolve(self, name: str) -> Target:
        return replace(self.target, name=name, hops=(replace(self.target.host, address=f"{name}.example.net"),))


@dataclass(frozen=True, slots=True)
class Workbench:
    """The services that transfers need, running."""

    bus: EventBus
    sessions: Sessions
    transfers: TransferService
    files: Files
    store: Store

    async def get(self, *sources: str, to: Path | str, **more: object) -> TransferOutcome:
        """Fetch, and wait."""
        request = TransferRequest(Direction.GET, "server", sources, str(to))
        return await self.transfers.submit(replace(request, **more)).wait()  # type: ignore[arg-type]

    async def put(self, *sources: Path | str, to: str, **more: object) -> TransferOutcome:
        """Send, and wait."""
        return await self.transfers.submit(self.putting(*sources, to=to, **more)).wait()

    async def between(self, *sources: Path | str, to: Path | str, **more: object) -> TransferOutcome:
        """Copy from `first` to `second`, and wait."""
        request = TransferRequest(Direction.BETWEEN, "first", tuple(map(str, sources)), str(to), to_host="second")
        return await self.transfers.submit(replace(request, **more)).wait()  # type: ignore[arg-type]

    def putting(self, *sources: Path | str, to: str, **more: object) -> TransferRequest:
        """The request to send."""
        request = TransferRequest(Direction.PUT, "server", tuple(map(str, sources)), to)
        return replace(request, **more)  # type: ignore[arg-type]


@asynccontextmanager
async def workbench(
    connector: Connector,
    target: Target,
    state: Path,
    *,
    vault: Vault | None = None,
    clock: Clock | None = None,
    person: Person | None = None,
    limits: Limits | None = None,
    book: type[OneHost] = OneHost,
) -> AsyncIterator[Workbench]:
    """The services over `connector`, with their journal in `state`."""
    clock = clock or SystemClock()
    bus, person = EventBus(), person or Person()
    async with AsyncExitStack() as stack:
        store = Store(state / "fairlead.db")
        await store.open()
        stack.push_async_callback(store.close)
        sessions = Sessions(
            connector=connector,
            book=book(target),
            interaction=person,
            bus=bus,
            clock=clock,
            vault=vault or Vault(),
        )
        stack.push_async_callback(sessions.close)
        transfers = TransferService(
            sessions=sessions, store=store, bus=bus, clock=clock, person=person, permit=never_asks, limits=limits
        )
        stack.push_async_callback(transfers.close)
        yield Workbench(bus, sessions, transfers, Files(sessions=sessions, permit=never_asks), store)


def snapshot(root: Path | bytes) -> dict[bytes, tuple[object, ...]]:
    """Everything below `root`: kind, mode, time in seconds, content or target."""
    top = root if isinstance(root, bytes) else bytes(root)
    found: dict[bytes, tuple[object, ...]] = {}
    for directory, names, files in os.walk(top):
        for name in (*names, *files):
            path = os.path.join(directory, name)
            found[os.path.relpath(path, top)] = _describe(path)
    return found


def _describe(path: bytes) -> tuple[object, ...]:
    seen = os.lstat(path)
    if stat.S_ISLNK(seen.st_mode):
        return ("link", os.readlink(path))
    kind, mode, modified = stat.S_IFMT(seen.st_mode), stat.S_IMODE(seen.st_mode), int(seen.st_mtime)
    if stat.S_ISREG(seen.st_mode):
        with open(path, "rb") as file:
            return (kind, mode, modified, seen.st_size, hashlib.sha256(file.read()).hexdigest())
    return (kind, mode, modified)


ODD_NAMES = (b"-rf", b"a\nb", b"\xff\xfe raw", b"[red]markup", b"back\\slash", b" ", b"n" * 255, "\u202eevil".encode())


def mixed_tree(root: Path, chance: Random) -> Path:
    """A tree with what breaks other programs: odd names, links, holes, empty files, modes, many levels."""
    top = bytes(root)
    os.makedirs(os.path.join(top, b"deep/er/still"))
    os.makedirs(os.path.join(top, b"empty directory"))
    for number, name in enumerate((*ODD_NAMES, b"deep/er/still/file", b"deep/tool.sh")):
        with open(os.path.join(top, name), "wb") as file:
            file.write(chance.randbytes(number * 3000))
    for name, size in ((b"empty", 0), (b"large", (3 << 20) + 17), (b"medium", 300_000)):
        with open(os.path.join(top, name), "wb") as file:
            file.write(chance.randbytes(size))
    with open(os.path.join(top, b"hole"), "wb") as file:
        file.write(b"data")
        file.truncate(2 << 20)
    os.symlink(b"deep/er", os.path.join(top, b"link"))
    os.symlink(b"/nowhere/\xff", os.path.join(top, b"dangling"))
    os.symlink(b"..", os.path.join(top, b"deep/up"))
    os.chmod(os.path.join(top, b"deep/tool.sh"), 0o750)
    os.chmod(os.path.join(top, b"empty"), 0o400)
    os.utime(os.path.join(top, b"medium"), (1_000_000_000, 1_000_000_000))
    os.chmod(os.path.join(top, b"deep/er"), 0o555)
    os.utime(os.path.join(top, b"deep"), (1_100_000_000, 1_100_000_000))
    return root


@contextmanager
def small_disk(path: Path, size: int) -> Iterator[Path]:
    """A file system of `size` bytes. Needs root."""
    need_root("mounting a small disk")
    path.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(path)], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)
