"""`python -m benchmarks.relay HOST PORT SECONDS`: a relay that delays what passes, each way; prints its own port."""

from __future__ import annotations

import asyncio
import sys

from mocks.relay import Relay, RelayFaults


async def serve(host: str, port: int, delay: float) -> None:
    async with Relay(host, port, RelayFaults(delay=delay)) as relay:
        print(relay.port, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
