"""Servers that lie, over real SSH: names, kinds, sizes, listings and contents that are not what they are said to be.

Whatever they say, each transfer ends with an error of ours or with what was refused counted, in bounded time, and
nothing is outside the destination. What a host's commands may lie about is in `tests/unit/files/test_archive.py` and
`test_transfers.py`.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import resource
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from backend.clock import SystemClock
from backend.connection.ssh.connector import SshConnector
from backend.connection.vault import Vault
from backend.errors import Code, FileError
from backend.files.name_pattern import NamePattern
from backend.files.transfer import TransferOutcome
from tests.support.openssh import target
from tests.support.person import Person
from tests.support.sftp_server import PASSWORD, Named, PlainSftp, attrs_of, sftp_server
from tests.support.transfer_world import Workbench, workbench

MIB = 1 << 20
BOUND = 20.0
"""Seconds for anything here; each takes a fraction of one."""


@asynccontextmanager
async def bench_at(
    make: Callable[[], PlainSftp], directory: Path, *, commands: bool = False, path: str = ""
) -> AsyncIterator[Workbench]:
    vault, person = Vault(), Person(passwords=[PASSWORD])
    connector = SshConnector(vault=vault, clock=SystemClock())
    async with sftp_server(make, commands=commands, path=path) as server:
        hop = server.hop(directory)
        async with workbench(connector, target(hop), directory / "state", vault=vault, person=person) as services:
            yield services


@pytest.fixture
def there(tmp_path: Path) -> Path:
    (tmp_path / "there").mkdir()
    return tmp_path / "there"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "here").mkdir()
    return tmp_path / "here"


def like_a_file(size: int = 5) -> bytes:
    return attrs_of(os.stat(__file__), size=size)


async def fetched(make: Callable[[], PlainSftp], tree: Path, here: Path, **more: object) -> TransferOutcome:
    """What becomes of `get`, verified where the server runs commands."""
    async with asyncio.timeout(BOUND), bench_at(make, here.parent) as bench:
        return await bench.get(str(tree), to=f"{here}/", **more)


def codes(outcome: TransferOutcome) -> set[Code]:
    """Of everything that went wrong."""
    single = {problem.error.code for problem in outcome.problems if problem.error is not None}
    return single or ({outcome.error.code} if outcome.error is not None else set())


def files_below(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


# --- names -------------------------------------------------------------------------------------------------------

NAMES = (b"..", b"../evil", b"/evil", b"a/evil", b"evil\0", b"", b"e" * 5000)


async def test_names_that_lead_elsewhere_are_refused_and_counted(there: Path, here: Path) -> None:
    class Sftp(PlainSftp):
        def listing(self, path: bytes) -> Iterator[list[Named]]:
            yield [(name, like_a_file()) for name in NAMES]
            yield from super().listing(path)

    (there / "good").write_bytes(b"good")
    outcome = await fetched(Sftp, there, here)
    assert outcome.progress.failed == len(NAMES) - 1, "two dots are the directory above, which every listing has"
    assert codes(outcome) == {Code.OUTSIDE_ROOT, Code.NAME_INVALID, Code.FILE_FAILED}
    assert files_below(here.parent / "here") == {"there/good": b"good"}
    assert not list(here.parent.rglob("*evil*"))


async def test_links_that_nobody_can_make_are_told_and_the_others_lead_where_they_like(there: Path, here: Path) -> None:
    class Sftp(PlainSftp):
        def pointer(self, path: bytes) -> bytes:
            return {b"nul": b"a\0b", b"empty": b"", b"long": b"x" * 5000}.get(os.path.basename(path), b"/etc/passwd")

    for name in ("nul", "empty", "long", "plain"):
        (there / name).symlink_to("somewhere")
    outcome = await fetched(Sftp, there, here)
    assert outcome.progress.failed == 3
    assert codes(outcome) <= {Code.NAME_INVALID, Code.NOT_FOUND}
    assert os.listdir(here / "there") == ["plain"]
    assert (here / "there/plain").readlink() == Path("/etc/passwd")


HOMES = {
    "above": b"/..",
    "dots": b"/there/..",
    "relative": b"..",
    "empty": b"",
    "NUL": b"/\0",
    "long": b"/" + b"h" * 9000,
}


@pytest.mark.parametrize("home", HOMES.values(), ids=HOMES)
async def test_a_home_that_is_none_leads_nowhere_else(there: Path, here: Path, home: bytes) -> None:
    """The home directory is the server's word, and its last name becomes that of the copy."""

    class Sftp(PlainSftp):
        def real(self, path: bytes) -> bytes:
            return home

        def opendir(self, path: bytes) -> Iterator[list[Named]]:
            return iter([[(b"evil", like_a_file())]])

        def looks(self, path: bytes, descriptor: int | None = None, *, follow: bool = False) -> bytes:
            return attrs_of(os.stat(there)) if descriptor is None else attrs_of(os.fstat(descriptor))

        def open(self, path: bytes, flags: int, mode: int) -> int:
            return super().open(os.fsencode(__file__), os.O_RDONLY, 0)

    async with asyncio.timeout(BOUND), bench_at(Sftp, here.parent) as bench:
        outcome = await bench.get("~", to=f"{here}/")
    assert outcome.error is not None
    assert outcome.error.code is not Code.INTERNAL
    ours = {"here", "there", "state"}
    assert {path.name for path in here.parent.iterdir() if not path.name.startswith("known_")} == ours
    assert files_below(here) == {}


