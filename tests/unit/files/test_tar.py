"""Tar streams: what is written every tar reads, what any tar writes is read, and what lies is refused."""

from __future__ import annotations

import io
import tarfile
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.files.tar_format import BLOCK, END, BadArchive, file_header, member, padded, parse_header, parse_pax
from backend.files.tar_reader import MOST_ABOUT, MOST_NOISE, Member, TarReader

MOST = 4096
part = st.binary(min_size=1, max_size=255).filter(lambda raw: b"/" not in raw and b"\0" not in raw)
names = st.lists(part, min_size=1, max_size=6).map(b"/".join)
files = st.lists(st.tuples(names, st.binary(max_size=MOST)), max_size=6)
cuts = st.lists(st.integers(0, 1 << 16), max_size=8)


def pieces(raw: bytes, at: list[int]) -> list[bytes]:
    """`raw`, cut anywhere."""
    edges = [0, *sorted(cut % (len(raw) + 1) for cut in at), len(raw)]
    return [raw[start:end] for start, end in pairwise(edges)]


def read(raw: bytes, at: list[int] | None = None, *, mark: bytes = b"", most: int = MOST) -> list[Member]:
    reader = TarReader(most=most, mark=mark)
    found = [one for piece in pieces(raw, at or []) for one in reader.feed(piece)]
    assert reader.ended
    return found


def written(members: list[tuple[bytes, bytes]]) -> bytes:
    return b"".join(piece for name, content in members for piece in member(name, content, mode=0o640, modified=7)) + END


