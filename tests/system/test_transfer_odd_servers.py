"""One contract for servers of all kinds: files go there, are listed, come back, go on where they were, and are verified
wherever the server can say anything about them."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from backend.clock import SystemClock
from backend.connection.connector import FileKind
from backend.connection.ssh.connector import SshConnector
from backend.connection.target import Hop
from backend.connection.vault import Vault
from backend.errors import Code
from backend.files.transfer import ConflictPolicy, Direction, TransferRequest
from mocks.relay import Relay
from tests.support.openssh import Sshd, make_key, sshd, target, throw_away_user
from tests.support.person import Person
from tests.support.sftp_server import PASSWORD, PlainSftp, sftp_server
from tests.support.tiers import need_root
from tests.support.transfer_world import ODD_NAMES, Workbench, mixed_tree, snapshot, workbench

pytestmark = pytest.mark.sshd

MIB = 1 << 20


@dataclass(frozen=True)
class Kind:
    """What a server can do."""

    name: str
    hashes: bool
    """Runs commands, and so says what it has."""
    lines: tuple[str, ...] = ()
    """Of sshd_config(5); for those that are OpenSSH."""
    defaults: bool = True
    sftp: type[PlainSftp] | None = None
    jailed: bool = False
    """An account of its own, whose root is a directory."""


class SmallPackets(PlainSftp):
    """As the servers of small devices: short reads, and the end for whoever sends more than the draft's least."""

    most_read = 20_000
    most_packet = 34_000


KINDS = (
    Kind("OpenSSH", hashes=True),
    Kind("internal-sftp in a jail", hashes=False, lines=("ForceCommand internal-sftp",), jailed=True),
    Kind("MaxSessions 1", hashes=True, lines=("MaxSessions 1",)),
    Kind("no SFTP", hashes=True, lines=("PermitRootLogin yes", "PasswordAuthentication no"), defaults=False),
    Kind("no extensions", hashes=True, sftp=PlainSftp),
    Kind("no extensions, no commands", hashes=False, sftp=PlainSftp),
    Kind("small packets", hashes=True, sftp=SmallPackets),
)


@dataclass(frozen=True)
class Host:
    """A server that runs, and a directory of it."""

    kind: Kind
    hop: Hop
    there: Path
    """As this machine has it."""
    seen: str
    """As the server has it."""


@contextmanager
def _jail(root: Path) -> Iterator[tuple[str, Path]]:
    """An account that sees one directory and writes to one below: its name, and that directory."""
    need_root("a chrooted account")
    # Nobody else may write to a directory on the way there (sshd_config(5), ChrootDirectory), as everybody may in /tmp.
    with throw_away_user(root / "jail-home") as user, TemporaryDirectory(dir="/run") as above:
        jail = Path(above) / "jail"
        (jail / "work").mkdir(parents=True)
        shutil.chown(jail / "work", user)
        yield user, jail / "work"


@asynccontextmanager
async def serving(kind: Kind, tmp_path: Path) -> AsyncIterator[Host]:
    there = tmp_path / "there"
    there.mkdir()
    if kind.sftp is not None:
        async with sftp_server(kind.sftp, commands=kind.hashes) as server:
            yield Host(kind, server.hop(tmp_path), there, str(there))
    elif kind.jailed:
        with _jail(tmp_path) as (user, work), _openssh(kind, tmp_path, f"ChrootDirectory {work.parent}") as (_, hop):
            yield Host(kind, replace(hop, user=user), work, "/work")
    else:
        with _openssh(kind, tmp_path) as (_, hop):
            yield Host(kind, hop, there, str(there))


@contextmanager
def _openssh(kind: Kind, root: Path, *lines: str) -> Iterator[tuple[Sshd, Hop]]:
    (root / "home").mkdir()
    home = () if kind.jailed else (f"SetEnv HOME={root / 'home'}",)  # no login files of whoever tests
    with sshd(root / "sshd", *kind.lines, *lines, *home, defaults=kind.defaults) as server:
        key = make_key(root / "key")
        server.authorize(key)
        server.authorized_keys.chmod(0o644)
        yield server, server.hop(keys=[key], known=server.known_hosts(root / "known"))


def _parameter(kind: Kind) -> object:
    # Without SFTP each step is a command; what always runs of that is in `test_command_files.py`.
    return pytest.param(kind, id=kind.name, marks=[] if kind.defaults else [pytest.mark.slow])


@pytest.fixture(params=[_parameter(kind) for kind in KINDS])
async def host(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Host]:
    async with serving(request.param, tmp_path) as ready:
        yield ready


@asynccontextmanager
async def bench_at(host: Host, directory: Path, relay: Relay | None = None) -> AsyncIterator[Workbench]:
    vault, person, hop = Vault(), Person(passwords=[PASSWORD] * 10), host.hop
    if relay is not None:
        (known,) = hop.known_hosts.user
        through = known.with_name("known-through-relay")
        through.write_text(known.read_text().replace(f":{hop.port} ", f":{relay.port} "))
        hop = replace(hop, port=relay.port, known_hosts=replace(hop.known_hosts, user=(through,)))
    connector = SshConnector(vault=vault, clock=SystemClock())
    async with workbench(connector, target(hop), directory / "state", vault=vault, person=person) as services:
        yield services


