"""The limit that was put in is the limit that is named: real OpenSSH servers, each made slow in one way.

Nothing here asserts how long anything takes; only what is said to be the reason.
"""

from __future__ import annotations

import os
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from backend.connection.target import Algorithms
from backend.diagnostics.slowness.report import LimitKind, SlowReport
from backend.diagnostics.slowness.values import Lane, Progress, Step, StepStatus
from mocks.relay import Relay, RelayFaults
from tests.support.netns import FIRST, entered, line, run_in
from tests.support.openssh import make_key
from tests.support.program import Program, Ran, ssh_config
from tests.support.slowness import (
    far_resolver,
    lossy_line,
    slow_disk,
    slow_server,
    slowness,
    throttled,
    through,
    why,
)
from tests.support.waiting import no_tasks_left, until

pytestmark = pytest.mark.sshd


def kinds(report: SlowReport) -> list[LimitKind]:
    return [limit.kind for limit in report.limits]


async def over_relay(root: Path, faults: RelayFaults) -> SlowReport:
    """A healthy server behind a bad network."""
    async with no_tasks_left():
        with slow_server(root / "server") as (server, hop):
            async with Relay("127.0.0.1", server.port, faults) as relay:
                return await why(through(hop, server, relay.port, root))


async def test_a_long_way_is_limited_by_the_window(tmp_path: Path) -> None:
    report = await over_relay(tmp_path, RelayFaults(delay=0.06))
    assert report.limit is not None
    assert report.limit.kind is LimitKind.WINDOW, report.to_json()
    assert "2 MiB over a round trip of 1" in report.sentence
    assert "Uploads stop at" in report.sentence
    assert report.limit.confidence > 0.6
    assert LimitKind.DISTANCE in kinds(report)


async def test_what_the_way_takes_is_not_told_as_login_files(tmp_path: Path) -> None:
    report = await over_relay(tmp_path, RelayFaults(delay=0.25))
    assert not {LimitKind.LOGIN_FILES, LimitKind.COMMANDS} & set(kinds(report)), report.to_json()
    assert LimitKind.DISTANCE in kinds(report)


async def test_a_line_with_a_rate_of_its_own_is_named_as_that(tmp_path: Path) -> None:
    report = await over_relay(tmp_path, RelayFaults(rate=1.5e6))
    assert report.limit is not None
    assert report.limit.kind is LimitKind.RATE, report.to_json()
    assert "1.5 MB/s, steadily" in report.sentence


@pytest.mark.netns
@pytest.mark.parametrize("way", ["down", "up"])
async def test_lost_packets_are_counted_by_the_socket_that_sends_them(tmp_path: Path, way: str) -> None:
    with (
        line() as made,
        slow_server(tmp_path, address=FIRST, inside=run_in(made.first)) as (_, hop),
        lossy_line(made, loss=0.04, at=[made.client if way == "down" else made.first]),
        entered(made.client),
    ):
        report = await why(hop)
    assert report.limit is not None
    assert report.limit.kind is LimitKind.LOSS, report.to_json()
    assert f"of the packets are lost on the way {way}" in report.sentence


@pytest.mark.netns
async def test_a_login_that_waits_for_a_name_server_is_told_apart_from_a_slow_login(tmp_path: Path) -> None:
    with (
        line() as made,
        far_resolver(made),
        slow_server(tmp_path, "UseDNS yes", address=FIRST, inside=run_in(made.first)) as (_, hop),
        entered(made.client),
    ):
        report = await why(hop)
    assert report.limit is not None
    assert report.limit.kind is LimitKind.LOOKUP_THERE, report.to_json()
    assert "looks up the name of 192.0.2.1" in report.sentence
    assert any("UseDNS no" in remedy.text for remedy in report.remedies)


async def test_login_files_that_sleep_are_named_with_their_shell(tmp_path: Path) -> None:
    with slow_server(tmp_path, bashrc="sleep 0.6\n") as (_, hop):
        report = await why(hop)
    assert report.limit is not None
    assert report.limit.kind is LimitKind.LOGIN_FILES, report.to_json()
    assert "Every command waits" in report.sentence
    assert ".bashrc" in report.sentence


