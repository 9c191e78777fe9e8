"""`fairlead health --deep` and `--watch` against real servers: disks that are full or read-only, a df that hangs, a
wrong clock, failed units and their restart."""

from __future__ import annotations

import asyncio
import json
import shlex
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.netns import run_in
from tests.support.openssh import Sshd, make_key, sshd
from tests.support.program import Program, ssh_config
from tests.support.tiers import need_root
from tests.support.whole_host import make_tree, whole_host
from tests.unit.metrics.exposition import read_exposition

pytestmark = pytest.mark.sshd

_NOTHING_ELSE = '[health.thresholds]\n"*" = []\n'
"""What else may be wrong with the machine that runs the tests does not count."""
_HANGS = "#!/bin/sh\nexec sleep 617\n"
_LATE = '#!/bin/sh\nexec /bin/date -u -d "+2 minutes" "$@"\n'
_SYSTEMCTL = """#!/bin/sh
state={directory}/state
case "$*" in
  *list-units*) [ "$(cat $state)" = failed ] && echo "web.service loaded failed failed A web server" ;;
  *restart*) echo active >$state; echo restarted >>{directory}/restarts ;;
  *is-active*) cat $state ;;
esac
exit 0
"""


@dataclass
class Box:
    """A server, and how Fairlead reaches it."""

    server: Sshd
    program: Program
    config: Path
    tools: Path
    """Programs that its commands find first."""

    def tool(self, name: str, text: str) -> None:
        path = self.tools / name
        path.write_text(text.replace("{directory}", str(self.tools)))
        path.chmod(0o755)

    def health(self, *arguments: str) -> Any:
        return self.program.run("-F", str(self.config), "--batch", "health", *arguments, "box")

    def readings(self, *arguments: str) -> dict[str, Any]:
        ran = self.health("--deep", "--json", *arguments)
        assert ran.status == 0, ran.err
        (host,) = ran.json["hosts"]
        assert host["deep"] is not None, host
        return {one["name"]: one for one in host["deep"]["readings"]} | {"": host["deep"]}


@contextmanager
def box(tmp_path: Path, *, inside: Sequence[str] = (), config: str = "") -> Iterator[Box]:
    key, tools = make_key(tmp_path / "key"), tmp_path / "tools"
    tools.mkdir()
    program = Program(tmp_path)
    if config:
        (tmp_path / "config.toml").write_text(config)
        program = Program(tmp_path, env={"FAIRLEAD_CONFIG": str(tmp_path / "config.toml")})
    path = f"SetEnv PATH={tools}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    with sshd(tmp_path / "sshd", path, inside=inside) as server:
        yield Box(server, program, ssh_config(tmp_path / "ssh_config", {"box": server}, key), tools)


def apart(setup: str) -> tuple[str, ...]:
    """A command line that runs another one with mounts of its own, made by `setup`."""
    need_root("a mount namespace")
    return ("unshare", "-m", "--propagation", "private", "sh", "-ec", f'{setup}\nexec "$@"', "sh")


def test_a_real_host_tells_how_it_is(tmp_path: Path) -> None:
    with box(tmp_path) as here:
        found = here.readings()
        shown = here.health("--deep").out.decode()
        metrics = read_exposition(here.health("--deep", "--prometheus").out.decode())
    for name in ("latency", "load.per_cpu", "memory.available_ratio", "disk./.used_ratio", "clock.offset", "uptime"):
        assert found[name]["value"] is not None, found[name]
    assert found["clock.offset"]["level"] == "ok"
    assert found[""]["problems"] == []
    assert "available" in shown
    assert "looked into in" in shown
    readings = {dict(labels)["reading"] for _, labels in metrics["fairlead_health_reading"].samples}
    assert {"load.per_cpu", "disk./.used_ratio", "uptime"} <= readings
    assert metrics["fairlead_health_level"].samples


def test_a_small_disk_that_is_nearly_full_and_one_that_is_read_only(tmp_path: Path) -> None:
    full, stuck, table = tmp_path / "full", tmp_path / "stuck", tmp_path / "fstab"
    for directory in (full, stuck):
        directory.mkdir()
    table.write_text(f"tmpfs {stuck} tmpfs size=1m 0 0\n")
    setup = (
        f"mount -t tmpfs -o size=4m tmpfs {full}; head -c 3900000 /dev/zero >{full}/data\n"
        f"mount -t tmpfs -o ro,size=1m tmpfs {stuck}; touch /etc/fstab; mount --bind {table} /etc/fstab"
    )
    limits = f'"disk.{full}.used_ratio" = [0.9, 0.97]\n"mounts.read_only" = [1, 1]\n'
    with box(tmp_path, inside=apart(setup), config=_NOTHING_ELSE + limits) as here:
        found = here.readings()
        plugin = here.health("--deep", "--nagios")
    disk = found[f"disk.{full}.used_ratio"]
    assert (disk["level"], round(disk["value"], 2)) == ("warn", 0.93)
    assert disk["text"].startswith(f"{full} is 93 % full")
    assert (found["mounts.read_only"]["level"], found["mounts.read_only"]["value"]) == ("critical", 1)
    assert str(stuck) in found["mounts.read_only"]["text"]
    assert plugin.status == 2
    line, _, data = plugin.out.decode().partition(" | ")
    assert line.startswith("SSH CRITICAL - box: 1 file system read-only")
    assert f"'box disk.{full}.used_ratio'=0.93" in data


