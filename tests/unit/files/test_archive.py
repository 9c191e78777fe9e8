"""The archive lane against real tars of three kinds, and against one that lies."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from backend.errors import Code
from backend.files.archive import heard, packing, unpacking
from backend.files.host_tools import Tar
from backend.files.partial import is_partial
from backend.files.tar_format import END, file_header, member
from backend.files.tar_reader import TarReader
from backend.files.transfer import Direction, TransferOutcome, TransferRequest
from tests.support.memory_files import TARGET, DirectoryHost, QuickClock
from tests.support.transfer_world import Workbench, snapshot, workbench

FILES = 120
NAMES = (
    b"-rf",
    b"a b",
    b"new\nline",
    b"back\\slash",
    b"quo'te",
    b"\xff\x81\x88",
    b"$(touch x)",
    b"*",
    b"n" * 255,
    b"[b]x",
)
TARS = {Tar.GNU: "tar", Tar.BSD: "bsdtar", Tar.BUSYBOX: "busybox"}
TOOLS = ("sh", "cat", "tr", "xargs", "sha256sum", "head", "rm", "sync", "printf", "openssl")


@pytest.fixture(autouse=True)
def all_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first stream has all there are, however slow the machine is."""
    monkeypatch.setattr("backend.files.small_files._PATIENCE", 60.0)
    monkeypatch.setattr("backend.files.small_files._MOST_PATIENCE", 60.0)


@pytest.fixture
def host(tmp_path: Path) -> DirectoryHost:
    (tmp_path / "host").mkdir()
    return DirectoryHost(tmp_path / "host")


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "here").mkdir()
    return tmp_path / "here"


@pytest.fixture
async def bench(host: DirectoryHost, tmp_path: Path) -> AsyncIterator[Workbench]:
    async with workbench(host, TARGET, tmp_path / "state", clock=QuickClock()) as services:
        yield services


@pytest.fixture(params=[Direction.GET, Direction.PUT], ids=["get", "put"])
def direction(request: pytest.FixtureRequest) -> Direction:
    value: Direction = request.param
    return value


@pytest.fixture
def source(direction: Direction, host: DirectoryHost, here: Path) -> Path:
    return (Path(os.fsdecode(host.home)) if direction is Direction.GET else here) / "tree"


@pytest.fixture
def goal(direction: Direction, host: DirectoryHost, here: Path) -> Path:
    return (here if direction is Direction.GET else Path(os.fsdecode(host.home))) / "tree"


@pytest.fixture
def request_of(direction: Direction, source: Path, goal: Path) -> Callable[..., TransferRequest]:
    def make(**more: object) -> TransferRequest:
        return TransferRequest(direction, "server", (str(source),), f"{goal.parent}/", **more)  # type: ignore[arg-type]

    return make


def fill(tree: Path) -> None:
    """Files in a few directories, of every mode and name."""
    chance = random.Random(3)
    for number in range(FILES):
        folder = tree / f"d{number % 3}" / "deeper"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"f{number}"
        path.write_bytes(chance.randbytes(number * 37))
        path.chmod((0o644, 0o755, 0o600, 0o440)[number % 4])
        os.utime(path, (1_000_000_000 + number, 1_000_000_000 + number))
    for name in NAMES:
        (tree / os.fsdecode(name)).write_bytes(name)
    os.link(tree / "a b", tree / "second name")
    (tree / "link").symlink_to("a b")
    (tree / "empty").touch()


def only_tools(monkeypatch: pytest.MonkeyPatch, directory: Path, tar: str | None, *tools: str) -> None:
    """A host whose commands are these and nothing else, its tar that of `tar`."""
    directory.mkdir()
    for name in tools:
        found = shutil.which(name)
        if found is None:
            pytest.skip(f"no {name} on this machine")
        (directory / name).symlink_to(found)
    if tar is not None:
        real = shutil.which(tar)
        if real is None:
            pytest.skip(f"no {tar} on this machine")
        (directory / "tar").write_text(f'#!/bin/sh\nexec {real} {"tar " if tar == "busybox" else ""}"$@"\n')
        (directory / "tar").chmod(0o755)
    monkeypatch.setenv("PATH", str(directory))


def leftovers(*roots: Path) -> list[Path]:
    return [path for root in roots for path in root.rglob("*") if is_partial(os.fsencode(path.name))]