async def test_a_name_that_is_a_link_first_and_then_a_directory_is_not_written_through(there: Path, here: Path) -> None:
    outside = here.parent / "outside"
    outside.mkdir()
    (there / "sub").mkdir()
    (there / "sub/file").write_bytes(b"x")

    class Sftp(PlainSftp):
        def listing(self, path: bytes) -> Iterator[list[Named]]:
            if path == bytes(there):
                os.symlink(outside, link := bytes(there) + b"/link")
                yield [(b"sub", self.looks(link))]
                os.unlink(link)
            yield from super().listing(path)

        def pointer(self, path: bytes) -> bytes:
            return os.fsencode(outside)

    for _ in range(2):  # the second run finds the link in its way
        outcome = await fetched(Sftp, there, here)
        assert list(outside.iterdir()) == []
    async with bench_at(PlainSftp, here.parent) as bench:
        outcome = await bench.get(str(there), to=f"{here}/")
    assert codes(outcome) == {Code.OUTSIDE_ROOT}
    assert list(outside.iterdir()) == []


async def test_a_directory_that_becomes_a_link_before_it_is_opened_is_only_read(there: Path, here: Path) -> None:
    """Between the listing and the opening: what is read then may be any file of the server's own, and lands inside."""
    (there / "sub").mkdir()
    (there / "sub/passwd").write_bytes(b"mine")

    class Sftp(PlainSftp):
        def listing(self, path: bytes) -> Iterator[list[Named]]:
            yield from super().listing(path)
            if path.endswith(b"/sub"):
                os.rename(path, path + b".away")
                os.symlink("/etc", path)

    outcome = await fetched(Sftp, there, here, follow_symlinks=False)
    assert codes(outcome) <= {Code.SOURCE_CHANGED}
    assert os.listdir(here) == ["there"]
    assert set(os.listdir(here / "there")) <= {"sub", "sub.away"}


# --- sizes and contents ------------------------------------------------------------------------------------------

SIZES = (7 * MIB, 1, 0, (1 << 64) - 1, 1 << 63, (1 << 63) - 1, 1 << 40)
"""Larger and smaller than true; -1 and its like, which the protocol has as very large."""


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("opened", [True, False], ids=["open too", "listed only"])
async def test_sizes_that_lie_never_make_a_file_that_is_not_the_servers(
    there: Path, here: Path, size: int, opened: bool
) -> None:
    class Sftp(PlainSftp):
        def looks(self, path: bytes, descriptor: int | None = None, *, follow: bool = False) -> bytes:
            found = os.stat(path) if descriptor is None else os.fstat(descriptor)
            lies = path.endswith(b".bin") and (opened or descriptor is None)
            return attrs_of(found, size=size) if lies else super().looks(path, descriptor, follow=follow)

    true = {"a.bin": b"small", "b.bin": os.urandom(3 * MIB), "c": b"true"}
    for name, data in true.items():
        (there / name).write_bytes(data)
    outcome = await fetched(Sftp, there, here)
    assert codes(outcome) <= {Code.SOURCE_CHANGED, Code.FILE_FAILED}
    assert files_below(here / "there").items() <= true.items()
    assert (here / "there/c").exists()
    assert outcome.progress.files_done == len(files_below(here / "there"))