def test_limits_of_the_settings_count(tmp_path: Path) -> None:
    limits = '[health.thresholds]\n"disk./.used_ratio" = [0.0, 0.0001]\n"uptime" = [0]\n'
    with box(tmp_path, config=limits) as here:
        found = here.readings()
    assert found["disk./.used_ratio"]["level"] == "critical"
    assert found["uptime"]["level"] == "warn"


def test_a_df_that_hangs_costs_some_seconds_and_hides_nothing_else(tmp_path: Path) -> None:
    with box(tmp_path, config=_NOTHING_ELSE) as here:
        here.tool("df", _HANGS)
        found = here.readings()
        assert found["disk./.used_ratio"]["level"] == "unknown"
        assert found["inodes./.used_ratio"]["level"] == "unknown"
        assert found["memory.available_ratio"]["value"] is not None
        assert found["processes.count"]["value"] is not None
        assert found[""]["level"] == "unknown"
        assert any("did not answer in time" in one for one in found[""]["problems"])
        assert here.health("--deep", "--nagios").out.startswith(b"SSH UNKNOWN - box: df did not answer")
        assert not _running(_HANGS.split()[-2:]), "what hung was ended"


def _running(words: Sequence[str]) -> list[bytes]:
    wanted = b"\0".join(word.encode() for word in words)
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes()
        except OSError:
            continue
        if line.startswith(wanted):
            found.append(line)
    return found


def test_a_clock_that_is_wrong_is_told_with_its_difference(tmp_path: Path) -> None:
    with box(tmp_path) as here:
        here.tool("date", _LATE)
        found = here.readings()["clock.offset"]
    assert found["level"] == "critical"
    assert 118 < found["value"] < 122
    assert "ahead of ours" in found["text"]


def test_a_host_without_commands_is_said_to_tell_nothing(tmp_path: Path) -> None:
    key = make_key(tmp_path / "key")
    program = Program(tmp_path)
    with sshd(tmp_path / "sshd", "ForceCommand internal-sftp") as server:
        config = ssh_config(tmp_path / "ssh_config", {"box": server}, key)
        ran = program.run("-F", str(config), "--batch", "health", "--deep", "--json", "box")
    (host,) = ran.json["hosts"]
    assert host["deep"] is None
    assert host["deep_error"]["code"] in ("SESSION_REFUSED", "NO_ANSWER")
    assert ran.status != 0


@pytest.mark.asyncio
async def test_watching_tells_what_changes_and_restarts_what_may_be_restarted(tmp_path: Path) -> None:
    settings = '[defaults.health]\ninterval = 10\nrestart = ["web"]\n[health]\nwatch = ["box"]\n'
    setup = "mount -t tmpfs tmpfs /run; mkdir -p /run/sshd /run/systemd/system"
    with box(tmp_path, inside=apart(setup), config=settings) as here:
        here.tool("systemctl", _SYSTEMCTL)
        (here.tools / "state").write_text("failed\n")
        process = await here.program.start("-F", str(here.config), "--batch", "health", "--watch", "--json")
        assert process.stdout is not None
        seen: list[dict[str, Any]] = []
        try:
            async with asyncio.timeout(100):
                while not any(one.get("name") == "units.failed" and one["new"] == "ok" for one in seen):
                    seen.append(json.loads(await process.stdout.readline()))
            here.server.process.send_signal(signal.SIGKILL)
        finally:
            process.send_signal(signal.SIGINT)
            _, told = await asyncio.wait_for(process.communicate(), 20)
    assert seen[0]["event"] == "checked"
    units = [(one["old"], one["new"]) for one in seen if one.get("name") == "units.failed"]
    assert units == [("unknown", "warn"), ("warn", "ok")]
    (recovery,) = [one for one in seen if one["event"] == "recovery"]
    assert (recovery["action"], recovery["outcome"]) == ("restart web.service", "done")
    assert (here.tools / "restarts").read_text() == "restarted\n"
    assert process.returncode == 0
    assert told.splitlines()[-1].startswith(b"Stopped after ")


@pytest.mark.asyncio
async def test_watching_that_is_stopped_before_anything_was_seen_is_interrupted(tmp_path: Path) -> None:
    silent = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    (tmp_path / "config.toml").write_text(
        f'[hosts.box]\naddress = "127.0.0.1"\nport = {silent.sockets[0].getsockname()[1]}\n'
    )
    async with silent:
        process = await Program(tmp_path).start("--config", "config.toml", "--batch", "health", "--watch", "box")
        assert process.stderr is not None
        assert b"watching box" in await process.stderr.readline()
        process.send_signal(signal.SIGINT)
        out, told = await asyncio.wait_for(process.communicate(), 20)
    assert (process.returncode, out) == (130, b"")
    assert b"INTERRUPTED" in told