def went_together(host: DirectoryHost) -> int:
    """Streams that the host has carried."""
    return sum(b"tar -c" in command or b"tar -x" in command for command in host.commands)


def sent_under(host: DirectoryHost) -> list[Path]:
    """The partial names of `f1` and so on, as the host was told them in the first stream to it."""
    stream = next(command for command in host.commands if b"tar -x" in command).partition(b"\n\n\n")[2]
    names = [os.fsdecode(b"/" + one.header.name[2:]) for one in TarReader(most=1 << 20).feed(stream)]
    return [Path(name) for name in names if Path(name).name.startswith(".f")]


# --- what arrives -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tar", list(Tar), ids=lambda tar: tar.name)
@pytest.mark.parametrize("verify", [True, False], ids=["verified", "unverified"])
async def test_every_tar_brings_names_modes_times_and_content(
    bench: Workbench,
    host: DirectoryHost,
    source: Path,
    goal: Path,
    request_of: Callable[..., TransferRequest],
    tar: Tar,
    verify: bool,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    fill(source)
    only_tools(monkeypatch, tmp_path / "bin", TARS[tar], *TOOLS)
    outcome = await bench.transfers.submit(request_of(verify=verify)).wait()
    assert outcome.error is None
    assert went_together(host) in (1, 2)
    assert snapshot(goal) == snapshot(source)
    assert leftovers(source, goal) == []
    assert outcome.progress.verified == (FILES + len(NAMES) + 2 if verify else 0)
    assert outcome.progress.bytes_done == outcome.progress.bytes_total == outcome.progress.sent_bytes


async def test_what_changed_before_it_was_packed_is_told_and_read_again(
    bench: Workbench, host: DirectoryHost, here: Path
) -> None:
    tree = Path(os.fsdecode(host.home)) / "tree"
    fill(tree)

    def change(command: bytes) -> None:
        if b"tar -c" in command:
            (tree / "d0/deeper/f3").write_bytes(b"longer than it was listed, by far" * 10)
            (tree / "d1/deeper/f4").unlink()
            (tree / "d2/deeper/f5").unlink()
            (tree / "d2/deeper/f5").symlink_to("/etc/passwd")

    host.faults.on_command = change
    outcome = await bench.get("tree", to=here)
    assert outcome.error is not None
    assert outcome.error.code is Code.SOME_FAILED
    assert (here / "tree/d0/deeper/f3").read_bytes().startswith(b"longer")
    assert sorted(problem.path.rpartition("/")[2] for problem in outcome.problems) == ["f4"]
    assert any("changed" in note.note for note in outcome.notes)
    assert os.readlink(here / "tree/d2/deeper/f5") == "/etc/passwd"
    assert outcome.progress.files_done == FILES + len(NAMES) + 2
    assert outcome.progress.verified == outcome.progress.files_done - 2, "all but the links"
    assert leftovers(here) == []


@pytest.mark.parametrize("missing", ["tar", "commands"])
async def test_a_host_without_tar_gets_them_one_by_one_and_says_so_once(
    bench: Workbench,
    host: DirectoryHost,
    source: Path,
    goal: Path,
    request_of: Callable[..., TransferRequest],
    missing: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    fill(source)
    host.faults.no_commands = missing == "commands"
    only_tools(monkeypatch, tmp_path / "bin", None, *TOOLS)
    outcome = await bench.transfers.submit(request_of()).wait()
    assert outcome.error is None
    assert snapshot(goal) == snapshot(source)
    assert went_together(host) == 0
    assert [note.note for note in outcome.notes if "one by one" in note.note] == [
        "small files went one by one: the host has no tar to send them together"
    ]


async def test_a_few_small_files_start_no_stream(
    bench: Workbench, host: DirectoryHost, source: Path, goal: Path, request_of: Callable[..., TransferRequest]
) -> None:
    source.mkdir()
    for number in range(5):
        (source / str(number)).write_bytes(b"x")
    assert (await bench.transfers.submit(request_of()).wait()).error is None
    assert went_together(host) == 0
    assert len(list(goal.iterdir())) == 5


@pytest.mark.parametrize("files", [5, FILES], ids=["few", "many"])
async def test_over_a_long_path_the_first_stream_is_begun_before_there_are_files_for_it(
    bench: Workbench,
    host: DirectoryHost,
    source: Path,
    goal: Path,
    request_of: Callable[..., TransferRequest],
    files: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("backend.files.small_files._FAR", 0.0)
    begun: list[bytes] = []
    host.faults.on_command = begun.append
    for number in range(files):
        (source / f"d{number % 3}").mkdir(parents=True, exist_ok=True)
        (source / f"d{number % 3}" / str(number)).write_bytes(b"x")
    assert (await bench.transfers.submit(request_of()).wait()).error is None
    assert sum(b"tar -" in command for command in begun) == 1
    assert snapshot(goal) == snapshot(source)
    assert leftovers(source, goal) == []


async def test_login_files_that_print_and_options_in_the_environment_are_no_trouble(
    bench: Workbench,
    host: DirectoryHost,
    source: Path,
    goal: Path,
    request_of: Callable[..., TransferRequest],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fill(source)
    monkeypatch.setenv("TAR_OPTIONS", "--nonsense")
    host.faults.login_prints = b"echo Welcome; echo ustar >&2; "
    outcome = await bench.transfers.submit(request_of()).wait()
    assert outcome.error is None
    assert outcome.notes == ()
    assert went_together(host) == 1
    assert snapshot(goal) == snapshot(source)


# --- interrupted --------------------------------------------------------------------------------------------------


async def test_a_lost_link_costs_what_was_under_way(
    bench: Workbench, host: DirectoryHost, source: Path, goal: Path, request_of: Callable[..., TransferRequest]
) -> None:
    fill(source)
    total = sum(path.stat().st_size for path in source.rglob("*") if path.is_file() and not path.is_symlink())
    host.faults.lose_after = [100_000, 60_000, 90_000]
    outcome = await bench.transfers.submit(request_of()).wait()
    assert outcome.error is None
    assert outcome.progress.restarts == 3
    assert snapshot(goal) == snapshot(source)
    assert leftovers(source, goal) == []
    assert outcome.progress.bytes_done == total
    assert outcome.progress.sent_bytes < total + 3 * 300_000


async def test_a_transfer_that_was_stopped_leaves_nothing_half_and_goes_on(
    bench: Workbench, host: DirectoryHost, source: Path, goal: Path, request_of: Callable[..., TransferRequest]
) -> None:
    fill(source)
    transfer = bench.transfers.submit(request_of(rate_limit=100_000))
    while not transfer.progress.sent_bytes:
        await QuickClock().sleep(0.5)
    await transfer.cancel()
    assert leftovers(source, goal) == []
    outcome = await bench.transfers.submit(request_of()).wait()
    assert outcome.error is None
    assert snapshot(goal) == snapshot(source)


async def test_what_a_killed_program_left_on_the_host_is_made_good(
    bench: Workbench, host: DirectoryHost, here: Path, tmp_path: Path
) -> None:
    """A partial that is whole, one that is cut, and a link that somebody has put where one would be."""
    fill(here / "tree")
    precious = tmp_path / "precious"
    precious.write_bytes(b"untouched")
    there = Path(os.fsdecode(host.home)) / "tree"
    request = TransferRequest(Direction.PUT, "server", (str(here / "tree"),), f"{there.parent}/")
    assert (await bench.transfers.submit(request).wait()).error is None
    shutil.rmtree(there)
    for number, partial in enumerate(sent_under(host)):
        partial.parent.mkdir(parents=True, exist_ok=True)
        if number % 3 == 0:
            partial.write_bytes(b"cut")
        elif number % 3 == 1:
            partial.symlink_to(precious)
        else:
            final = partial.with_name(partial.name.split(".")[1])
            shutil.copy2(here / "tree" / final.relative_to(there), partial)
    second = await bench.transfers.submit(request).wait()
    assert second.error is None
    assert snapshot(there) == snapshot(here / "tree")
    assert precious.read_bytes() == b"untouched"
    assert leftovers(there) == []


# --- a host that lies ---------------------------------------------------------------------------------------------


def lying(monkeypatch: pytest.MonkeyPatch, directory: Path, stream: bytes, status: int = 0) -> None:
    """A host whose tar says that it is GNU's, and packs `stream` whatever it is asked for."""
    only_tools(monkeypatch, directory, None, *TOOLS)
    (directory / "stream").write_bytes(stream)
    (directory / "tar").write_text(
        "#!/bin/sh\n"
        'case "$1" in --version) echo "tar (GNU tar) 9.9"; exit;; esac\n'
        f"cat {directory}/stream; cat >/dev/null; exit {status}\n"
    )
    (directory / "tar").chmod(0o755)


def a_file(path: Path, content: bytes, *, name: bytes | None = None) -> bytes:
    modified = int(path.stat().st_mtime)
    return b"".join(member(name or b"." + os.fsencode(path), content, mode=0o4777, modified=modified))


async def got(bench: Workbench, host: DirectoryHost, here: Path, **more: object) -> TransferOutcome:
    tree = Path(os.fsdecode(host.home)) / "tree"
    request = TransferRequest(Direction.GET, "server", (str(tree),), str(here), **more)  # type: ignore[arg-type]
    return await bench.transfers.submit(request).wait()


def plain(host: DirectoryHost, count: int = 200) -> list[Path]:
    tree = Path(os.fsdecode(host.home)) / "tree"
    tree.mkdir()
    for number in range(count):
        (tree / f"f{number}").write_bytes(b"true %2d" % number)
    return sorted(tree.iterdir())


@pytest.mark.parametrize(
    "name",
    [b"../../escaped", b"/escaped", b"./escaped", b"./../escaped", b"", b"./host/tree/../../escaped"],
)
async def test_names_that_nobody_asked_for_are_not_written(
    bench: Workbench, host: DirectoryHost, here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: bytes
) -> None:
    paths = plain(host)
    stream = a_file(paths[0], b"true  0", name=name) + b"".join(a_file(path, path.read_bytes()) for path in paths)
    lying(monkeypatch, tmp_path / "bin", stream + END)
    outcome = await got(bench, host, here)
    assert outcome.error is None
    assert snapshot(here / "tree") == snapshot(Path(os.fsdecode(host.home)) / "tree")
    assert not list(tmp_path.rglob("escaped"))
    assert not Path("/escaped").exists()


@pytest.mark.parametrize(
    "wrong",
    ["nothing", "text", "endless", "huge", "twice", "cut", "other content", "failing", "no times", "no files"],
)
async def test_a_tar_that_lies_costs_time_and_nothing_else(
    bench: Workbench, host: DirectoryHost, here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    paths = plain(host)
    true = b"".join(a_file(path, path.read_bytes()) for path in paths)
    streams = {
        "nothing": b"",
        "text": b"tar: not today\n" * 10_000,
        "endless": file_header(b"./x", 1 << 40, mode=0o644, modified=0)[0] + bytes(1 << 20),
        "huge": file_header(b"." + os.fsencode(paths[0]), 1 << 61, mode=0o644, modified=0)[0] + true,
        "twice": true + true + END,
        "cut": true[: len(true) // 2],
        "other content": b"".join(a_file(path, b"lies!!!") for path in paths) + END,
        "failing": true + END,
        "no times": about(b"mtime=nan") + true + about(b"mtime=-inf") + true + END,
        "no files": b"".join(of_kind(kind, paths[0]) for kind in b"123456") + true + END,
    }
    lying(monkeypatch, tmp_path / "bin", streams[wrong], status=2 if wrong == "failing" else 0)
    outcome = await got(bench, host, here)
    assert outcome.error is None
    assert {path.name: path.read_bytes() for path in (here / "tree").iterdir()} == {
        path.name: path.read_bytes() for path in paths
    }
    assert outcome.progress.verified == len(paths)
    assert outcome.progress.bytes_done == outcome.progress.bytes_total
    assert leftovers(here) == []


def of_kind(kind: int, path: Path) -> bytes:
    """A member that is a link out of everything, a device, a directory or a FIFO, under a name that was asked for."""
    block = bytearray(file_header(b"." + os.fsencode(path), 0, mode=0o6777, modified=int(path.stat().st_mtime))[0])
    block[156], block[157:168], block[148:156] = kind, b"/etc/passwd", b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def about(record: bytes) -> bytes:
    """A pax header with one record for the next member."""
    line = b"%d %s\n" % (len(record) + 4, record)
    block = bytearray(file_header(b"p", len(line), mode=0o644, modified=0)[0])
    block[156:157], block[148:156] = b"x", b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + line.ljust(512, b"\0")


@pytest.mark.parametrize(
    "endless",
    ["yes ./x", "yes tar: no >&2", "while :; do cat stream; done"],
    ids=["text", "complaints", "members"],
)
async def test_a_tar_that_never_ends_is_left_and_the_files_come_one_by_one(
    bench: Workbench, host: DirectoryHost, here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, endless: str
) -> None:
    monkeypatch.setattr("backend.files.archive_get.MOST_MORE", 1 << 20)
    paths = plain(host)
    only_tools(monkeypatch, tmp_path / "bin", None, *TOOLS, "yes")
    (tmp_path / "bin/stream").write_bytes(file_header(b"./x", 0, mode=0o644, modified=0)[0] * 200)
    (tmp_path / "bin/tar").write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && echo GNU tar && exit\ncd {tmp_path}/bin\n{endless}\n'
    )
    (tmp_path / "bin/tar").chmod(0o755)
    outcome = await got(bench, host, here)
    assert outcome.error is None
    assert outcome.progress.verified == len(paths)
    assert {path.name: path.read_bytes() for path in (here / "tree").iterdir()} == {
        path.name: path.read_bytes() for path in paths
    }


async def test_a_tar_that_says_nothing_is_waited_for_no_longer_than_that(
    bench: Workbench, host: DirectoryHost, here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.files.archive_get.QUIET_SECONDS", 0.3)
    paths = plain(host)
    only_tools(monkeypatch, tmp_path / "bin", None, *TOOLS, "sleep")
    (tmp_path / "bin/tar").write_text('#!/bin/sh\n[ "$1" = --version ] && echo GNU tar && exit\nexec sleep 60\n')
    (tmp_path / "bin/tar").chmod(0o755)
    outcome = await got(bench, host, here)
    assert outcome.error is None
    assert outcome.progress.verified == len(paths)
    assert any("said nothing" in note.note for note in outcome.notes)


async def test_commands_that_see_other_files_unpack_nothing(
    bench: Workbench, host: DirectoryHost, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a NAS whose SFTP server has a root of its own."""
    fill(here / "tree")
    whole = unpacking

    def elsewhere(tar: Tar, mark: str, hashing: str | None) -> bytes:
        return whole(tar, mark, hashing).replace(b'[ -f "$1" ]', b'[ -f "/elsewhere$1" ]')

    monkeypatch.setattr("backend.files.carry_put.unpacking", elsewhere)
    there = Path(os.fsdecode(host.home)) / "copy"
    outcome = await bench.transfers.submit(
        TransferRequest(Direction.PUT, "server", (str(here / "tree"),), str(there))
    ).wait()
    assert outcome.error is None
    assert snapshot(there) == snapshot(here / "tree")
    assert any("see other files" in note.note for note in outcome.notes)
    assert leftovers(there) == []


# --- the commands -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tar", list(Tar), ids=lambda tar: tar.name)
def test_commands_are_one_line_that_every_login_shell_takes_as_it_is(tar: Tar) -> None:
    for command in (packing(tar, "mark", "sha256sum", follow=True), unpacking(tar, "mark", "shasum -a 256")):
        assert command.startswith(b"exec sh -c '")
        assert command.count(b"'") == 2
        assert not set(command) & set(b"\n!`")


def test_a_file_made_for_a_stream_that_never_comes_is_removed(tmp_path: Path) -> None:
    """As when the program is killed after it has asked for the file, and before it has seen it made."""
    probe, names = tmp_path / "probe", tmp_path / "names"
    probe.touch()
    told = b"\n".join((*map(os.fsencode, (probe, names, tmp_path)), b"", b""))
    subprocess.run(unpacking(Tar.GNU, "mark", None), shell=True, input=told, check=False)
    assert os.listdir(tmp_path) == []


def test_what_is_printed_is_taken_apart() -> None:
    said = heard(b"\ntar: \x1b[1mno\nmore\n\nmark\n" + b"0" * 64 + b"  ./a/b\nnoise\n", "mark")
    assert said.complaint.startswith("tar: ")
    assert "\x1b" not in said.complaint
    assert said.digests == {b"/a/b": bytes(32)}
    assert heard(b"", "mark").complaint == ""
