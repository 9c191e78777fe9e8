"""What a host's commands print about files, hostile names included."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.complaints import code_of
from backend.connection.command_files.records import Look, Records, parse_record, parse_space
from backend.connection.connector import Entry, FileKind
from backend.errors import Code

MARK = b"fairlead-0123456789abcdef:"
NAMES = st.binary(min_size=1, max_size=40).filter(lambda name: MARK not in name)


def gnu(name: bytes) -> bytes:
    return MARK + b"81a4 5 1700000000 0 7 root/staff/" + name + b"\n"


def by_ls(name: bytes) -> bytes:
    return MARK + b"-rwsr-x--T 1 0 7 5 Nov 26 19:23 ./what ls makes of it\n/1700000000\n/" + name + b"\n"


@given(st.lists(NAMES, max_size=8), st.sampled_from(["gnu", "ls"]), st.integers(1, 60))
def test_every_name_survives_however_the_output_is_cut(names: list[bytes], look: str, size: int) -> None:
    output = b"".join((gnu if look == "gnu" else by_ls)(name) for name in names)
    records = Records(Look(look), MARK)
    found: list[Entry] = []
    for at in range(0, len(output), size):
        found += records.feed(output[at : at + size])
    found += records.feed(b"", end=True)
    assert [entry.name for entry in found] == names


def test_a_name_cannot_pretend_to_be_attributes() -> None:
    entry = parse_record(Look.LS, by_ls(b"a\n/5\n/evil").removeprefix(MARK))
    assert entry is not None
    assert entry.name == b"a\n/5\n/evil"
    assert entry.attributes.modified == 1_700_000_000


def test_attributes_are_read_from_both() -> None:
    of_stat = parse_record(Look.GNU, gnu(b"a").removeprefix(MARK))
    of_ls = parse_record(Look.LS, by_ls(b"a").removeprefix(MARK))
    assert of_stat is not None
    assert of_ls is not None
    assert (of_stat.attributes.kind, of_stat.attributes.mode, of_stat.attributes.group) == (
        FileKind.FILE,
        0o644,
        "staff",
    )
    assert (of_ls.attributes.kind, of_ls.attributes.mode, of_ls.attributes.size) == (FileKind.FILE, 0o5750, 5)


def test_a_device_has_no_size() -> None:
    entry = parse_record(Look.LS, b"crw-rw-rw- 1 0 0 1, 3 Nov 26 19:23 ./null\n/1700000000\n/./null\n")
    assert entry is not None
    assert (entry.attributes.kind, entry.attributes.size) == (FileKind.SPECIAL, None)


@pytest.mark.parametrize("record", [b"", b"nonsense\n", b"81a4 5 x 0 7 a/b/c\n"])
def test_what_is_no_record_is_none(record: bytes) -> None:
    assert parse_record(Look.GNU, record) is None


@pytest.mark.parametrize("digits", [b"9" * 18, b"-" + b"9" * 18])
def test_a_time_that_no_calendar_has_becomes_one_that_it_has(digits: bytes) -> None:
    entry = parse_record(Look.GNU, gnu(b"a").removeprefix(MARK).replace(b"1700000000", digits))
    assert entry is not None
    assert entry.attributes.modified is not None
    assert datetime.fromtimestamp(entry.attributes.modified, UTC).year in (5138, 1653)


@pytest.mark.parametrize("field", [b"81a4", b" 5 ", b"1700000000", b" 0 ", b" 7 "])
def test_numbers_without_end_are_no_record(field: bytes) -> None:
    record = gnu(b"a").removeprefix(MARK).replace(field, field.strip() + b"1" * 5000 + b" ", 1)
    assert parse_record(Look.GNU, record) is None


def test_what_never_becomes_a_record_is_not_kept() -> None:
    records = Records(Look.GNU, MARK)
    for _ in range(100):
        assert list(records.feed(b"x" * 100_000)) == []
    assert len(records._rest) <= 1 << 17
    assert [entry.name for entry in [*records.feed(gnu(b"a") + MARK)]] == [b"a"]


@pytest.mark.parametrize(
    ("complaint", "code"),
    [
        (b"sh: 1: cannot create /x: Permission denied", Code.PERMISSION),
        (b"sh: can't create ./x: nonexistent directory\nNo such file or directory", Code.NOT_FOUND),
        (b"sh: 1: cannot create ./x: File exists", Code.EXISTS),
        (b"bash: ./x: cannot overwrite existing file", Code.EXISTS),
        (b"cat: write error: No space left on device", Code.DISK_FULL),
        (b"dd: error writing './x': Disk quota exceeded", Code.QUOTA),
        (b"rmdir: failed to remove './x': Directory not empty", Code.NOT_EMPTY),
        (b"mkdir: cannot create directory: Read-only file system", Code.READ_ONLY),
        (b"something else", None),
    ],
)
def test_complaints_are_told_apart(complaint: bytes, code: Code | None) -> None:
    assert code_of(complaint) is code


def test_room_is_read_whatever_the_device_is_called() -> None:
    output = (
        b"Filesystem 1024-blocks Used Available Capacity Mounted on\na 1 b 2 3 4%% x 1000 400 600 40% /mnt/some where\n"
    )
    space = parse_space(output)
    assert space is not None
    assert (space.total, space.free) == (1_024_000, 614_400)
