"""What the deep check's script would say on a simulated host: the same lines, made from the host's own state.

Load, memory and sockets move a little from minute to minute, the same way every time.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

from mocks.host import SimulatedHost
from mocks.jobs import boot_of
from mocks.shell.run import Run


async def look_into(run: Run) -> int:
    """Answer the script."""
    host = run.host
    await run.out(("\n".join(_lines(host)) + "\n").encode("utf-8", "surrogateescape"))
    if host.faults.df_hangs:
        await run.clock.sleep(6.0)
    await run.line("end")
    return 0


async def restart(run: Run, unit: str) -> int:
    """As systemctl(1) would restart `unit` for those who may; it is active a moment later, unless it never is."""
    host, name = run.host, unit.removesuffix(".service")
    if run.actor.uid != 0 and not any(group == "sudo" for group, _ in run.user.groups):
        await run.line("refused sudo: a password is required")
        return 0
    found = next((one for one in host.services if one.name == name), None)
    if found is None:
        await run.line(f"refused Failed to restart {unit}: Unit {unit} not found.")
        return 0
    host.restarted.append(unit)
    if unit in host.faults.never_active:
        await run.line("state failed")
        return 0
    started = replace(found, active="active", sub="running", pid=host.new_pid())
    host.services = tuple(started if one is found else one for one in host.services)
    await run.clock.sleep(4.0)
    await run.line("active")
    return 0


def _lines(host: SimulatedHost) -> Iterator[str]:
    now, machine = host.now(), host.machine
    chance = random.Random(f"{host.name}:{int(now.timestamp() // 60)}")
    yield "deep 1"
    yield f"clock {int(now.timestamp())}.{now.microsecond * 1000:09}"
    yield f"system Linux {machine.kernel}"
    yield from _disks(host)
    yield from _units(host)
    for number, gpu in enumerate(machine.gpus):
        yield f"gpu {number}, {gpu.name}, {gpu.used}, {gpu.memory}, {gpu.load}, {gpu.temperature}"
    yield from ("done oom", f"tasks {len(host.processes) + len(host.jobs) + 96} 0 0", "done tasks")
    wobble = chance.uniform(0.9, 1.1)
    threads = f"{chance.randrange(1, 4)}/{300 + len(host.processes)}"
    yield f"load {' '.join(f'{one * wobble:.2f}' for one in machine.load)} {threads} {chance.randrange(9000)}"
    used = int(machine.memory_used * chance.uniform(0.98, 1.02))
    for name, size in (
        ("MemTotal", machine.memory),
        ("MemAvailable", max(0, machine.memory - used)),
        ("SwapTotal", machine.swap),
        ("SwapFree", machine.swap - machine.swap_used),
    ):
        yield f"mem {name}: {size >> 10} kB"
    for what, share in zip(("cpu", "io", "memory"), machine.pressure, strict=True):
        average = f"{share * chance.uniform(0.8, 1.2):.2f}"
        yield f"pressure {what} some avg10={average} avg60={average} avg300={average} total=1"
    yield f"up {(host.clock.now() - host.booted).total_seconds():.2f} 1.00"
    yield f"boot {boot_of(host)}"
    yield f"socket sockets: used {150 + chance.randrange(20)}"
    tcp, waiting = 12 + 2 * len(host.programs) + chance.randrange(6), chance.randrange(30)
    yield f"socket TCP: inuse {tcp} orphan 0 tw {waiting} alloc 40 mem 3"
    yield from (f"conntrack {tcp + waiting}", "conntrack_max 262144")
    yield f"file_nr {1800 + chance.randrange(200)} 0 9223372036854775807"
    yield f"oom_kill {machine.oom_kills}"
    yield f"cpus {machine.cores}"
    if machine.reboot_for:
        yield from ("reboot yes", *(f"reboot_for {one}" for one in machine.reboot_for))
    if "Ubuntu" in machine.system or "Debian" in machine.system:
        yield "reboot known"


def _disks(host: SimulatedHost) -> Iterator[str]:
    space, machine = host.tree.space(), host.machine
    yield "mount /dev/vda1 / ext4 rw,relatime"
    yield from (f"mount {one.device} {one.mount} {one.kind} {one.options}" for one in machine.volumes)
    if host.faults.df_hangs:
        return
    yield "disk Filesystem 1024-blocks Used Available Capacity Mounted on"
    yield _usage("/dev/vda1", space.total >> 10, (space.total - space.free) >> 10, "/", "disk")
    for one in machine.volumes:
        yield _usage(one.device, one.total >> 10, one.used >> 10, one.mount, "disk")
    yield from ("disk status 0", "done df", "inode Filesystem Inodes IUsed IFree IUse% Mounted on")
    free = space.files_free or 0
    yield _usage("/dev/vda1", free + free // 8, free // 8, "/", "inode")
    yield from ("inode status 0", "done df-i")


def _usage(device: str, total: int, used: int, mount: str, word: str) -> str:
    return f"{word} {device} {total} {used} {max(0, total - used)} {used * 100 // max(1, total)}% {mount}"


def _units(host: SimulatedHost) -> Iterator[str]:
    if "Alpine" in host.machine.system:
        yield "systemd no"
        return
    yield "systemd yes"
    for service in host.services:
        if service.active == "failed":
            yield f"unit {service.name}.service loaded failed failed {service.description}"
    yield from ("unit units told", "done units")
