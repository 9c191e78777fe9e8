"""Remote files over OpenSSH's SFTP server, and over others that behave worse."""

from __future__ import annotations

import asyncio
import os
import pwd
import signal
import stat
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, aclosing
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from backend.connection.connector import FileKind, OpenMode
from backend.connection.ssh.files import SshFiles
from backend.connection.ssh.link import SshLink
from backend.connection.ssh.sftp_wire import Type
from backend.errors import Code, FileError, LinkLost, SessionError
from mocks.relay import Relay
from tests.support.asyncssh_server import Door, TestServer, ssh_server
from tests.support.connecting import connected
from tests.support.openssh import Sshd, make_key, sshd, target
from tests.support.person import Person
from tests.support.sftp_server import PASSWORD, PlainSftp, sftp_server
from tests.support.waiting import until

pytestmark = pytest.mark.sshd


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    root = tmp_path_factory.mktemp("server")
    with sshd(root) as running:
        running.authorize(make_key(root / "key"))
        yield running


@pytest.fixture
async def link(server: Sshd, tmp_path: Path) -> AsyncIterator[SshLink]:
    known = server.known_hosts(tmp_path / "known")
    async with connected(target(server.hop(keys=[server.root / "key"], known=known))) as up:
        yield up


@pytest.fixture
async def files(link: SshLink) -> AsyncIterator[SshFiles]:
    channel = await link.open_files()
    yield channel
    await channel.close()


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """A directory on the host."""
    directory = tmp_path / "there"
    directory.mkdir()
    return directory


def raw(path: Path) -> bytes:
    return os.fsencode(path)