async def test_login_files_that_only_terminals_read_to_the_end_are_told_as_that(tmp_path: Path) -> None:
    guarded = "case $- in *i*) ;; *) return;; esac\nsleep 1\n"
    with slow_server(tmp_path, bashrc=guarded) as (_, hop):
        (tmp_path / "home" / ".profile").write_text(". ~/.bashrc\n")
        report = await why(hop)
    assert LimitKind.LOGIN_FILES in kinds(report), report.to_json()
    told = next(limit for limit in report.limits if limit.kind is LimitKind.LOGIN_FILES)
    assert "Every terminal waits" in told.sentence


async def test_a_slow_cipher_takes_the_processors_and_is_named(tmp_path: Path) -> None:
    with slow_server(tmp_path, "Ciphers 3des-cbc") as (_, hop):
        report = await why(replace(hop, algorithms=Algorithms(ciphers="3des-cbc")))
    assert report.limit is not None
    assert report.limit.kind is LimitKind.CIPHER, report.to_json()
    assert "3des-cbc" in report.sentence
    assert any("aes128-gcm" in remedy.text for remedy in report.remedies)


def test_a_slow_cipher_is_replaced_by_the_program_and_limits_no_more(tmp_path: Path) -> None:
    with slow_server(tmp_path / "server", "Ciphers +3des-cbc") as (server, _):
        home = tmp_path / "home"
        home.mkdir()
        config = ssh_config(tmp_path / "ssh_config", {"web": server}, make_key(tmp_path / "id"), Ciphers="3des-cbc")
        (home / "config.toml").write_text("")

        def diagnose(*more: str) -> Ran:
            named = ("-F", str(config), "--config", str(home / "config.toml"))
            return Program(home).run(*named, "--batch", "diagnose", "web", "--slow", "--json", *more)

        before, unasked = diagnose(), diagnose("--fix")
        untouched = (home / "config.toml").read_text()
        ran = diagnose("--fix", "--yes")
        again = diagnose()
    [told] = [limit for limit in before.json["slow"]["limits"] if limit["kind"] == "cipher"]
    assert (before.json["slow"]["limit"], told["remedies"][0]["apply"]) == ("cipher", "quick-cipher")
    assert (unasked.status, untouched) == (2, "")
    assert b"give --yes" in unasked.out
    assert ran.status == 0, ran.err
    assert ran.json["applied"]["id"] == "quick-cipher"
    assert ran.json["applied"]["undo"] == "fairlead hosts remove web"
    assert 'ciphers = "aes128-gcm@openssh.com,aes256-gcm@openssh.com,3des-cbc"' in (home / "config.toml").read_text()
    for later in (ran, again):
        assert later.json["slow"]["measurements"]["cipher"] == "aes128-gcm@openssh.com"
        assert "cipher" not in [limit["kind"] for limit in later.json["slow"]["limits"]]


@pytest.mark.slow
async def test_a_server_that_gets_little_of_a_processor_is_said_to_be_busy(tmp_path: Path) -> None:
    with throttled(share=0.04) as inside, slow_server(tmp_path, inside=inside) as (_, hop):
        report = await why(hop)
    assert report.limit is not None
    assert report.limit.kind is LimitKind.HOST_BUSY, report.to_json()


async def test_a_disk_that_is_slower_than_the_network_is_where_uploads_stop(tmp_path: Path) -> None:
    with (
        slow_disk(tmp_path, rate=2_000_000) as (home, inside),
        slow_server(tmp_path / "server", inside=inside, home=home) as (_, hop),
    ):
        report = await why(hop)
        left = sorted(path.name for path in home.iterdir())
    assert report.limit is not None
    assert report.limit.kind is LimitKind.DISK, report.to_json()
    assert "the disk of server writes no more" in report.sentence
    assert left == [".bashrc", "lost+found"]


