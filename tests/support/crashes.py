"""Seeded crashes of transfers: what is copied, which way, what happens to it, and what has to hold meanwhile.

Plans, their cargo, and the scene where they are played.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from backend.files.partial import is_partial
from backend.files.transfer import Direction, TransferRequest
from mocks.relay import Direction as Way
from mocks.relay import Relay
from tests.support.openssh import Sshd
from tests.support.transfer_world import mixed_tree, small_disk, snapshot

MIB = 1 << 20
RATE = 16_000_000
"""Bytes a second: slow enough for the blows to fall inside."""
SILENCE = 1.2
"""Seconds of a black hole: longer than the keepalive waits."""
SMALL = 150
"""Small files of a tree: enough for the archive lane."""


class Blow(StrEnum):
    """What happens in the middle."""

    CUT = "link cut"
    FINISH = "link ended in good order"
    HALF = "half-closed link"
    HOLE = "black hole"
    RESTART = "server killed and started again"
    STOP = "program ended"
    KILL = "program killed"
    CHANGE = "a source file changes"
    VANISH = "a source file vanishes"


class Cargo(StrEnum):
    """What is copied."""

    TREE = "tree"
    """All kinds of names and files, of which many are small."""
    LARGE = "large files"
    """One with a hole at its end."""
    ALL = "both"


_MANNERS = {
    True: (Blow.KILL, Blow.KILL, Blow.KILL, Blow.CUT, Blow.HOLE, Blow.RESTART),
    False: tuple(blow for blow in Blow if blow is not Blow.KILL),
}
"""What may happen to the program in a process of its own, and to its services in this one."""


_WAYS = {True: (Direction.GET, Direction.PUT), False: (Direction.GET, Direction.PUT, Direction.GET, Direction.BETWEEN)}


@dataclass(frozen=True, slots=True)
class Crash:
    """One run."""

    seed: int
    direction: Direction
    cargo: Cargo
    blows: tuple[tuple[float, Blow], ...]
    """Each with the share of the content that is on its way when it strikes, in order."""
    full: bool
    """Whether the destination's disk is too small at first."""
    program: bool
    """Whether the program runs in a process of its own."""

    @classmethod
    def of(cls, seed: int) -> Crash:
        """The plan that belongs to `seed`; the same one each time."""
        chance = random.Random(seed)
        program = seed % 5 == 0
        shares = sorted(chance.uniform(0.02, 0.95) for _ in range(chance.randint(1, 3)))
        return cls(
            seed,
            chance.choice(_WAYS[program]),
            chance.choice(list(Cargo)),
            tuple((share, chance.choice(_MANNERS[program])) for share in shares),
            full=seed % 6 == 1,
            program=program,
        )

    @property
    def changes(self) -> bool:
        """Whether the source is not the same all the time."""
        return any(blow in (Blow.CHANGE, Blow.VANISH) for _, blow in self.blows)


def load(root: Path, crash: Crash) -> int:
    """Make the source; its size in bytes, holes not counted."""
    chance = random.Random(crash.seed)
    root.mkdir()
    if crash.cargo is not Cargo.LARGE:
        mixed_tree(root / "tree", chance)
        (root / "tree/many").mkdir()
        for number in range(SMALL):
            (root / f"tree/many/f{number}").write_bytes(chance.randbytes(chance.randrange(6000)))
    if crash.cargo is not Cargo.TREE:
        (root / "large").write_bytes(chance.randbytes(4 * MIB + chance.randrange(MIB)))
        with (root / "sparse").open("wb") as file:
            file.write(chance.randbytes(MIB))
            file.truncate(3 * MIB + 7)
    return sum(min(file.st_blocks * 512, file.st_size) for path in _files(bytes(root)) for file in (os.stat(path),))


def victims(root: Path) -> list[Path]:
    """Source files that may change or vanish, those first that take longest to copy."""
    found = [root / "large", root / "tree/large", *sorted((root / "tree/many").glob("*"))]
    return [path for path in found if path.exists()]


def _files(root: bytes) -> list[bytes]:
    return [
        path
        for directory, _, names in os.walk(root)
        for name in names
        if not os.path.islink(path := os.path.join(directory, name))
    ]


def shown(root: Path) -> dict[bytes, bytes]:
    """What is in plain files under their own names, by path below `root`."""
    found: dict[bytes, bytes] = {}
    for path in _files(bytes(root)):
        if not is_partial(os.path.basename(path)):
            with open(path, "rb") as file:
                found[os.path.relpath(path, bytes(root))] = file.read()
    return found


def unfinished(root: Path) -> list[bytes]:
    """What is left under partial names."""
    return [path for path in _files(bytes(root)) if is_partial(os.path.basename(path))]


