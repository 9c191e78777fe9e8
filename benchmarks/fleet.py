"""`python -m benchmarks.fleet COUNT DIRECTORY`: a fleet of simulated hosts over real SSH; prints its ssh_config."""

from __future__ import annotations

import asyncio
import gc
import sys
from pathlib import Path

from mocks.fleet import fleet, write_fleet_files
from mocks.served import ServedWorld


async def serve(count: int, directory: Path) -> None:
    async with ServedWorld(fleet(count, odd=3)) as served:
        gc.freeze()
        print(write_fleet_files(served, directory), flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
