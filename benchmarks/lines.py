"""Output of a command pouring into the workbench's command screen: against `ssh HOST cat FILE > /dev/null`.

A million plain lines, a million coloured ones, lines of 10,000 characters, random bytes. In turn, medians of the ratios
pair by pair; how long keys waited meanwhile, at a search and at a filter over all of it; what memory it took.
`python -m benchmarks.lines [PAIRS] [KIND…]`
"""

from __future__ import annotations

import asyncio
import os
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.lab import Lab, lab
from benchmarks.workbench import KEYS_APART, spread, until, workbench
from tui.app import WorkbenchApp
from tui.screens.commands import CommandsScreen

PAIRS = 3
LINES = 1_000_000


def plain(number: int) -> bytes:
    return b"%07d  2026-11-27T09:41:02Z web-1 nginx[812]: GET /api/v1/items/%d HTTP/1.1 200\n" % (number, number * 7919)


def coloured(number: int) -> bytes:
    return b"\x1b[32m%07d\x1b[0m \x1b[1;34minfo\x1b[0m item \x1b[38;5;208m%d\x1b[0m done\n" % (number, number * 7919)


def long(number: int) -> bytes:
    return b"%09d " % number * 1000 + b"\n"


KINDS: dict[str, Callable[[Path], int]] = {}


def _kind(name: str, lines: int, make: Callable[[int], bytes]) -> None:
    def write(path: Path) -> int:
        with path.open("wb") as file:
            file.writelines(make(number) for number in range(lines))
        return lines

    KINDS[name] = write


_kind("plain", LINES, plain)
_kind("coloured", LINES, coloured)
_kind("long", 10_000, long)
_kind("bytes", 1_000, lambda number: random.Random(number).randbytes(65_536))


async def theirs(made: Lab, path: Path) -> float:
    """Seconds of ssh."""
    began = time.monotonic()
    command = made.openssh("ssh", "near", f"cat {path}")
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.DEVNULL)
    if await process.wait():
        raise RuntimeError("ssh failed")
    return time.monotonic() - began


class Typing:
    """Presses letters in the command line, and keeps how long each took to stand there."""

    def __init__(self, app: WorkbenchApp) -> None:
        self._app = app
        assert isinstance(app.front, CommandsScreen)
        self._input = app.front.line.input
        self.waits: list[float] = []

    def _has_changed(self, length: int) -> bool:
        return len(self._input.value) != length

    async def while_(self, condition: Callable[[], bool]) -> float:
        """Seconds that it lasted."""
        began = time.monotonic()
        while True:
            pressed, before = time.monotonic(), len(self._input.value)
            self._app.simulate_key("x")
            await until(partial(self._has_changed, before))
            self.waits.append(time.monotonic() - pressed)
            if not condition():
                break
            await asyncio.sleep(KEYS_APART)
        self._input.value = ""
        return time.monotonic() - began


async def ours(app: WorkbenchApp, path: Path) -> tuple[float, float, str]:
    """Seconds until all of it is there and drawn, processor seconds, and how long keys took."""
    busy = time.process_time()
    screen, services = app.front, app.services
    assert isinstance(screen, CommandsScreen)
    await until(lambda: screen.focused is screen.line.input)
    before = len(services.commands.all())
    screen.line.input.value = f"cat {path}"
    app.simulate_key("enter")
    await until(lambda: len(services.commands.all()) > before)
    running, keys = services.commands.all()[-1], Typing(app)
    took = await keys.while_(lambda: running.outcome is None or screen.output.behind)
    return took, time.process_time() - busy, spread(keys.waits)


async def measure(made: Lab, app: WorkbenchApp, kind: str, pairs: int) -> None:
    """A row for the table, and lines about keys, search and filter."""
    path = made.there / kind
    await asyncio.to_thread(KINDS[kind], path)
    size = path.stat().st_size
    await ours(app, path)
    rows = [(await ours(app, path), await theirs(made, path)) for _ in range(pairs)]
    ratio = statistics.median(mine[0] / other for mine, other in rows)
    took = statistics.median(mine[0] for mine, _ in rows)
    busy = statistics.median(mine[1] for mine, _ in rows)
    other = statistics.median(other for _, other in rows)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{kind:<9} {size / 1e6:.0f} MB  {took:.2f} s ({busy:.2f} CPU)  ssh: {other:.2f} s  {ratio:.2f}   "
        f"keys: {rows[-1][0][2]}  memory {memory:.0f} MB",
        flush=True,
    )
    await look_through(app, kind)
    path.unlink()


async def look_through(app: WorkbenchApp, kind: str) -> None:
    """Search and filter all of it."""
    screen = app.front
    assert isinstance(screen, CommandsScreen)
    view = screen.output
    for name, begin in (("search", view.search), ("filter", view.filter)):
        keys = Typing(app)
        begin("99")
        took = await keys.while_(lambda: view.behind)
        print(f"{'':<9} {name} {took:5.2f} s   keys: {spread(keys.waits)}", flush=True)
        begin("")
    await until(lambda: not view.behind)


async def run(made: Lab, pairs: int, kinds: list[str]) -> None:
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    async with workbench(made, "near") as app:
        app.host = "near"
        await app.services.sessions.get("near").link()
        app.simulate_key("2")
        await until(lambda: isinstance(app.front, CommandsScreen))
        for kind in kinds:
            await measure(made, app, kind, pairs)


def main() -> None:
    arguments = sys.argv[1:]
    pairs = int(arguments.pop(0)) if arguments and arguments[0].isdigit() else PAIRS
    with lab() as made:
        asyncio.run(run(made, pairs, arguments or list(KINDS)))


if __name__ == "__main__":
    main()