@pytest.fixture(autouse=True)
def nobody_waits_for_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """What holds the only place of a server holds it for the whole test."""
    monkeypatch.setattr("backend.connection.budget.IMPATIENCE", 0.05)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "here").mkdir()
    return tmp_path / "here"


async def test_a_tree_goes_there_is_listed_and_comes_back_the_same(host: Host, here: Path, tmp_path: Path) -> None:
    tree = mixed_tree(here / "tree", random.Random(5))
    expected = snapshot(tree)
    files = sum(len(one) == 5 for one in expected.values())
    async with bench_at(host, tmp_path) as bench:
        there = await bench.put(tree, to=f"{host.seen}/")
        assert there.error is None, there
        assert there.progress.verified == (files if host.kind.hashes else 0)
        assert snapshot(host.there / "tree") == expected
        back = await bench.get(f"{host.seen}/tree", to=here / "back")
        assert back.error is None, back
        assert back.progress.verified == (files if host.kind.hashes else 0)
        assert snapshot(here / "back") == expected
        told = any("commands" in note.note or "hash" in note.note for note in back.notes)
        assert told is not host.kind.hashes, "what is not verified is said to be so"
        # Last, for with it a server of one session has no place left for the commands that hash.
        listed = [
            entry async for batch in bench.files.on("server").list(f"{host.seen}/tree".encode()) for entry in batch
        ]
        assert {entry.name for entry in listed} >= set(ODD_NAMES)
        kinds = {entry.name: entry.attributes.kind for entry in listed}
        assert (kinds[b"link"], kinds[b"deep"], kinds[b"empty"]) == (
            FileKind.SYMLINK,
            FileKind.DIRECTORY,
            FileKind.FILE,
        )


@pytest.mark.parametrize("direction", [Direction.GET, Direction.PUT], ids=["get", "put"])
async def test_a_file_whose_link_is_cut_and_whose_transfer_is_stopped_goes_on(
    host: Host, here: Path, tmp_path: Path, direction: Direction
) -> None:
    size = 6 * MIB
    data = random.Random(7).randbytes(size)
    ends = (f"{host.seen}/f", str(here / "f")) if direction is Direction.GET else (str(here / "f"), f"{host.seen}/f")
    source, goal = (host.there / "f", here / "f") if direction is Direction.GET else (here / "f", host.there / "f")
    source.write_bytes(data)
    source.chmod(0o644)
    request = TransferRequest(direction, "server", (ends[0],), ends[1], rate_limit=16 * MIB)
    async with Relay("127.0.0.1", host.hop.port) as relay, bench_at(host, tmp_path, relay) as bench:
        transfer = bench.transfers.submit(request)
        for share, move in ((0.3, relay.cut), (0.7, None)):
            while transfer.progress.bytes_done < share * size:
                assert transfer.outcome is None, transfer.outcome
                await asyncio.sleep(0.002)
            if move is not None:
                move()
                await asyncio.sleep(0)
        await transfer.cancel()
        assert not goal.exists()
        outcome = await bench.transfers.submit(replace(request, rate_limit=None)).wait()
    assert outcome.error is None, outcome
    assert outcome.progress.resumed_bytes > size // 4
    assert outcome.progress.verified == int(host.kind.hashes)
    assert goal.read_bytes() == data
    assert [path.name for path in goal.parent.iterdir()] == ["f"]


async def test_what_is_there_is_replaced_renamed_removed_and_told(host: Host, here: Path, tmp_path: Path) -> None:
    (here / "f").write_bytes(b"new")
    async with bench_at(host, tmp_path) as bench:
        files, seen = bench.files.on("server"), host.seen.encode()
        assert (await bench.put(here / "f", to=f"{host.seen}/f")).error is None
        (here / "f").write_bytes(b"newer")
        assert (await bench.put(here / "f", to=f"{host.seen}/f")).error is None
        assert (host.there / "f").read_bytes() == b"newer"
        kept = await bench.put(here / "f", to=f"{host.seen}/", on_conflict=ConflictPolicy.RENAME)
        assert kept.error is None
        assert sorted(os.listdir(host.there)) == ["f", "f (1)"]
        await files.mkdir(seen + b"/d/e", parents=True)
        in_the_way = await bench.put(here / "f", to=f"{host.seen}/d", on_conflict=ConflictPolicy.OVERWRITE)
        assert in_the_way.error is None, "a directory is gone into"
        (host.there / "g").mkdir()
        (here / "g").write_bytes(b"g")
        in_the_way = await bench.put(here / "g", to=f"{host.seen}/")
        assert in_the_way.error is not None
        assert in_the_way.error.code is Code.IS_DIRECTORY
        missing = await bench.get(f"{host.seen}/nothing", to=f"{here}/")
        assert missing.error is not None
        assert missing.error.code is Code.NOT_FOUND
        counted = await files.remove(seen + b"/d", recursive=True)
        assert (counted.files, counted.directories) == (1, 2)
        assert sorted(os.listdir(host.there)) == ["f", "f (1)", "g"]