def tar_of(members: list[tuple[bytes, bytes]], form: int) -> bytes:
    """As Python's tarfile writes it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form, encoding="utf-8", errors="surrogateescape") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name.decode("utf-8", "surrogateescape"))
            info.size, info.mtime = len(content), 7
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


# --- writing ------------------------------------------------------------------------------------------------------


@given(files)
def test_what_is_written_another_reader_reads(members: list[tuple[bytes, bytes]]) -> None:
    raw = written(members)
    assert len(raw) % BLOCK == 0
    with tarfile.open(fileobj=io.BytesIO(raw), encoding="utf-8", errors="surrogateescape") as archive:
        found = [(info, archive.extractfile(info)) for info in archive]
        for (name, content), (info, opened) in zip(members, found, strict=True):
            assert info.name.encode("utf-8", "surrogateescape") == name.rstrip(b"/")
            assert (info.mode, info.mtime, info.isreg()) == (0o640, 7, True)
            assert opened is not None
            assert opened.read() == content


@given(files, cuts)
def test_what_is_written_is_read_again_however_it_is_cut(members: list[tuple[bytes, bytes]], at: list[int]) -> None:
    found = read(written(members), at)
    assert [(one.header.name, one.content) for one in found] == members
    assert all(one.header.modified == 7 for one in found)


@pytest.mark.parametrize("size", [0, 511, 512, 8**11 - 1, 8**11, 1 << 40])
def test_sizes_of_any_kind_are_told(size: int) -> None:
    header = parse_header(file_header(b"x", size, mode=0o644, modified=0)[-1])
    assert header is not None
    assert header.size == size


@pytest.mark.parametrize("length", [99, 100, 101, 155, 156, 255, 256, 257, 900, 4000])
def test_names_of_any_length_are_told(length: int) -> None:
    for name in (b"n" * min(length, 255), (b"dir/" * 1100)[:length].rstrip(b"/")):
        (found,) = read(written([(name, b"x")]))
        assert found.header.name == name


# --- reading ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@given(members=files, at=cuts)
def test_what_others_write_is_read(form: int, members: list[tuple[bytes, bytes]], at: list[int]) -> None:
    found = read(tar_of(members, form), at)
    assert [one.content for one in found] == [content for _, content in members]
    for (name, _), one in zip(members, found, strict=True):
        if form == tarfile.GNU_FORMAT or name.isascii():
            assert one.header.name == name


@given(st.binary(max_size=2000), cuts)
def test_rubbish_is_refused_or_passed_over(raw: bytes, at: list[int]) -> None:
    reader = TarReader(most=MOST)
    try:
        found = [one for piece in pieces(raw, at) for one in reader.feed(piece)]
    except BadArchive:
        return
    assert found == []


@given(files.filter(bool), st.data())
def test_a_stream_that_is_cut_gives_whole_files_only(members: list[tuple[bytes, bytes]], data: st.DataObject) -> None:
    raw = written(members)
    end = data.draw(st.integers(0, len(raw) - len(END)))
    reader = TarReader(most=MOST)
    found = [(one.header.name, one.content) for one in reader.feed(raw[:end])]
    assert found == members[: len(found)]
    assert not reader.ended


@given(files.filter(bool), st.data())
def test_a_header_with_a_wrong_byte_never_gives_another_file(
    members: list[tuple[bytes, bytes]], data: st.DataObject
) -> None:
    raw = bytearray(written([(name[:50], content) for name, content in members]))
    at = data.draw(st.integers(0, BLOCK - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    try:
        found = list(TarReader(most=MOST).feed(bytes(raw)))
    except BadArchive:
        return
    # Only the checksum's own field may be written in more than one way.
    assert 148 <= at < 156 or found[0].header.name == members[0][0][:50]


def test_what_is_larger_than_wanted_is_passed_over_and_told() -> None:
    large, small = read(written([(b"large", b"x" * 5000), (b"small", b"y")]), [700, 900, 3000])
    assert (large.header.size, large.content) == (5000, None)
    assert small.content == b"y"


def test_links_directories_and_devices_are_no_files() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
            info = tarfile.TarInfo("a" * 120)
            info.type, info.linkname = kind, "b" * 120
            archive.addfile(info)
        archive.addfile(tarfile.TarInfo("last"))
    assert [one.header.name for one in read(out.getvalue())] == [b"last"]


def test_a_second_archive_may_follow() -> None:
    raw = written([(b"a", b"1")]) + bytes(3 * BLOCK) + written([(b"b", b"2")])
    assert [one.header.name for one in read(raw, [10, 600, 2000, 2100])] == [b"a", b"b"]


def test_what_login_files_print_is_passed_over_up_to_the_mark() -> None:
    raw = b"Welcome!\n\0\0mark" + written([(b"a", b"1")])
    for at in range(len(raw)):
        assert [one.content for one in read(raw, [at], mark=b"mark")] == [b"1"]
    with pytest.raises(BadArchive, match="text"):
        list(TarReader(most=MOST, mark=b"mark").feed(b"yes\n" * MOST_NOISE))


def test_names_and_sizes_that_are_absurd_are_refused() -> None:
    block = bytearray(file_header(b"x", 1, mode=0o644, modified=0)[0])

    def changed(size: bytes, kind: bytes = b"0") -> bytes:
        block[124:136], block[156:157], block[148:156] = size, kind, b" " * 8
        block[148:156] = b"%06o\0 " % sum(block)
        return bytes(block)

    for size in (b"\xbf" + b"\xff" * 11, b"\xff" * 11 + b"\xfe", b"99999999999\0", b"-0000000001\0"):
        with pytest.raises(BadArchive):
            parse_header(changed(size))
    for kind in (b"L", b"x"):
        with pytest.raises(BadArchive, match="too much"):
            list(TarReader(most=MOST).feed(changed(b"%011o\0" % (MOST_ABOUT + 1), kind)))


def test_what_is_told_about_a_member_has_a_limit_of_its_own() -> None:
    reader = TarReader(most=MOST)
    with pytest.raises(BadArchive, match="too much"):
        for number in range(4):
            record = b" %d=%s\n" % (number, b"v" * ((1 << 19) - 30))
            list(reader.feed(_pax(b"%d%s" % (len(record) + 6, record))))


def _pax(content: bytes) -> bytes:
    block = bytearray(file_header(b"p", len(content), mode=0o644, modified=0)[0])
    block[156:157], block[148:156] = b"x", b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + content + bytes(padded(len(content)) - len(content))


@pytest.mark.parametrize(
    "raw", [b"x", b"5 a=b\n", b"99 a=b\n", b"6 a=b", b"-1 a=b\n", b"0 a=b\n", b" a=b\n", b"6 a_b\n"]
)
def test_broken_pax_records_are_refused(raw: bytes) -> None:
    with pytest.raises(BadArchive):
        parse_pax(raw)


def test_a_sparse_member_of_pax_is_no_plain_file() -> None:
    raw = _pax(b"22 GNU.sparse.major=1\n") + written([(b"holes", b"data"), (b"b", b"2")])
    assert [one.header.name for one in read(raw)] == [b"b"]
