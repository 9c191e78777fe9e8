"""The person's terminal: lines with and without echo, raw mode, and always put back as it was."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import struct
import termios
import threading
from collections.abc import Iterator

import pytest

from backend.connection.connector import PtySize
from backend.tty import Reader, line_end, raw_mode, restore_all, size_of
from cli.terminal import Terminal
from tests.support.waiting import until
from tests.unit.cli.ttys import Tty, open_tty


@pytest.fixture
def tty() -> Iterator[Tty]:
    with open_tty() as opened:
        yield opened


async def test_an_answer_that_may_be_shown_is_echoed(tty: Tty) -> None:
    asking = asyncio.create_task(Terminal(tty.program).ask("name? ", echo=True))
    await asyncio.sleep(0)
    tty.type("ada\n")
    assert await asking == "ada"
    assert tty.screen() == "name? ada\r\n"


async def test_a_secret_is_not_echoed_and_the_terminal_is_put_back(tty: Tty) -> None:
    before = tty.settings
    asking = asyncio.create_task(Terminal(tty.program).ask("secret? ", echo=False))
    await until(lambda: not tty.echoes)
    tty.type("hunter2\n")
    assert await asking == "hunter2"
    assert "hunter2" not in tty.screen()
    assert tty.settings == before


async def test_being_cancelled_puts_the_terminal_back_and_takes_no_later_key(tty: Tty) -> None:
    before = tty.settings
    asked = Terminal(tty.program)
    asking = asyncio.create_task(asked.ask("secret? ", echo=False))
    await until(lambda: not tty.echoes)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert tty.settings == before
    tty.type("for the next one\n")
    assert await asked.ask("next? ", echo=True) == "for the next one"


async def test_a_question_that_is_cancelled_ends_its_line(tty: Tty) -> None:
    asking = asyncio.create_task(Terminal(tty.program).ask("name? ", echo=True))
    await until(lambda: tty.screen() == "name? ")
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert tty.screen() == "\r\n"


async def test_lines_typed_ahead_answer_the_questions_in_order(tty: Tty) -> None:
    asked = Terminal(tty.program)
    tty.type("first\nsecond\n")
    assert [await asked.ask("1? ", echo=False), await asked.ask("2? ", echo=False)] == ["first", "second"]


async def test_the_end_of_input_is_no_answer_and_an_empty_line_is_one(tty: Tty) -> None:
    asked = Terminal(tty.program)
    tty.type("\x04")
    assert await asked.ask("? ", echo=True) is None
    tty.type("\n")
    assert await asked.ask("? ", echo=True) == ""


async def test_bytes_that_are_no_text_survive(tty: Tty) -> None:
    asking = asyncio.create_task(Terminal(tty.program).ask("? ", echo=True))
    os.write(tty.person, b"caf\xe9\n")
    assert os.fsencode(await asking or "") == b"caf\xe9"


def test_raw_mode_ends_with_its_block_even_by_an_error(tty: Tty) -> None:
    before = tty.settings
    with contextlib.suppress(KeyError), raw_mode(tty.program):
        assert not tty.echoes
        raise KeyError
    assert tty.settings == before


def test_an_end_that_cannot_unwind_puts_the_terminal_back_all_the_same(tty: Tty) -> None:
    before = tty.settings
    with raw_mode(tty.program):
        restore_all()
        assert tty.settings == before


def test_a_terminal_that_does_not_tell_its_size_is_taken_for_80_by_24(tty: Tty) -> None:
    assert size_of(tty.program) == PtySize(80, 24)
    fcntl.ioctl(tty.program, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
    assert size_of(tty.program) == PtySize(200, 50)


async def test_a_reader_gives_all_of_a_pipe_and_ends_with_it() -> None:
    read, write = os.pipe()
    content = bytes(range(256)) * 4096

    def fill() -> None:
        with os.fdopen(write, "wb") as file:
            file.write(content)

    filling = asyncio.create_task(asyncio.to_thread(fill))
    assert b"".join([chunk async for chunk in Reader(read).chunks()]) == content
    await filling
    os.close(read)


async def test_a_reader_reads_nothing_ahead_of_what_is_asked_for() -> None:
    read, write = os.pipe()
    os.write(write, b"one")
    async with contextlib.aclosing(Reader(read).chunks()) as chunks:
        assert await anext(chunks) == b"one"
        os.write(write, b"two")
    assert os.read(read, 10) == b"two"
    os.close(read)
    os.close(write)


async def test_closing_a_reader_that_waits_ends_its_thread() -> None:
    read, write = os.pipe()
    chunks = Reader(read).chunks()
    waiting = asyncio.create_task(anext(chunks))
    await until(lambda: "fairlead-reader" in {thread.name for thread in threading.enumerate()})
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await until(lambda: "fairlead-reader" not in {thread.name for thread in threading.enumerate()})
    os.close(read)
    os.close(write)


async def test_a_reader_passes_errors_on() -> None:
    directory = os.open("/", os.O_RDONLY)
    with pytest.raises(IsADirectoryError):
        [chunk async for chunk in Reader(directory).chunks()]
    os.close(directory)


def test_a_line_in_raw_mode_needs_to_go_back_to_the_left(tty: Tty) -> None:
    assert line_end(tty.program) == "\n"
    with raw_mode(tty.program):
        assert line_end(tty.program) == "\r\n"


def test_what_is_no_terminal_has_plain_lines() -> None:
    read, write = os.pipe()
    try:
        assert line_end(write) == "\n"
    finally:
        os.close(read)
        os.close(write)
