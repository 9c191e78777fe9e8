"""How much output the emulator of a terminal takes in: megabytes and rows of it for each second of processor time, and
what a whole picture of 120x36 costs. `python -m benchmarks.terminal`"""

from __future__ import annotations

import time
from collections.abc import Callable

from backend.commands.terminals.engines import make_emulator

COLUMNS, ROWS = 120, 36
SLICE = 64 << 10
LEAST = 1.0
"""Seconds that each is measured for."""


def plain() -> bytes:
    return b"".join(b"line %7d of a log file that is about as long as such lines are\r\n" % n for n in range(20_000))


def coloured() -> bytes:
    row = b"\x1b[32m-rw-r--r--\x1b[0m 1 user user %7d \x1b[1;34mdirectory\x1b[0m/\x1b[38;5;208mfile-%d\x1b[0m.txt\r\n"
    return b"".join(row % (n, n) for n in range(10_000))


def wide() -> bytes:
    return "".join(f"{n:7} 漢字かな交じり文は一行に四十字ほど書かれる\r\n" for n in range(10_000)).encode()


def pictures() -> bytes:
    """As full-screen programs draw: to each row, some colours, and what is left of it erased."""
    row = b"\x1b[%d;1H\x1b[7m%5d\x1b[m \x1b[3%dm%s\x1b[m %s\x1b[K"
    return b"".join(row % (n % ROWS + 1, n, n % 8, b"user " * 4, b"a command " * 6) for n in range(10_000))


def seconds(work: Callable[[], None]) -> float:
    """Of processor time for one turn."""
    turns, began = 0, time.process_time()
    while (spent := time.process_time() - began) < LEAST:
        work()
        turns += 1
    return spent / turns


def main() -> None:
    emulator = make_emulator(COLUMNS, ROWS)
    for make in (plain, coloured, wide, pictures):
        data = make()
        rows = data.count(b"\n") or data.count(b"\x1b[K")

        def feed(data: bytes = data) -> None:
            for at in range(0, len(data), SLICE):
                emulator.feed(data[at : at + SLICE])

        spent = seconds(feed)
        print(f"{make.__name__:<10} {len(data) / spent / 1e6:6.1f} MB/s {rows / spent:10,.0f} rows/s", flush=True)

    def look() -> None:
        for row in range(ROWS):
            emulator.row(row)

    spent = seconds(look)
    print(f"{'looked at':<10} {spent * 1000:6.2f} ms for {ROWS} rows", flush=True)


if __name__ == "__main__":
    main()