async def test_reads_of_one_byte_lose_nothing(there: Path, here: Path) -> None:
    class Sftp(PlainSftp):
        most_read = 1

    (there / "a").write_bytes(os.urandom(3000))
    assert (await fetched(Sftp, there, here)).error is None
    assert (here / "there/a").read_bytes() == (there / "a").read_bytes()


async def test_reads_that_give_more_than_was_asked_for_or_go_on_for_ever_are_refused(there: Path, here: Path) -> None:
    class TooMuch(PlainSftp):
        def read(self, path: bytes, descriptor: int, offset: int, size: int) -> bytes:
            return b"x" * (size + 1)

    class Endless(PlainSftp):
        def read(self, path: bytes, descriptor: int, offset: int, size: int) -> bytes:
            return b"x" * size

    (there / "empty").touch()
    (there / "small").write_bytes(b"small")
    (there / "large").write_bytes(bytes(2 * MIB))
    for make in (TooMuch, Endless):
        outcome = await fetched(make, there, here)
        assert codes(outcome) <= {Code.FILE_FAILED, Code.SOURCE_CHANGED}
        assert outcome.progress.failed >= 2
        assert {name for name in files_below(here) if name != "there/large"} == set()


async def test_handles_that_are_longer_than_any_are_refused(there: Path, here: Path) -> None:
    class Sftp(PlainSftp):
        def handle(self) -> bytes:
            return super().handle().ljust(100_000, b"h")

    (there / "a").write_bytes(b"content")
    outcome = await fetched(Sftp, there, here)
    assert codes(outcome) == {Code.FILE_FAILED}


# --- listings ----------------------------------------------------------------------------------------------------


def _again(entries: list[Named]) -> Iterator[list[Named]]:
    return itertools.repeat(entries)


ENDLESS: dict[str, Callable[[], Iterator[list[Named]]]] = {
    "dots": lambda: _again([(b".", like_a_file()), (b"..", like_a_file())]),
    "the same names": lambda: _again([(b"a%d" % number, like_a_file()) for number in range(50)]),
    "new names": lambda: ([(b"n%d" % number, like_a_file())] * 1 for number in itertools.count()),
}


@pytest.mark.parametrize("kind", ENDLESS)
async def test_listings_without_end_are_given_up(
    there: Path, here: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.connection.endless.MOST_NAMES", 500)

    class Sftp(PlainSftp):
        def listing(self, path: bytes) -> Iterator[list[Named]]:
            return ENDLESS[kind]()

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with asyncio.timeout(BOUND), bench_at(Sftp, here.parent) as bench:
        files = bench.files.on("server")
        with pytest.raises(FileError) as caught:
            async for _ in files.list(bytes(there)):
                pass
        assert caught.value.code is Code.FILE_FAILED
        assert caught.value.advice
        outcome = await bench.get(str(there), to=f"{here}/")
    files_told = {"dots": 0, "the same names": 50, "new names": 500}[kind]
    assert outcome.progress.failed == files_told + 1, "the directory itself"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10
    assert files_below(here) == {}


async def test_answers_without_a_name_end_a_listing(there: Path, here: Path) -> None:
    class Sftp(PlainSftp):
        def listing(self, path: bytes) -> Iterator[list[Named]]:
            yield from super().listing(path)
            yield from _again([])

    (there / "a").write_bytes(b"a")
    assert (await fetched(Sftp, there, here)).error is None
    assert files_below(here) == {"there/a": b"a"}


async def test_a_directory_that_holds_itself_ends_for_every_walk(there: Path, here: Path) -> None:
    """Copied, counted, searched and removed: no walk goes down for ever."""

    class Sftp(PlainSftp):
        def opendir(self, path: bytes) -> Iterator[list[Named]]:
            return iter([[(b"d", attrs_of(os.stat(there)))]])

        def looks(self, path: bytes, descriptor: int | None = None, *, follow: bool = False) -> bytes:
            return attrs_of(os.stat(there))

    async with asyncio.timeout(BOUND), bench_at(Sftp, here.parent) as bench:
        files = bench.files.on("server")
        counted = await files.count(bytes(there))
        assert counted.unreadable > 0
        search = files.search(bytes(there), NamePattern(b"nothing"))
        assert [hit async for batch in search.hits() for hit in batch] == []
        assert search.unreadable == 1
        with pytest.raises(FileError):
            await files.remove(bytes(there), recursive=True)
        outcome = await bench.get(str(there), to=f"{here}/")
    assert codes(outcome) == {Code.NAME_INVALID}