def listed(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


async def names(files: SshFiles, path: bytes) -> list[bytes]:
    return [entry.name async for batch in files.scan(path) for entry in batch]


async def failure(attempt: Any) -> FileError:
    with pytest.raises(FileError) as caught:
        await attempt
    assert caught.value.host == "server"
    return caught.value


# --- reading and writing ---


async def test_limits_are_the_servers_own(files: SshFiles) -> None:
    assert files.limits.read == files.limits.write == 261120
    assert 64 <= files.limits.open_files <= 256


async def test_blocks_written_in_any_order_make_the_file(files: SshFiles, there: Path) -> None:
    content = os.urandom(3_000_000)
    file = await files.open(raw(there / "f"), OpenMode.CREATE, 0o640)
    step = files.limits.write
    offsets = list(range(0, len(content), step))
    await asyncio.gather(*(file.write(at, content[at : at + step]) for at in reversed(offsets)))
    assert await file.sync() is True
    assert (await file.attributes()).size == len(content)
    await file.close()
    assert (there / "f").read_bytes() == content
    assert stat.S_IMODE((there / "f").stat().st_mode) == 0o640
    file = await files.open(raw(there / "f"), OpenMode.READ)
    parts = await asyncio.gather(*(_whole(file, at, min(step, len(content) - at)) for at in offsets))
    assert b"".join(parts) == content
    assert await file.read(len(content), 10) == b""
    assert await file.read(len(content) - 3, 10) == content[-3:]
    await file.close()
    await file.close()


async def _whole(file: Any, offset: int, size: int) -> bytes:
    data = b""
    while len(data) < size and (part := await file.read(offset + len(data), size - len(data))):
        data += part
    return data


async def test_opening_keeps_cuts_or_refuses_what_is_there_as_asked(files: SshFiles, there: Path) -> None:
    (there / "f").write_bytes(b"0123456789")
    file = await files.open(raw(there / "f"), OpenMode.UPDATE)
    await file.write(2, b"xx")
    await file.truncate(6)
    await file.close()
    assert (there / "f").read_bytes() == b"01xx45"
    assert (await failure(files.open(raw(there / "f"), OpenMode.EXCLUSIVE))).code is Code.EXISTS
    await (await files.open(raw(there / "f"), OpenMode.CREATE)).close()
    assert (there / "f").read_bytes() == b""
    assert (await failure(files.open(raw(there / "new"), OpenMode.UPDATE))).code is Code.NOT_FOUND
    await (await files.open(raw(there / "newer"), OpenMode.EXCLUSIVE)).close()
    assert listed(there) == ["f", "newer"]


async def test_files_without_a_size_are_read_all_the_same(files: SshFiles) -> None:
    """The library's own download stops at the size that stat tells: nothing, for these."""
    file = await files.open(b"/proc/self/status", OpenMode.READ)
    assert (await file.read(0, 100)).startswith(b"Name:")
    await file.close()


# --- names and attributes ---


async def test_names_are_bytes_and_survive_whatever_they_are(files: SshFiles, there: Path) -> None:
    odd = [b"plain", b"sp ace", b"back\\slash", b"\xff\xfe", "ü".encode(), b"new\nline", b"-rf", b"\x1b[2J", b"a" * 255]
    for name in odd:
        (there / os.fsdecode(name)).write_bytes(name)
    assert sorted(await names(files, raw(there))) == sorted(odd)
    for name in odd:
        file = await files.open(raw(there) + b"/" + name, OpenMode.READ)
        assert await file.read(0, 300) == name
        await file.close()
        await files.rename(raw(there) + b"/" + name, raw(there) + b"/moved")
        await files.remove(raw(there) + b"/moved")
    assert listed(there) == []


async def test_attributes_tell_kind_size_mode_owner_and_time(files: SshFiles, there: Path) -> None:
    (there / "f").write_bytes(b"12345")
    (there / "l").symlink_to("f")
    os.mkfifo(there / "p")
    os.utime(there / "f", (1_000_000_000, 1_234_567_890))
    (there / "f").chmod(0o4711)
    entries = {entry.name: entry.attributes async for batch in files.scan(raw(there)) for entry in batch}
    assert entries[b"f"].size == 5
    assert entries[b"f"].mode == 0o4711
    assert entries[b"f"].modified == 1_234_567_890
    assert entries[b"f"].owner == (there / "f").owner()
    assert entries[b"l"].kind is FileKind.SYMLINK
    assert entries[b"p"].kind is FileKind.SPECIAL
    assert (await files.stat(raw(there / "l"))).size == 5
    assert (await files.lstat(raw(there / "l"))).kind is FileKind.SYMLINK
    assert await files.readlink(raw(there / "l")) == b"f"


async def test_mode_and_time_are_set_on_the_file_or_on_the_link_itself(files: SshFiles, there: Path) -> None:
    (there / "f").touch()
    (there / "l").symlink_to("f")
    await files.set_attributes(raw(there / "l"), mode=0o600, modified=1_000_000_000.9)
    assert stat.S_IMODE((there / "f").stat().st_mode) == 0o600
    assert (there / "f").stat().st_mtime == 1_000_000_000
    await files.set_attributes(raw(there / "l"), modified=1_100_000_000, follow=False)
    assert (there / "l").lstat().st_mtime == 1_100_000_000
    assert (there / "f").stat().st_mtime == 1_000_000_000


async def test_the_home_directory_is_what_a_dot_resolves_to(files: SshFiles, there: Path) -> None:
    assert await files.resolve(b".") == await files.resolve(b"") == os.fsencode(Path(pwd.getpwuid(os.getuid()).pw_dir))
    (there / "l").symlink_to(".")
    assert await files.resolve(raw(there) + b"/l//.") == raw(there.resolve())


async def test_links_are_made_the_right_way_round(files: SshFiles, there: Path) -> None:
    """Two conventions are about; OpenSSH's is not the draft's."""
    await files.symlink(raw(there / "link"), b"points/to")
    assert (there / "link").readlink() == Path("points/to")


async def test_directories_renames_and_space(files: SshFiles, there: Path) -> None:
    await files.mkdir(raw(there / "d"), 0o700)
    assert stat.S_IMODE((there / "d").stat().st_mode) == 0o700
    await files.rename(raw(there / "d"), raw(there / "e"))
    await files.rmdir(raw(there / "e"))
    assert listed(there) == []
    space = await files.space(raw(there))
    assert space is not None and 0 < space.free <= space.total


async def test_replacing_puts_the_new_file_over_the_old_in_one_step(files: SshFiles, there: Path) -> None:
    (there / "new").write_text("new")
    (there / "old").write_text("old")
    await files.replace(raw(there / "new"), raw(there / "old"))
    assert listed(there) == ["old"]
    assert (there / "old").read_text() == "new"


# --- large directories ---


async def test_a_directory_of_many_thousand_comes_in_batches_and_whole(files: SshFiles, there: Path) -> None:
    for number in range(5000):
        (there / f"{number:05d}").touch()
    batches = [len(batch) async for batch in files.scan(raw(there))]
    assert sum(batches) == 5000
    assert len(batches) > 10
    assert len(set(await names(files, raw(there)))) == 5000


async def test_many_directory_reads_are_under_way_at_once(server: Sshd, tmp_path: Path, there: Path) -> None:
    for number in range(3000):
        (there / f"{number:05d}").touch()
    async with Relay("127.0.0.1", server.port) as relay:
        known = server.known_hosts(tmp_path / "known2", f"[127.0.0.1]:{relay.port}")
        hop = server.hop(keys=[server.root / "key"], known=known, port=relay.port)
        async with connected(target(hop)) as link:
            files = await link.open_files()
            relay.set(delay=0.05)
            started = time.monotonic()
            assert len(await names(files, raw(there))) == 3000
            # One at a time would take 30 round trips of 0.1 s.
            assert time.monotonic() - started < 1.8
            relay.set(delay=0)


async def test_leaving_a_listing_early_frees_the_handle(files: SshFiles, there: Path) -> None:
    for number in range(500):
        (there / f"{number:05d}").touch()
    for _ in range(300):
        async with aclosing(files.scan(raw(there))) as listing:
            async for _ in listing:
                break
    assert len(await names(files, raw(there))) == 500


# --- failures ---


async def test_the_one_word_failure_gets_its_cause(files: SshFiles, there: Path) -> None:
    (there / "file").write_text("x")
    (there / "full").mkdir()
    (there / "full" / "x").touch()
    file, full = raw(there / "file"), raw(there / "full")
    attempts = [
        (files.stat(raw(there / "none")), Code.NOT_FOUND),
        (files.open(raw(there / "none"), OpenMode.READ), Code.NOT_FOUND),
        (files.open(raw(there / "none" / "x"), OpenMode.CREATE), Code.NOT_FOUND),
        (files.open(full, OpenMode.CREATE), Code.IS_DIRECTORY),
        (files.mkdir(file), Code.EXISTS),
        (files.mkdir(full), Code.EXISTS),
        (files.rmdir(full), Code.NOT_EMPTY),
        (files.rmdir(file), Code.NOT_DIRECTORY),
        (files.remove(full), Code.IS_DIRECTORY),
        (files.rename(file, full), Code.EXISTS),
        (files.rename(raw(there / "none"), full), Code.NOT_FOUND),
        (files.replace(file, full), Code.IS_DIRECTORY),
        (names(files, file), Code.NOT_DIRECTORY),
        (names(files, raw(there / "none")), Code.NOT_FOUND),
        (files.symlink(file, b"x"), Code.EXISTS),
        (files.stat(b"/" + b"n" * 300), Code.NAME_INVALID),
        (files.readlink(file), Code.FILE_FAILED),
    ]
    for attempt, code in attempts:
        assert (await failure(attempt)).code is code, code
    assert (there / "file").read_text() == "x"


async def test_a_read_from_a_directory_is_explained(files: SshFiles, there: Path) -> None:
    file = await files.open(raw(there), OpenMode.READ)
    assert (await failure(file.read(0, 10))).code is Code.IS_DIRECTORY
    await file.close()


async def test_a_full_disk_is_told_as_such(files: SshFiles) -> None:
    file = await files.open(b"/dev/full", OpenMode.UPDATE)
    error = await failure(file.write(0, b"x" * 10))
    assert error.code in (Code.DISK_FULL, Code.FILE_FAILED)
    await file.close()


async def test_after_a_hundred_failures_the_channel_still_works(files: SshFiles) -> None:
    results = await asyncio.gather(*(files.stat(b"/none%d" % n) for n in range(100)), return_exceptions=True)
    assert all(isinstance(result, FileError) for result in results)
    assert (await files.stat(b"/")).kind is FileKind.DIRECTORY


async def test_cancelled_requests_leave_no_handle_and_no_complaint(
    server: Sshd, files: SshFiles, there: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (there / "f").write_bytes(b"x" * 100)
    for _ in range(40):
        opening = asyncio.create_task(files.open(raw(there / "f"), OpenMode.READ))
        await asyncio.sleep(0)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
    await until(lambda: server.holders(there / "f") == 0)
    file = await files.open(raw(there / "f"), OpenMode.READ)
    assert await file.read(0, 1) == b"x"
    assert server.holders(there / "f") == 1
    assert "never retrieved" not in caplog.text


async def test_all_requests_under_way_fail_when_the_link_goes(server: Sshd, tmp_path: Path) -> None:
    async with Relay("127.0.0.1", server.port) as relay:
        known = server.known_hosts(tmp_path / "known2", f"[127.0.0.1]:{relay.port}")
        async with connected(target(server.hop(keys=[server.root / "key"], known=known, port=relay.port))) as link:
            files = await link.open_files()
            file = await files.open(b"/etc/passwd", OpenMode.READ)
            relay.black_hole()
            work: list[asyncio.Future[Any]] = [asyncio.ensure_future(file.read(0, 10)) for _ in range(50)]
            work.append(asyncio.ensure_future(names(files, b"/usr/bin")))
            await asyncio.sleep(0)
            relay.cut()
            results = await asyncio.gather(*work, return_exceptions=True)
            assert all(isinstance(result, LinkLost) for result in results)
            await file.close()


# --- servers that have no files to give ---


async def opening(
    root: Path, tmp_path: Path, *lines: str, key_options: str = "", defaults: bool = True
) -> SessionError:
    """How opening the files fails on a server with these lines."""
    with sshd(root, *lines, defaults=defaults) as running:
        running.authorize(make_key(root / "key"), key_options)
        known = running.known_hosts(tmp_path / "known_odd")
        async with connected(target(running.hop(keys=[root / "key"], known=known))) as link:
            with pytest.raises(SessionError) as caught:
                await link.open_files()
            assert link.lost is None
            return caught.value


async def test_a_shell_that_prints_text_is_told_with_what_it_printed(tmp_path: Path) -> None:
    """As a noisy ~/.bashrc does: the text comes before the protocol."""
    noisy = tmp_path / "noisy"
    noisy.write_text("#!/bin/sh\necho 'Welcome to \033[1mweb-1'\nexec /usr/lib/openssh/sftp-server\n")
    noisy.chmod(0o755)
    error = await opening(tmp_path / "s", tmp_path, f"Subsystem sftp {noisy}", defaults=False)
    assert error.code is Code.SHELL_NOISE
    assert error.evidence["noise"].startswith("Welcome to")
    assert "\x1b" not in error.evidence["noise"]


async def test_an_account_without_a_shell_is_refused_in_its_own_words(tmp_path: Path) -> None:
    refusing = tmp_path / "nologin"
    refusing.write_text("#!/bin/sh\necho 'This account is currently not available.'\nexit 1\n")
    refusing.chmod(0o755)
    error = await opening(tmp_path / "s", tmp_path, f"Subsystem sftp {refusing}", defaults=False)
    assert error.code is Code.SESSION_REFUSED
    assert error.evidence["reason"] == "This account is currently not available."


async def test_a_server_without_the_subsystem(tmp_path: Path) -> None:
    assert (await opening(tmp_path / "s", tmp_path, defaults=False)).code is Code.SFTP_UNAVAILABLE


async def test_a_subsystem_that_is_not_installed(tmp_path: Path) -> None:
    error = await opening(tmp_path / "s", tmp_path, "Subsystem sftp /no/such/sftp-server", defaults=False)
    assert error.code is Code.SFTP_UNAVAILABLE


# --- another server, without OpenSSH's extensions ---


async def test_without_posix_rename_the_old_file_is_moved_aside_first(there: Path, tmp_path: Path) -> None:
    async with other_server(there) as port, connected(target(port.hop(tmp_path)), Person(passwords=["x"])) as link:
        files = await link.open_files()
        files._requests.extensions = {}
        (there / "new").write_text("new")
        (there / "old").write_text("old")
        await files.replace(b"/new", b"/old")
        assert listed(there) == ["old"]
        assert (there / "old").read_text() == "new"
        await files.close()


class _DropsOut(PlainSftp):
    """Ends the conversation instead of the second renaming of all: the old file is aside, the new one not yet there."""

    renamed = 0

    def answer(self, raw: bytes) -> bytes:
        if raw[0] == Type.RENAME:
            _DropsOut.renamed += 1
            if _DropsOut.renamed == 3:
                raise EOFError
        return super().answer(raw)


@pytest.mark.parametrize("name", ["old", "o" * 255])
async def test_without_posix_rename_a_lost_link_leaves_the_old_file_and_the_next_try_nothing_beside(
    there: Path, tmp_path: Path, name: str
) -> None:
    _DropsOut.renamed = 0
    (there / "new").write_text("new")
    (there / name).write_text("old")
    paths = raw(there / "new"), raw(there / name)
    async with (
        sftp_server(_DropsOut) as port,
        connected(target(port.hop(tmp_path)), Person(passwords=[PASSWORD])) as link,
    ):
        files = await link.open_files()
        await failure(files.replace(*paths))
        assert sorted(path.read_text() for path in there.iterdir()) == ["new", "old"]
        files = await link.open_files()
        await files.replace(*paths)
        await files.close()
    assert {path.name: path.read_text() for path in there.iterdir()} == {name: "new"}


async def test_a_server_of_the_drafts_own_habits_gets_links_and_listings_its_way(there: Path, tmp_path: Path) -> None:
    async with other_server(there) as port, connected(target(port.hop(tmp_path)), Person(passwords=["x"])) as link:
        files = await link.open_files()
        await files.symlink(b"/link", b"old")
        assert (there / "link").readlink() == Path("old")
        for number in range(300):
            (there / f"{number:05d}").touch()
        assert len(await names(files, b"/")) == 301
        await files.close()


def other_server(root: Path) -> AbstractAsyncContextManager[TestServer]:
    """A server that is not OpenSSH, with its files under `root`."""
    return ssh_server(
        Door(passwords=["x"]), sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=os.fsencode(root))
    )


class _TellsAtTheEnd(asyncssh.SFTPServer):
    """A server over a network file system: what could not be kept shows when the file is closed."""

    def close(self, file_obj: object) -> None:
        super().close(file_obj)
        raise asyncssh.SFTPFailure("No space left on device")


async def test_what_a_server_says_at_the_close_of_a_written_file_is_raised_by_its_end(
    there: Path, tmp_path: Path
) -> None:
    door = Door(passwords=["x"])
    chroot = os.fsencode(there)
    async with (
        ssh_server(door, sftp_factory=lambda channel: _TellsAtTheEnd(channel, chroot=chroot)) as port,
        connected(target(port.hop(tmp_path)), Person(passwords=["x"])) as link,
    ):
        files = await link.open_files()
        file = await files.open(b"/new", OpenMode.EXCLUSIVE)
        await file.write(0, b"data")
        assert (await failure(file.finish())).code is Code.DISK_FULL
        await file.close()
        await files.close()


async def test_a_file_may_be_ended_while_its_writes_are_under_way(files: SshFiles, there: Path) -> None:
    file = await files.open(raw(there / "new"), OpenMode.EXCLUSIVE)
    block = b"x" * 10_000
    await asyncio.gather(*(file.write(10_000 * number, block) for number in range(20)), file.finish())
    assert (there / "new").read_bytes() == block * 20
    await file.close()


class _SendsNoPermissions(asyncssh.SFTPServer):
    """A server that tells sizes only, as over an object store."""

    def stat(self, path: bytes) -> asyncssh.SFTPAttrs:
        return _bare(super().stat(path))

    def lstat(self, path: bytes) -> asyncssh.SFTPAttrs:
        return _bare(super().lstat(path))

    def fstat(self, file_obj: object) -> asyncssh.SFTPAttrs:
        return _bare(super().fstat(file_obj))

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        async for name in super().scandir(path):
            name.attrs = _bare(name.attrs)
            yield name

    async def format_longname(self, name: asyncssh.SFTPName) -> None:
        name.longname = b""


def _bare(found: Any) -> asyncssh.SFTPAttrs:
    known = found if isinstance(found, asyncssh.SFTPAttrs) else asyncssh.SFTPAttrs.from_local(found)
    return asyncssh.SFTPAttrs(size=known.size, atime=known.atime, mtime=known.mtime)


async def test_a_server_that_sends_no_permissions_is_asked_for_kinds_in_other_ways(there: Path, tmp_path: Path) -> None:
    (there / "tree/below").mkdir(parents=True)
    (there / "tree/file").write_bytes(b"content")
    (there / "tree/link").symlink_to(there / "tree/file")
    door, chroot = Door(passwords=["x"]), os.fsencode(there)
    async with (
        ssh_server(door, sftp_factory=lambda channel: _SendsNoPermissions(channel, chroot=chroot)) as port,
        connected(target(port.hop(tmp_path)), Person(passwords=["x"])) as link,
    ):
        files = await link.open_files()
        assert {entry.attributes.kind async for batch in files.scan(b"/tree") for entry in batch} == {FileKind.UNKNOWN}
        kinds = [(await files.lstat(path)).kind for path in (b"/tree/below", b"/tree/file", b"/tree/link")]
        assert kinds == [FileKind.DIRECTORY, FileKind.FILE, FileKind.SYMLINK]
        assert (await files.stat(b"/tree/link")).kind is FileKind.FILE
        file = await files.open(b"/tree/file", OpenMode.READ)
        assert (await file.attributes()).kind is FileKind.FILE
        await file.close()
        await files.close()


async def test_a_server_that_breaks_the_protocol_is_told_and_hurts_nobody_else(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text(r"""#!/bin/sh
printf '\000\000\000\005\002\000\000\000\003\377\377\377\377\377'
exec cat >/dev/null
""")
    broken.chmod(0o755)
    with sshd(tmp_path / "s", f"Subsystem sftp {broken}", defaults=False) as running:
        running.authorize(make_key(tmp_path / "key"))
        known = running.known_hosts(tmp_path / "known")
        async with connected(target(running.hop(keys=[tmp_path / "key"], known=known))) as link:
            files = await link.open_files()
            error = await failure(files.stat(b"/"))
            assert "SFTP protocol" in error.evidence["reason"]
            await files.close()
            assert await link.ping() > 0


async def test_a_channel_whose_process_died_says_so_while_the_link_lives(server: Sshd, link: SshLink) -> None:
    before = set(server.processes)
    channel = await link.open_files()
    assert not channel.ended
    for process in set(server.processes) - before:
        os.kill(process, signal.SIGKILL)
    await until(lambda: channel.ended)
    assert link.lost is None
    again = await link.open_files()
    assert await again.resolve(b"/") == b"/"
    await again.close()
    assert again.ended
