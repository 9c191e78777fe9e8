"""The local file system behind the contract, and the tree that nothing leaves."""

from __future__ import annotations

import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.connection.connector import FileKind
from backend.errors import Code, FileError
from backend.files.local import BATCH, LocalFileSystem
from backend.files.local_source import LocalSource, read_small
from backend.files.local_tree import LocalTree, Parts, Stored, Whole
from backend.files.partial import partial_name
from backend.files.problems import local_error

FILES = LocalFileSystem()


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def broken() -> AsyncIterator[bytes]:
    yield b"half"
    raise FileError(Code.FILE_FAILED, evidence={"path": "x"})


def code_of(error: pytest.ExceptionInfo[FileError]) -> Code:
    return error.value.code


async def test_a_directory_is_listed_in_batches_without_dots(tmp_path: Path) -> None:
    for number in range(BATCH + 10):
        (tmp_path / f"f{number}").touch()
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("nowhere")
    batches = [batch async for batch in FILES.list(bytes(tmp_path))]
    kinds = {entry.name: entry.attributes.kind for batch in batches for entry in batch}
    assert len(batches) == 2
    assert len(kinds) == BATCH + 12
    assert kinds[b"fifo"] is FileKind.SPECIAL
    assert kinds[b"link"] is FileKind.SYMLINK


@pytest.mark.parametrize(
    ("make", "work", "code"),
    [
        ("", "stat", Code.NOT_FOUND),
        ("file", "mkdir", Code.EXISTS),
        ("file", "list", Code.NOT_DIRECTORY),
        ("full", "remove", Code.NOT_EMPTY),
        ("directory", "write", Code.IS_DIRECTORY),
    ],
)
async def test_failures_have_the_code_that_fits_and_a_next_step(
    tmp_path: Path, make: str, work: str, code: Code
) -> None:
    path = tmp_path / "x"
    if make == "file":
        path.touch()
    elif make:
        path.mkdir()
    if make == "full":
        (path / "y").touch()
    with pytest.raises(FileError) as caught:
        if work == "list":
            _ = [batch async for batch in FILES.list(bytes(path))]
        elif work == "write":
            await FILES.write(bytes(path), pieces(b"x"))
        else:
            await getattr(FILES, work)(bytes(path))
    assert code_of(caught) is code
    assert caught.value.advice
    assert "…" not in caught.value.message
    assert "the host" not in " ".join(item.command or "" for item in caught.value.advice)


async def test_a_name_that_is_too_long_or_has_a_nul_is_a_bad_name(tmp_path: Path) -> None:
    for name in (b"n" * 300, b"a\0b"):
        with pytest.raises(FileError) as caught:
            await FILES.mkdir(os.path.join(bytes(tmp_path), name))
        assert code_of(caught) is Code.NAME_INVALID


def test_full_disks_and_quotas_are_told_apart() -> None:
    import errno

    assert local_error(OSError(errno.ENOSPC, "x"), b"/a").code is Code.DISK_FULL
    assert local_error(OSError(errno.EDQUOT, "x"), b"/a").code is Code.QUOTA
    assert "read-only" in local_error(OSError(errno.EROFS, "x"), b"/a").message
    assert "strange" in local_error(OSError(errno.EIO, "strange"), b"/a").message


async def test_mkdir_with_parents_takes_what_is_there(tmp_path: Path) -> None:
    for _ in range(2):
        await FILES.mkdir(bytes(tmp_path / "a/b/c"), parents=True)
    assert (tmp_path / "a/b/c").is_dir()


