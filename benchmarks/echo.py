"""How long a key takes to come back from a shell on the host, idle and while a large file travels, in the workbench,
and how long the workbench's own keys wait meanwhile.

What the network and the server themselves take is what an idle key takes. `python -m benchmarks.echo [MIB]`
"""

from __future__ import annotations

import asyncio
import sys
import time

from backend.connection.connector import PtyRequest, RemoteProcess
from backend.files.transfer import Direction, Transfer, TransferRequest
from backend.tasks import background
from benchmarks.lab import Lab, lab, write_file
from benchmarks.workbench import Keys, spread, until, workbench
from tui.app import WorkbenchApp
from tui.widgets.file_pane import FilePane

KEYS_APART = 0.03
"""Seconds between two keys."""
IDLE_KEYS = 200


class Typing:
    """Keys to `cat` on a terminal of the host, and when each came back."""

    def __init__(self, process: RemoteProcess) -> None:
        self._process = process
        self._output = process.output()
        self.waits: list[float] = []

    async def ready(self) -> None:
        """Wait until the host's end reads."""
        seen = b""
        while b"ready" not in seen:
            seen += (await anext(self._output)).data

    async def key(self) -> None:
        pressed = time.monotonic()
        await self._process.write(b"x")
        while b"x" not in (await anext(self._output)).data:
            pass
        self.waits.append(time.monotonic() - pressed)
        await asyncio.sleep(KEYS_APART)


async def measure(app: WorkbenchApp, host: str, wanted: TransferRequest, size: int) -> None:
    """Type while nothing else goes on, then while `wanted` does, and print both."""
    link = await app.services.sessions.get(host).link()
    async with await link.open_process(b"stty -icanon; echo ready; exec cat > /dev/null", pty=PtyRequest()) as process:
        typing = Typing(process)
        await typing.ready()
        for _ in range(IDLE_KEYS):
            await typing.key()
        idle, typing.waits = typing.waits, []
        transfer = app.services.transfers.submit(wanted)
        began = time.monotonic()
        keys = Keys(app, app.screen.query_one("#left", FilePane))
        async with background(keys.press_while(lambda: transfer.outcome is None)) as moving:
            while transfer.outcome is None:
                await typing.key()
            await moving
        rate = size / (time.monotonic() - began) / 1e6
    _check(transfer)
    print(f"{host:<5} idle                      {spread(idle)}", flush=True)
    print(f"{'':<5} {wanted.direction.value} at {rate:6.1f} MB/s         {spread(typing.waits)}", flush=True)
    print(f"{'':<5} a key of the workbench     {keys}", flush=True)


def _check(transfer: Transfer) -> None:
    if transfer.outcome is not None and transfer.outcome.error is not None:
        raise transfer.outcome.error


async def run(made: Lab, size: int) -> None:
    """Both ways, over loopback and over a round trip of 50 ms."""
    source, there, back = write_file(made.here / "large", size), made.there / "large", made.here / "back"
    few = made.here / "few"
    for number in range(100):
        (few / f"{number}").mkdir(parents=True)
    async with workbench(made, "near") as app:
        pane = app.screen.query_one("#left", FilePane)
        pane.open(app.services.files.local, bytes(few))
        await until(lambda: pane.settled)
        for host in ("near", "far"):
            put = TransferRequest(Direction.PUT, host, (str(source),), str(there))
            get = TransferRequest(Direction.GET, host, (str(there),), str(back))
            for wanted in (put, get):
                await measure(app, host, wanted, size)
            made.clear(there, back)


def main() -> None:
    mib = int(sys.argv[1]) if len(sys.argv) > 1 else 1024
    with lab() as made:
        asyncio.run(run(made, mib << 20))


if __name__ == "__main__":
    main()