def test_what_recovery_would_do_is_shown_and_not_done(tmp_path: Path) -> None:
    setup = "mount -t tmpfs tmpfs /run; mkdir -p /run/sshd /run/systemd/system"
    with box(tmp_path, inside=apart(setup), config='[defaults.health]\nrestart = ["web"]\nclear_temp = true\n') as here:
        here.tool("systemctl", _SYSTEMCTL)
        (here.tools / "state").write_text("failed\n")
        told = here.health("--recovery", "--json").json["hosts"][0]
        shown = here.health("--recovery").out.decode()
        assert not (here.tools / "restarts").exists()
    assert [one["action"] for one in told["now"]] == ["restart web.service"]
    assert [one["action"] for one in told["allowed"]] == ["restart web.service", "clear_temp"]
    assert told["done"] == []
    assert "sudo -n systemctl restart web.service" in shown


def test_leftovers_of_fairlead_are_cleared_and_nothing_else(tmp_path: Path) -> None:
    import subprocess

    from backend.health.recovery.scripts import clearing

    home, temporary = tmp_path / "home", tmp_path / "tmp"
    ours = [home / ".fairlead-0123456789abcdef", temporary / "fairlead.AbCdEfGhIj"]
    others = [home / ".fairlead-part", home / ".x.12345678.fairlead-part", temporary / "fairlead.txt", home / "notes"]
    fresh = [home / ".fairlead-fedcba9876543210"]
    for path in (*ours, *others, *fresh):
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    for path in (*ours, *others):
        subprocess.run(["touch", "-d", "3 days ago", str(path)], check=True)
    for shell in (["sh"], ["bash"], ["busybox", "sh"]):
        env = {"HOME": str(home), "TMPDIR": str(temporary), "PATH": "/usr/bin:/bin"}
        ran = subprocess.run([*shell, "-s"], input=clearing(), capture_output=True, check=True, env=env)
        assert ran.stdout.endswith(b"end\n")
        assert not any(path.exists() for path in ours)
        assert all(path.exists() for path in (*others, *fresh))


@pytest.mark.slow
@pytest.mark.netns
def test_a_whole_host_with_systemd_is_looked_into_and_its_unit_restarted(tmp_path: Path) -> None:
    """The unit fails at its first start and holds at its second; another one fails whatever is done."""
    settings = '[defaults.health]\ninterval = 10\nrestart = ["once", "never"]\n'
    (tmp_path / "config.toml").write_text(settings)
    with whole_host(make_tree(tmp_path), tmp_path) as host:
        scripts = {"once": "[ -e /run/tried ] && exec sleep 900; touch /run/tried; exit 1", "never": "exit 3"}
        for name, script in scripts.items():
            unit = f"[Service]\nExecStart=/bin/sh -c '{script}'\n"
            host.run(f"printf %s {shlex.quote(unit)} >/run/systemd/system/{name}.service")
        host.run("systemctl daemon-reload; systemctl start once never; sleep 1")
        (tmp_path / "known").write_text(f"{host.address} {' '.join(host.host_key.split()[:2])}\n")
        config = tmp_path / "ssh_config"
        config.write_text(
            f"Host box\n  HostName {host.address}\n  User root\n  IdentityFile {host.key}\n  IdentitiesOnly yes\n"
            f"  UserKnownHostsFile {tmp_path / 'known'}\n"
        )
        env = {"FAIRLEAD_CONFIG": str(tmp_path / "config.toml")}
        program = Program(tmp_path, inside=run_in(host.net.client), env=env)
        told = program.run("-F", str(config), "--batch", "health", "--deep", "--json", "box").json["hosts"][0]["deep"]
        assert {"once.service", "never.service"} <= set(told["failed_units"])
        assert told["problems"] == []
        seen = asyncio.run(_watched(program, config))
        assert host.run("systemctl is-active once.service").strip() == "active"
        assert "failed" in host.run("systemctl is-failed never.service || true")
    outcomes = {one["action"]: one["outcome"] for one in seen if one["event"] == "recovery"}
    assert outcomes == {"restart once.service": "done", "restart never.service": "failed"}


async def _watched(program: Program, config: Path) -> list[dict[str, Any]]:
    """What watching tells until two recoveries have ended."""
    process = await program.start("-F", str(config), "--batch", "health", "--watch", "--json", "box")
    assert process.stdout is not None
    seen: list[dict[str, Any]] = []
    try:
        async with asyncio.timeout(150):
            while sum(one["event"] == "recovery" for one in seen) < 2:
                seen.append(json.loads(await process.stdout.readline()))
    finally:
        process.send_signal(signal.SIGINT)
        await asyncio.wait_for(process.communicate(), 20)
    return seen