@dataclass
class Scene:
    """Two directories, a server behind a relay, and how far the plan has come."""

    crash: Crash
    relay: Relay
    server: Sshd
    source: Path
    goal: Path
    """A directory that is there; the copy is its only entry."""
    size: int
    directory: Path
    ballast: Path | None = None
    """What fills the destination's disk."""
    left: list[tuple[float, Blow]] = field(default_factory=list)
    vanished: set[bytes] = field(default_factory=set)
    seen: list[dict[bytes, bytes]] = field(default_factory=list)
    """Contents that the source has had."""

    @property
    def copy(self) -> Path:
        return self.goal / "source"

    @property
    def carried(self) -> int:
        """Bytes on the wire so far, in the direction of the content."""
        counters = self.relay.counters
        return counters.down if self.crash.direction is Direction.GET else counters.up

    def request(self) -> TransferRequest:
        other = "other" if self.crash.direction is Direction.BETWEEN else None
        return TransferRequest(self.crash.direction, "server", (str(self.source),), f"{self.goal}/", to_host=other)

    # --- blows ---

    async def strike(self) -> bool:
        """The next blows, each in its time, up to one that ends the program: True for that one."""
        while self.left:
            share, blow = self.left[0]
            while self.carried < share * self.size:
                await asyncio.sleep(0.002)
            self.left.pop(0)
            self.check_shown()
            if blow in (Blow.STOP, Blow.KILL):
                return True
            await self._struck(blow)
        return False

    async def _struck(self, blow: Blow) -> None:
        match blow:
            case Blow.CUT:
                self.relay.cut()
            case Blow.FINISH:
                self.relay.finish()
            case Blow.HALF:
                self.relay.half_close(Way.DOWN)
            case Blow.HOLE:
                self.relay.black_hole()
                try:
                    await asyncio.sleep(SILENCE)
                finally:
                    self.relay.heal()
            case Blow.RESTART:
                await asyncio.to_thread(self.server.restart)
            case _:
                self._alter(blow)

    def _alter(self, blow: Blow) -> None:
        found = victims(self.source)
        if not found:  # all have vanished
            return
        victim = found[self.crash.seed % min(3, len(found))]
        if blow is Blow.CHANGE:
            with victim.open("ab") as file:
                file.write(b"more")
        else:
            self.vanished.add(os.fsencode(victim.relative_to(self.source)))
            victim.unlink()
        self.seen.append(shown(self.source))

    def make_room(self) -> None:
        """The disk is large enough from now on."""
        assert self.ballast is not None
        self.ballast.unlink()
        self.ballast = None

    # --- what has to hold ---

    def check_shown(self) -> None:
        """Whatever has its own name is what the source has or had."""
        for name, content in shown(self.copy).items():
            assert any(content == one.get(name) for one in self.seen), name

    def check_same(self) -> None:
        """The two ends are the same; of what has vanished, what came before may be there."""
        there, here = snapshot(self.copy), snapshot(self.source)
        there = {name: what for name, what in there.items() if not is_partial(os.path.basename(name))}
        if self.vanished:
            there = {name: what for name, what in there.items() if name not in self.vanished}
            for holder in {os.path.dirname(name) for name in self.vanished}:  # whose time the vanishing has changed
                there.pop(holder, None), here.pop(holder, None)
        assert there == here
        # What was read of a file that is no longer there when the program is started again is nobody's any more.
        orphans = {bytes(self.copy) + b"/" + name for name in self.vanished}
        assert {path for path in unfinished(self.goal) if not _is_of(path, orphans)} == set()


def _is_of(partial: bytes, finals: set[bytes]) -> bool:
    holder, name = os.path.split(partial)
    return any(os.path.join(holder, name[1:]).startswith(final + b".") for final in finals)


@asynccontextmanager
async def scene_of(crash: Crash, server: Sshd, directory: Path) -> AsyncIterator[Scene]:
    goal = directory / "goal"
    goal.mkdir()
    source = directory / "source"
    size = load(source, crash)
    async with Relay(server.address, server.port, seed=crash.seed) as relay:
        relay.set(rate=RATE)
        with _too_small(goal, size) if crash.full else nullcontext() as ballast:
            scene = Scene(crash, relay, server, source, goal, size, directory, ballast, list(crash.blows))
            scene.seen.append(shown(source))
            beside = set(os.listdir(directory)) | {"state", "home", "known"}
            yield scene
            assert set(os.listdir(directory)) <= beside, "nothing is written beside the destination"
            assert os.listdir(goal) == ["source"]


@contextmanager
def _too_small(path: Path, size: int) -> Iterator[Path]:
    """A disk of its own at `path`, with room for half of `size` until the file that is yielded is removed."""
    whole = 2 * size + 8 * MIB
    with small_disk(path, whole):
        (path / "ballast").write_bytes(bytes(whole - size // 2))
        yield path / "ballast"
