"""A directory of 100,000 entries in a pane of the workbench: when its first rows are there, when all, and how long keys
wait while it is read, sorted, filtered, and with every row chosen.

For this machine, and for an OpenSSH server on loopback behind a relay of 50 ms. `python -m benchmarks.panes [COUNT]`
"""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import replace

from backend.files.filesystem import FileSystem
from benchmarks.lab import Lab, lab
from benchmarks.workbench import Keys, until, workbench
from tui.app import WorkbenchApp
from tui.widgets.file_pane import FilePane


async def measure(app: WorkbenchApp, name: str, files: FileSystem, path: bytes) -> None:
    """Open the directory, work on it, and print what that took."""
    pane = app.screen.query_one("#right", FilePane)
    pane.list.focus()
    await files.home()  # connected
    began = time.monotonic()
    pane.open(files, path)
    await until(lambda: pane.rows.count > 0)
    first = time.monotonic() - began
    keys = Keys(app, pane)
    whole = await keys.press_while(lambda: not pane.settled)
    print(
        f"{name:<24} first rows {first * 1000:4.0f} ms  all {pane.rows.count:,} {whole:5.2f} s   keys: {keys}",
        flush=True,
    )
    keys = Keys(app, pane)
    for _ in range(4):
        pane.action_sort()
        await keys.press_while(lambda: not pane.settled)
    print(f"{'':<24} sorted four ways                    keys: {keys}", flush=True)
    keys = Keys(app, pane)
    for text in ("f", "1", "12", ""):
        pane.rearrange(replace(pane.rows.view, text=text))
        await keys.press_while(lambda: not pane.settled)
    print(f"{'':<24} filtered                            keys: {keys}", flush=True)
    pane.list.action_choose_all()
    keys = Keys(app, pane)
    for _ in range(20):
        await keys.press()
    print(f"{'':<24} all of them chosen                  keys: {keys}", flush=True)


async def run(made: Lab, count: int) -> None:
    """Both sides, each twice."""
    directory = made.there / "many"
    directory.mkdir()
    for number in range(count):
        (directory / f"frame-{number * 7919 % count:06}.npy").touch()
    path = bytes(directory)
    async with workbench(made, "near") as app:
        files = app.services.files
        for _ in range(2):
            await measure(app, "this machine", files.local, path)
            await measure(app, "host", files.on("near"), path)
            await measure(app, "host, 50 ms round trip", files.on("far"), path)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with lab() as made:
        asyncio.run(run(made, count))


if __name__ == "__main__":
    main()
