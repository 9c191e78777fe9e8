"""Bytes on their way to stdout: exact into pipes, harmless on terminals, and never in the loop's way."""

from __future__ import annotations

import asyncio
import os
import select
from io import StringIO
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import Code, FileError
from backend.fd_writer import FdWriter, StreamWriter
from cli.narration import Narration
from cli.output import CleanWriter
from tests.unit.cli.ttys import full_pipe


class _Kept:
    def __init__(self) -> None:
        self.data = b""

    async def write(self, data: bytes) -> None:
        self.data += data


async def test_every_byte_arrives_in_order() -> None:
    read, write = os.pipe()
    writer = FdWriter(write)
    for piece in (b"one\0", b"", b"\xff two"):
        await writer.write(piece)
    assert os.read(read, 100) == b"one\0\xff two"
    os.close(read)
    os.close(write)


async def test_a_reader_that_stalls_holds_back_the_writer_and_not_the_loop() -> None:
    read, write = os.pipe()
    content = b"x" * (1 << 20)
    writing = asyncio.create_task(FdWriter(write).write(content))
    for _ in range(100):
        await asyncio.sleep(0)
    assert not writing.done()

    def drain() -> int:
        taken = 0
        while taken < len(content):
            taken += len(os.read(read, 65536))
        return taken

    assert await asyncio.to_thread(drain) == len(content)
    await writing
    os.close(read)
    os.close(write)


async def test_a_reader_that_went_away_is_told_apart_from_a_failure() -> None:
    read, write = os.pipe()
    os.close(read)
    with pytest.raises(BrokenPipeError):
        await FdWriter(write).write(b"x")
    os.close(write)


async def test_a_full_disk_is_a_failure_with_its_code() -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    with pytest.raises(FileError) as caught:
        await FdWriter(full).write(b"x")
    assert caught.value.code is Code.DISK_FULL
    os.close(full)


async def test_a_stream_is_written_in_order_and_whole_behind_the_callers_back() -> None:
    read, write = os.pipe()
    writer = StreamWriter(write)
    pieces = [bytes([number % 256]) * 3000 for number in range(2000)]
    taken = asyncio.create_task(asyncio.to_thread(_read_all, read, sum(map(len, pieces))))
    for piece in pieces:
        await writer.write(piece)
    await writer.flush()
    assert await taken == b"".join(pieces)
    os.close(read)
    os.close(write)


def _read_all(fd: int, size: int) -> bytes:
    found = bytearray()
    while len(found) < size:
        found += os.read(fd, 65536)
    return bytes(found)


async def test_a_stream_that_nobody_takes_holds_its_writer_back_and_keeps_little() -> None:
    read, write = os.pipe()
    writer, handed = StreamWriter(write), 0

    async def pour() -> None:
        nonlocal handed
        while True:
            await writer.write(b"x" * 65536)
            handed += 65536

    pouring = asyncio.create_task(pour())
    for _ in range(500):
        await asyncio.sleep(0)
    assert StreamWriter.ROOM <= handed <= StreamWriter.ROOM + (2 << 20)
    pouring.cancel()
    await asyncio.gather(pouring, return_exceptions=True)
    os.close(read)
    os.close(write)


async def test_what_keeps_a_stream_from_being_written_is_told() -> None:
    read, write = os.pipe()
    os.close(read)
    writer = StreamWriter(write)
    with pytest.raises(BrokenPipeError):
        await writer.write(b"x")
        await writer.flush()
    os.close(write)
    full = os.open("/dev/full", os.O_WRONLY)
    writer = StreamWriter(full)
    with pytest.raises(FileError) as caught:
        await writer.write(b"x")
        await writer.flush()
    assert caught.value.code is Code.DISK_FULL
    os.close(full)


@given(st.lists(st.binary(max_size=20), max_size=6))
async def test_a_terminal_gets_no_control_codes_however_bytes_are_cut(pieces: list[bytes]) -> None:
    shown, whole = _Kept(), _Kept()
    writer = CleanWriter(shown)
    for piece in pieces:
        await writer.write(piece)
    await CleanWriter(whole).write(b"".join(pieces))
    assert all(character in "\n\t" or category(character) != "Cc" for character in shown.data.decode())
    assert whole.data.startswith(shown.data[: len(whole.data)])


async def test_text_passes_to_a_terminal_as_it_is() -> None:
    kept = _Kept()
    writer = CleanWriter(kept)
    for piece in ("grüße\n\t日本\n".encode()[:3], "grüße\n\t日本\n".encode()[3:], b"\x1b[31mred\xff"):
        await writer.write(piece)
    assert kept.data.decode() == "grüße\n\t日本\n\N{REPLACEMENT CHARACTER}[31mred\\xff"


def test_narration_is_one_clean_line_and_progress_stays_off_pipes() -> None:
    out = StringIO()
    narration = Narration(out)
    narration.progress("10 %")
    narration.say("two\nlines\x1b[2J")
    narration.end_progress()
    assert out.getvalue() == "two lines\N{REPLACEMENT CHARACTER}[2J\n"


def test_what_a_full_pipe_does_not_take_is_left_out_and_counted() -> None:
    with full_pipe() as (reading, full):
        narration = Narration(full)
        narration.say("lost")
        narration.say("lost too")
        while select.select([reading], [], [], 0)[0]:
            os.read(reading, 1 << 20)
        narration.say("read")
        told = os.read(reading, 65536).decode()
    assert "(2 messages were left out here: stderr was full)" in told
    assert told.endswith("read\n")
    assert "lost" not in told


class _Terminal(StringIO):
    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return 0


def test_progress_makes_way_for_lines_and_questions_and_comes_back() -> None:
    out = _Terminal()
    narration = Narration(out)
    narration.progress("10 %")
    narration.say("a line")
    assert out.getvalue() == "10 %\r\x1b[Ka line\n10 %"
    with narration.held():
        narration.progress("20 %")
        assert out.getvalue() == "10 %\r\x1b[Ka line\n10 %\r\x1b[K"
    assert out.getvalue().endswith("20 %")
    narration.end_progress()
    assert out.getvalue().endswith("20 %\r\x1b[K")
