"""Why is it slow, asked of real servers: one measurement, its report, and helpers that make a host slow."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import aclosing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from backend.clock import SystemClock
from backend.connection.interaction import Nobody
from backend.connection.ssh.connector import SshConnector
from backend.connection.target import Hop
from backend.connection.vault import Vault
from backend.diagnostics.slowness.report import SlowReport
from backend.diagnostics.slowness.service import Slowness
from tests.support.netns import BACK, FIRST, Line, lead_astray, run_in
from tests.support.openssh import Sshd, make_key, sshd, target
from tests.support.scripted import ScriptedBook
from tests.support.tiers import need_root, unavailable


def slowness(*hops: Hop) -> Slowness:
    """What measures the host at the last of these hops."""
    clock = SystemClock()
    return Slowness(
        connector=SshConnector(vault=Vault(), clock=clock),
        book=ScriptedBook(target(*hops)),
        interaction=Nobody(),
        clock=clock,
    )


async def why(hop: Hop, *, before: Sequence[Hop] = ()) -> SlowReport:
    """Measure the host at `hop`, behind others, to the end."""
    report: SlowReport | None = None
    async with aclosing(slowness(*before, hop).measure(hop.name)) as measuring:
        async for item in measuring:
            if isinstance(item, SlowReport):
                report = item
    assert report is not None
    return report


@contextmanager
def slow_server(
    root: Path, *lines: str, bashrc: str = "", home: Path | None = None, **options: Any
) -> Iterator[tuple[Sshd, Hop]]:
    """A server with a key that opens it; its account has a home directory of the test's own with this `.bashrc`."""
    if Path(pwd.getpwuid(os.geteuid()).pw_shell).name != "bash":
        unavailable("sshd", "the login shell of this account is not bash")
    home = home or root / "home"
    home.mkdir(parents=True, exist_ok=True)
    (home / ".bashrc").write_text(bashrc)
    root.mkdir(parents=True, exist_ok=True)
    key = make_key(root / "id")
    with sshd(root, f"SetEnv HOME={home}", *lines, **options) as server:
        server.authorize(key)
        yield server, server.hop(keys=[key], known=server.known_hosts(root / "known"))


def through(hop: Hop, server: Sshd, port: int, root: Path) -> Hop:
    """The same server, reached at another port of loopback."""
    known = server.known_hosts(root / "known_relay", name=f"[127.0.0.1]:{port}")
    return replace(hop, address="127.0.0.1", port=port, known_hosts=replace(hop.known_hosts, user=(known,)))


@contextmanager
def lossy_line(made: Line, *, loss: float, at: Sequence[str]) -> Iterator[None]:
    """Of the packets that reach these machines this share is lost (iptables, `statistic`).

    Both ends use `reno`, as every kernel lets a namespace: `bbr` would hardly care.
    """
    for machine in (made.client, made.first):
        _run(*run_in(machine, "sysctl", "-qw", "net.ipv4.tcp_congestion_control=reno"))
    for machine in at:
        chance = ("-m", "statistic", "--mode", "random", "--probability", str(loss))
        done = _try(*run_in(machine, "iptables", "-A", "INPUT", "-p", "tcp", *chance, "-j", "DROP"))
        if done:
            unavailable("netns", f"iptables cannot drop at random here: {done}")
    yield


@contextmanager
def far_resolver(made: Line) -> Iterator[None]:
    """The first machine's only name server is one that never answers."""
    directory = Path("/etc/netns", made.first)
    directory.mkdir(parents=True)
    silent = FIRST.rpartition(".")[0] + ".53"
    try:
        (directory / "resolv.conf").write_text(f"nameserver {silent}\noptions timeout:2 attempts:1\n")
        (directory / "nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files dns\n")
        lead_astray(made.first, BACK, silent)
        yield
    finally:
        shutil.rmtree(directory)
        with suppress(OSError):
            directory.parent.rmdir()


@contextmanager
def slow_disk(root: Path, *, rate: int) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """A file system of its own on a loop device, and what to put before the command line of a server for which it takes
    `rate` bytes a second: the kernel's own limit for a control group (blkio of version 1, io of version 2)."""
    need_root("a loop device and a control group")
    image, place = root / "disk.img", root / "slow_disk"
    root.mkdir(parents=True, exist_ok=True)
    with image.open("wb") as file:
        file.truncate(64 << 20)
    _run("mke2fs", "-q", "-F", str(image))
    place.mkdir()
    if problem := _try("mount", "-o", "loop,sync", str(image), str(place)):
        unavailable("netns", f"no loop device can be mounted here: {problem}")
    try:
        device = place.stat().st_dev
        with _group("blkio", "io") as (group, version):
            numbers = f"{os.major(device)}:{os.minor(device)}"
            if version == 1:
                (group / "blkio.throttle.write_bps_device").write_text(f"{numbers} {rate}")
            else:
                (group / "io.max").write_text(f"{numbers} wbps={rate}")
            yield place, _joining(group)
    finally:
        _run("umount", "-l", str(place))


@contextmanager
def throttled(*, share: float) -> Iterator[tuple[str, ...]]:
    """What to put before the command line of a server that gets this share of one processor, and no more."""
    need_root("a control group")
    with _group("cpu", "cpu") as (group, version):
        period = 50_000
        if version == 1:
            (group / "cpu.cfs_period_us").write_text(str(period))
            (group / "cpu.cfs_quota_us").write_text(str(int(period * share)))
        else:
            (group / "cpu.max").write_text(f"{int(period * share)} {period}")
        yield _joining(group)


@contextmanager
def _group(first: str, second: str) -> Iterator[tuple[Path, int]]:
    """A control group with the controller `first` of version 1, or `second` of version 2. Removed at the end."""
    name = f"fairlead-test-{secrets.token_hex(4)}"
    old, new = Path("/sys/fs/cgroup", first), Path("/sys/fs/cgroup")
    if old.is_dir():
        group, version = old / name, 1
    elif (new / "cgroup.controllers").exists() and second in (new / "cgroup.subtree_control").read_text().split():
        group, version = new / name, 2
    else:
        unavailable("netns", f"no control group with {first} can be made here")
    group.mkdir()
    try:
        yield group, version
    finally:
        for line in (group / "cgroup.procs").read_text().split():
            with suppress(OSError):
                (group.parent / "cgroup.procs").write_text(line)
        deadline = time.monotonic() + 10
        while not _removed(group):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{group} is still in use")
            time.sleep(0.02)


def _removed(group: Path) -> bool:
    try:
        group.rmdir()
    except OSError:
        return False
    return True


def _joining(group: Path) -> tuple[str, ...]:
    return ("sh", "-c", f'echo $$ >{group}/cgroup.procs && exec "$@"', "sh")


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


def _try(*command: str) -> str:
    """Why it failed; empty where it did not."""
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stderr.strip() or f"status {done.returncode}"
