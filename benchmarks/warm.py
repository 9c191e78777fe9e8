"""How long a command takes over a connection that is up: in a program that runs, against `ssh` over ControlMaster.

In turn, medians of the ratios pair by pair. `python -m benchmarks.warm [PAIRS]`
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time

from backend.commands.values import CommandSpec
from backend.connection.interaction import Nobody
from backend.container import Container
from benchmarks.lab import Lab, lab
from cli.compose import open_services
from cli.configuration import configure
from cli.flags import GlobalFlags

PAIRS = 40


async def ours(services: Container, host: str) -> float:
    """Seconds of one command."""
    began = time.monotonic()
    outcome = await services.commands.run(host, CommandSpec(b"true"))
    if outcome.error is not None:
        raise outcome.error
    return time.monotonic() - began


async def theirs(command: list[str]) -> float:
    """Seconds of one `ssh` that has a master."""
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(*command)
    if await process.wait():
        raise RuntimeError(f"{command} ended with {process.returncode}")
    return time.monotonic() - began


async def measure(made: Lab, services: Container, host: str, pairs: int) -> str:
    """A row of the table."""
    control = ["-o", f"ControlPath={made.state.parent / 'master'}-{host}"]
    await theirs(made.openssh("ssh", *control, "-o", "ControlMaster=yes", "-o", "ControlPersist=yes", host, "true"))
    try:
        await ours(services, host)
        waits = [(await ours(services, host), await theirs(made.openssh("ssh", *control, host, "true")))
                 for _ in range(pairs)]  # fmt: skip
    finally:
        await theirs(made.openssh("ssh", *control, "-O", "exit", host))
    ratio = statistics.median(mine / other for mine, other in waits)
    mine, other = (statistics.median(column) * 1000 for column in zip(*waits, strict=True))
    return f"| command on a warm connection, {host} | {mine:.1f} ms | ControlMaster: {other:.1f} ms | **{ratio:.2f}** |"


async def run(made: Lab, pairs: int) -> None:
    configuration = configure(GlobalFlags(ssh_config=made.config, batch=True, state_dir=made.state))
    async with open_services(configuration, Nobody()) as services:
        for host in ("near", "far"):
            print(await measure(made, services, host, pairs), flush=True)


def main() -> None:
    with lab() as made:
        asyncio.run(run(made, int(sys.argv[1]) if len(sys.argv) > 1 else PAIRS))


if __name__ == "__main__":
    main()