async def test_renaming_does_not_replace(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    with pytest.raises(FileError) as caught:
        await FILES.rename(bytes(tmp_path / "a"), bytes(tmp_path / "b"))
    assert code_of(caught) is Code.EXISTS
    await FILES.rename(bytes(tmp_path / "a"), bytes(tmp_path / "c"))
    assert (tmp_path / "c").read_text() == "a"


async def test_removing_a_tree_counts_it_and_follows_no_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("keep")
    tree = tmp_path / "tree"
    (tree / "sub/deeper").mkdir(parents=True)
    (tree / "sub/file").write_bytes(b"12345")
    (tree / "link").symlink_to(outside)
    counted = await FILES.count(bytes(tree))
    removed = await FILES.remove(bytes(tree), recursive=True)
    assert (removed.files, removed.directories) == (counted.files, counted.directories) == (2, 3)
    assert not tree.exists()
    assert (outside / "precious").read_text() == "keep"


async def test_removing_a_link_to_a_directory_removes_the_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/file").touch()
    (tmp_path / "link").symlink_to("real")
    await FILES.remove(bytes(tmp_path / "link"), recursive=True)
    assert (tmp_path / "real/file").exists()
    assert not (tmp_path / "link").is_symlink()


async def test_content_is_read_from_anywhere_to_anywhere(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(range(256)) * 4096)
    whole = (tmp_path / "a").read_bytes()
    for start, limit in ((0, None), (1000, None), (0, 10), (300_000, 400_000), (1 << 21, None), (5, 0)):
        got = b"".join([data async for data in FILES.read(bytes(tmp_path / "a"), start=start, limit=limit)])
        assert got == whole[start:][:limit]


async def test_writing_replaces_in_one_step_and_keeps_the_mode(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    path.chmod(0o640)
    assert await FILES.write(bytes(path), pieces(b"new ", b"content")) == 11
    assert path.read_bytes() == b"new content"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    await FILES.write(bytes(path), pieces(), mode=0o600)
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"", 0o600)


async def test_writing_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with pytest.raises(FileError):
        await FILES.write(bytes(path), broken())
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


async def test_dots_are_followed_as_the_machine_does(tmp_path: Path) -> None:
    (tmp_path / "real/sub").mkdir(parents=True)
    (tmp_path / "link").symlink_to("real/sub")
    assert await FILES.resolve("link/../x", bytes(tmp_path)) == bytes(tmp_path.resolve() / "real/x")
    assert await FILES.resolve("link/x", bytes(tmp_path)) == bytes(tmp_path / "link/x")
    assert await FILES.resolve("~") == os.fsencode(Path.home())
    with pytest.raises(FileError) as caught:
        await FILES.resolve("~nobody-of-that-name")
    assert code_of(caught) is Code.NOT_FOUND


def stored(
    tree: LocalTree, parts: Parts, content: bytes, *, mode: int | None, modified: float | None, salt: bytes = b""
) -> None:
    """One small file under its partial name, or the error that kept it from being stored."""
    (error,) = tree.store([Whole(parts, content, mode, modified, salt)])
    if error is not None:
        raise error


def named(tree: LocalTree, parts: Parts, salt: bytes = b"") -> None:
    (error,) = tree.name([Stored(parts, salt)])
    if error is not None:
        raise error


# --- the tree ------------------------------------------------------------------------------------------------------


def test_a_swapped_in_link_stops_the_tree_even_when_the_directory_was_known(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    anchor = tmp_path / "anchor"
    anchor.mkdir()
    tree = LocalTree(bytes(anchor))
    tree.make_directory((b"sub",), 0o755)
    stored(tree, (b"sub", b"one"), b"1", mode=0o644, modified=1.0)
    named(tree, (b"sub", b"one"))
    (anchor / "sub").rename(anchor / "moved")
    (anchor / "sub").symlink_to(outside)
    stored(tree, (b"sub", b"two"), b"2", mode=0o644, modified=1.0)
    tree.close()
    fresh = LocalTree(bytes(anchor))
    with pytest.raises(FileError) as caught:
        stored(fresh, (b"sub", b"three"), b"3", mode=0o644, modified=1.0)
    fresh.close()
    assert code_of(caught) is Code.OUTSIDE_ROOT
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("parts", [(b"..", b"x"), (b"a/b",), (b"/etc",), (b"..",), (b"",), (b".",), (b"x\0",)])
def test_no_name_leaves_the_tree(tmp_path: Path, parts: tuple[bytes, ...]) -> None:
    tree = LocalTree(bytes(tmp_path))
    attempts = (
        lambda: stored(tree, parts, b"x", mode=None, modified=None),
        lambda: tree.open_partial(parts),
        lambda: tree.make_directory(parts, None),
        lambda: tree.link(parts, b"x"),
        lambda: tree.inspect(parts),
    )
    for attempt in attempts:
        with pytest.raises(FileError) as caught:
            attempt()
        assert code_of(caught) in (Code.OUTSIDE_ROOT, Code.NAME_INVALID)
    tree.close()
    assert list(tmp_path.iterdir()) == []


def test_a_partial_under_a_hard_link_is_refused(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    os.link(victim, tmp_path / os.fsdecode(partial_name(b"a")))
    tree = LocalTree(bytes(tmp_path))
    with pytest.raises(FileError) as caught:
        stored(tree, (b"a",), b"x", mode=None, modified=None)
    tree.close()
    assert code_of(caught) is Code.EXISTS
    assert victim.read_bytes() == b"precious"


def test_a_partial_has_one_writer_and_is_free_again_when_it_is_closed(tmp_path: Path) -> None:
    one, other = LocalTree(bytes(tmp_path)), LocalTree(bytes(tmp_path))
    partial = one.open_partial((b"a",))
    partial.append([b"mine"])
    with pytest.raises(FileError) as caught:
        other.open_partial((b"a",))
    assert code_of(caught) is Code.IN_USE
    partial.close()
    again = other.open_partial((b"a",))
    assert again.size == 4
    again.discard()
    one.close()
    other.close()


def test_what_took_the_place_of_a_partial_does_not_get_its_name(tmp_path: Path) -> None:
    tree = LocalTree(bytes(tmp_path))
    partial = tree.open_partial((b"a",))
    partial.append([b"mine"])
    path = tmp_path / os.fsdecode(partial_name(b"a"))
    path.unlink()
    path.write_bytes(b"another's")
    with pytest.raises(FileError) as caught:
        partial.commit()
    partial.close()
    tree.close()
    assert code_of(caught) is Code.IN_USE
    assert not (tmp_path / "a").exists()


def test_small_files_of_two_writers_do_not_meet_under_one_partial_name(tmp_path: Path) -> None:
    tree = LocalTree(bytes(tmp_path))
    stored(tree, (b"a",), b"one", mode=None, modified=None, salt=b"one")
    stored(tree, (b"a",), b"other", mode=None, modified=None, salt=b"other")
    named(tree, (b"a",), b"one")
    assert (tmp_path / "a").read_bytes() == b"one"
    named(tree, (b"a",), b"other")
    assert (tmp_path / "a").read_bytes() == b"other"
    tree.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_partial_of_another_user_is_not_taken_over(tmp_path: Path) -> None:
    planted = tmp_path / os.fsdecode(partial_name(b"a"))
    planted.write_bytes(b"planted")
    planted.chmod(0o666)
    os.chown(planted, 65534, 65534)
    tree = LocalTree(bytes(tmp_path))
    with planted.open("r+b") as theirs:
        partial = tree.open_partial((b"a",))
        assert partial.size == 0
        partial.append([b"ours"])
        theirs.write(b"theirs")
        theirs.flush()
        partial.commit()
    tree.close()
    assert (tmp_path / "a").read_bytes() == b"ours"
    assert (tmp_path / "a").stat().st_uid == os.geteuid()


def test_many_directories_do_not_use_up_the_descriptors(tmp_path: Path) -> None:
    tree = LocalTree(bytes(tmp_path))
    before = len(os.listdir("/proc/self/fd"))
    for number in range(200):
        tree.make_directory((b"d%d" % number,), None)
        stored(tree, (b"d%d" % number, b"f"), b"x", mode=None, modified=None)
        named(tree, (b"d%d" % number, b"f"))
    assert len(os.listdir("/proc/self/fd")) - before < 40
    tree.close()
    assert len(os.listdir("/proc/self/fd")) == before


def test_set_id_bits_of_another_machine_are_not_taken_over(tmp_path: Path) -> None:
    tree = LocalTree(bytes(tmp_path))
    stored(tree, (b"tool",), b"x", mode=0o6755, modified=5.0)
    named(tree, (b"tool",))
    tree.close()
    assert stat.S_IMODE((tmp_path / "tool").stat().st_mode) == 0o755


# --- sources -------------------------------------------------------------------------------------------------------


def test_a_special_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(FileError) as caught:
        LocalSource(bytes(tmp_path / "fifo"), follow=True)
    assert code_of(caught) is Code.NAME_INVALID


def test_a_link_is_opened_only_where_that_was_asked(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    (tmp_path / "link").symlink_to("a")
    assert read_small(bytes(tmp_path / "link"), follow=True).data == b"x"
    with pytest.raises(FileError):
        read_small(bytes(tmp_path / "link"), follow=False)


def test_a_file_without_a_size_that_goes_on_is_refused_rather_than_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "endless").touch()
    monkeypatch.setattr("backend.files.local_source.MOST_OF_UNKNOWN", 3 << 20)
    monkeypatch.setattr(LocalSource, "read_at", lambda _self, _offset, size: b"x" * size)
    with pytest.raises(FileError) as caught:
        read_small(bytes(tmp_path / "endless"), follow=True)
    assert code_of(caught) is Code.FILE_FAILED
    assert "was not copied" in caught.value.message


def test_a_file_of_proc_is_read_to_its_end() -> None:
    content = read_small(b"/proc/self/status", follow=True)
    assert content.attributes.size == 0
    assert b"Name:" in content.data