async def test_a_disk_that_is_being_measured_when_somebody_stops_is_left_as_it_was(tmp_path: Path) -> None:
    with (
        slow_disk(tmp_path, rate=1_000_000) as (home, inside),
        slow_server(tmp_path / "server", inside=inside, home=home) as (_, hop),
    ):
        free = os.statvfs(home).f_bfree
        async with no_tasks_left(), aclosing(slowness(hop).measure(hop.name)) as measuring:
            async for item in measuring:
                if isinstance(item, Progress) and (item.step, item.status) == (Step.DISK, StepStatus.RUNNING):
                    await until(lambda: os.statvfs(home).f_bfree < free, seconds=20)
                    break
        await until(lambda: os.statvfs(home).f_bfree == free, seconds=30)
        assert sorted(path.name for path in home.iterdir()) == [".bashrc", "lost+found"]


async def test_an_account_for_files_only_is_measured_by_files(tmp_path: Path) -> None:
    with slow_server(tmp_path, "ForceCommand internal-sftp") as (_, hop):
        report = await why(hop)
    seen = report.measurements
    assert {one.lane for one in seen.transfers} == {Lane.SFTP}
    assert {"login_files", "streams", "disk"} <= set(seen.missing)
    assert seen.disk is None
    assert seen.login is not None


async def test_every_hops_handshake_is_measured_by_itself(tmp_path: Path) -> None:
    with slow_server(tmp_path / "one") as (_, first), slow_server(tmp_path / "two") as (_, last):
        report = await why(last, before=(replace(first, name="bastion"),))
    seen = report.measurements
    names = [(one.hop, one.phase) for one in seen.phases]
    assert names.count(("bastion", "auth")) == names.count(("server", "auth")) == 1
    assert seen.route == "bastion"
    assert seen.before.socket is not None


async def test_a_healthy_host_is_not_said_to_have_a_bad_network(tmp_path: Path) -> None:
    with slow_server(tmp_path) as (_, hop):
        report = await why(hop)
    processors = {LimitKind.CPU_HERE, LimitKind.CPU_THERE, LimitKind.HOST_BUSY, LimitKind.UNEXPLAINED}
    assert set(kinds(report)) <= processors, report.to_json()
    assert report.measurements.missing == {}


def test_the_program_tells_the_limit_as_json(tmp_path: Path) -> None:
    with slow_server(tmp_path / "server", bashrc="sleep 0.5\n") as (server, _):
        config = ssh_config(tmp_path / "ssh_config", {"web": server}, make_key(tmp_path / "id"))
        ran = Program(tmp_path).run("-F", str(config), "--batch", "diagnose", "--slow", "--json", "web")
    assert (ran.status, ran.err) == (0, b"")
    assert ran.json["verdict"] == "ok"
    slow = ran.json["slow"]
    assert slow["limit"] == "login_files", slow
    assert slow["limits"][0]["kind"] == "login_files"
    assert slow["measurements"]["login_files"]["command"] >= 0.5
    assert {one["phase"] for one in slow["measurements"]["phases"]} >= {"tcp", "banner", "kex", "auth"}


def test_the_program_tells_it_as_text_after_the_ladder(tmp_path: Path) -> None:
    ran = Program(tmp_path).run("--demo", "--batch", "diagnose", "--slow", "gpu-7")
    told = ran.out.decode()
    assert (ran.status, ran.err) == (0, b"")
    assert "✓ performance" in told
    assert told.index("✓ performance") < told.index("\nlogin:\n") < told.index("\nbulk data:\n")
    assert "the network on the way carries no more." in told


def test_where_nobody_logs_in_there_is_no_answer(tmp_path: Path) -> None:
    with slow_server(tmp_path / "server") as (server, _):
        config = ssh_config(tmp_path / "ssh_config", {"web": server}, make_key(tmp_path / "id"))
        server.authorized_keys.write_text("")
        ran = Program(tmp_path).run("-F", str(config), "--batch", "diagnose", "--slow", "--json", "web")
    assert ran.status == 255
    assert ran.json["slow"] is None
