"""What the health monitor costs: 200 hosts, each looked into every five minutes.

`python -m benchmarks.monitor [HOURS] [HOSTS] [DAYS]`. Three measurements, each of this process's CPU time alone:

1. the monitor over simulated hosts for HOURS of virtual time, as it runs in the workbench: its own connections, the
   questions whether they live, reading, judging, and writing the history. The simulated hosts work in the same
   process, so what is printed is more than the monitor's own share;
2. single looks over real SSH, at hosts that another process serves: CPU per look, times the looks of a minute;
3. the history alone: DAYS of checks of all hosts, with values that move as those of (1) do; the size of the database.

Aim: (1) and (2) each below 1.2 s of CPU for a minute (2 % of one core), and the database of a month below 50 MB.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from backend.clock import SystemClock
from backend.connection.interaction import Nobody
from backend.connection.ssh.connector import SshConnector
from backend.connection.vault import Vault
from backend.container import open_container
from backend.health.deep.values import DeepChecked
from backend.health.history.service import MetricHistory
from backend.hosts.book import HostBook
from backend.hosts.entries import Overrides
from backend.store import Store
from benchmarks.many import served
from mocks.clock import START, VirtualClock
from mocks.fleet import fleet
from mocks.host import Machine, Volume
from tests.support.many_hosts import fleet_services, names

HOURS, HOSTS, DAYS = 2.0, 200, 30
EVERY = 300
AIM = 1.2
LOOKS = 200
_STILL = ("disk.", "inodes.", "swap.", "reboot.", "mounts.", "units.", "oom.", "files.", "memory.total", "gpu.")


def main() -> None:
    """Measure and print."""
    usual = [HOURS, HOSTS, DAYS]
    given = [float(word) for word in sys.argv[1:]]
    hours, hosts, days = [*given, *usual[len(given) :]]
    with tempfile.TemporaryDirectory() as directory:
        where = Path(directory)
        values = asyncio.run(_polled(where / "polled", hours, int(hosts)))
        asyncio.run(_over_ssh(where / "ssh", int(hosts)))
        asyncio.run(_month(where / "month", int(hosts), int(days), values))


async def _polled(directory: Path, hours: float, hosts: int) -> list[Mapping[str, float]]:
    """The first measurement; the readings of each host's last look."""
    clock = VirtualClock(grace=0.001)
    world = fleet(hosts, clock=clock)
    for number, host in enumerate(world):
        volumes = tuple(Volume(f"/srv/{one}", f"/dev/sd{one}1", 1 << 40, 1 << 39) for one in "bc"[: number % 3])
        host.machine = replace(Machine(), volumes=volumes, swap=2 << 30, swap_used=1 << 28)
    newest: dict[str, Mapping[str, float]] = {}
    looks = 0

    def hear(event: DeepChecked) -> None:
        nonlocal looks
        looks += 1
        newest[event.host] = event.check.values

    async with fleet_services(world, directory, clock=clock) as services:
        services.bus.subscribe(DeepChecked, hear)
        services.monitor.start(names(hosts))
        await clock.sleep(EVERY)  # logins are over
        began, looks, cpu, wall = clock.monotonic(), 0, time.process_time(), time.perf_counter()
        while (passed := clock.monotonic() - began) < hours * 3600:
            await clock.sleep(60)
        cpu, wall, minutes = time.process_time() - cpu, time.perf_counter() - wall, passed / 60
    each = cpu / minutes
    print(f"1 monitor, {hosts} simulated hosts, {minutes:.0f} virtual minutes, {looks:,} looks ({wall:.0f} s real)")
    print(f"  {each:.2f} s of CPU for a minute ({each / 60:.2%} of a core), {1000 * cpu / looks:.1f} ms for a look")
    _judge(each < AIM)
    return list(newest.values())


async def _over_ssh(directory: Path, hosts: int) -> None:
    """The second one."""
    with served(4, directory) as config:
        vault, clock = Vault(), SystemClock()
        connector = SshConnector(vault=vault, clock=clock)
        book = HostBook(overrides=Overrides(ssh_config=config))
        async with open_container(
            connector=connector, book=book, interaction=Nobody(), state_dir=directory / "state", vault=vault
        ) as services:
            for name in names(4):
                await services.deep_checks.check(name)
            cpu = time.process_time()
            for number in range(LOOKS):
                await services.deep_checks.check(names(4)[number % 4])
            cpu = time.process_time() - cpu
        await connector.close()
    each = cpu / LOOKS * hosts * 60 / EVERY
    print(f"2 looks over real SSH: {1000 * cpu / LOOKS:.1f} ms of CPU each")
    print(f"  {each:.2f} s of CPU for a minute with {hosts} hosts ({each / 60:.2%} of a core)")
    _judge(each < AIM)


class _SetClock(VirtualClock):
    def set(self, seconds: float) -> None:
        self._elapsed = seconds


async def _month(directory: Path, hosts: int, days: int, seen: list[Mapping[str, float]]) -> None:
    """The third one."""
    clock, chance = _SetClock(), random.Random(1)
    store = Store(directory / "fairlead.db")
    history = MetricHistory(store=store, clock=clock)
    cpu = time.process_time()
    for number in range(days * 86400 // EVERY):
        clock.set(float(number * EVERY))
        for host in range(hosts):
            at = START.timestamp() + number * EVERY + host * EVERY / hosts
            history.add(f"node-{host + 1}", at, _moved(seen[host % len(seen)], number / (days * 288), chance))
        await history.flush()
    cpu = time.process_time() - cpu
    sizes = await store.run(lambda connection: connection.execute("PRAGMA page_count").fetchone()[0] * 4096)
    await store.close()
    on_disk = sum(path.stat().st_size for path in directory.iterdir())
    readings = sum(len(one) for one in seen) / len(seen)
    checks = days * 86400 // EVERY * hosts
    print(f"3 history, {hosts} hosts, {days} days, {checks:,} checks of {readings:.0f} readings")
    print(
        f"  {on_disk / 1e6:.1f} MB on disk ({sizes / 1e6:.1f} MB of pages), {1e6 * cpu / checks:.0f} µs of CPU a check"
    )
    _judge(on_disk < 50e6)


def _moved(values: Mapping[str, float], part: float, chance: random.Random) -> dict[str, float]:
    """`values` a moment later: what moves on real hosts moves by a few per cent, disks fill slowly."""
    moved = {}
    for name, value in values.items():
        if name.startswith("disk."):
            moved[name] = value * (0.9 + 0.1 * part + chance.uniform(0, 0.0005))
        elif name == "uptime":
            moved[name] = value + part * 2_592_000
        elif name.startswith(_STILL):
            moved[name] = value
        else:
            moved[name] = value * chance.uniform(0.9, 1.1)
    return moved


def _judge(is_reached: bool) -> None:
    print(f"  aim {'reached' if is_reached else 'MISSED'}")


if __name__ == "__main__":
    main()
