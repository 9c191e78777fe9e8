"""Exports of `fairlead health` as others read them: promtool, a scraper, a log shipper."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.support.openssh import make_key, sshd
from tests.support.program import ROOT, Program, ssh_config
from tests.support.tiers import need_promtool
from tests.unit.metrics.exposition import read_exposition

EXAMPLES = ROOT / "docs" / "prometheus"


def _promtool(*arguments: str, stdin: bytes = b"") -> None:
    done = subprocess.run(
        [need_promtool(), *arguments], input=stdin, capture_output=True, cwd=EXAMPLES, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, b""), done.stdout + done.stderr


@pytest.mark.promtool
@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "config", "prometheus.yml"),
        ("check", "rules", "--lint-fatal", "fairlead.rules.yml"),
        ("test", "rules", "fairlead.rules.test.yml"),
    ],
    ids=" ".join,
)
def test_the_examples_are_right(arguments: tuple[str, ...]) -> None:
    _promtool(*arguments)


def test_every_metric_of_the_rules_is_exported(tmp_path: Path) -> None:
    told = (
        Program(tmp_path).run("--demo", "--batch", "health", "--deep", "--prometheus", "web-1", "edge-3").out.decode()
    )
    used = set((EXAMPLES / "fairlead.rules.yml").read_text().replace("(", " ").split())
    named = {word.partition("{")[0].partition("[")[0] for word in used if word.startswith("fairlead_")}
    assert len(named) >= 7
    assert {name.rstrip(")") for name in named} <= set(read_exposition(told))


@pytest.mark.promtool
def test_promtool_finds_nothing_wrong_with_the_text(tmp_path: Path) -> None:
    program = Program(tmp_path)
    told = program.run(
        "--demo", "--batch", "health", "--deep", "--prometheus", "-o", "fairlead.prom", "web-1", "edge-3"
    )
    assert (told.status, told.out) == (255, b"")
    file = tmp_path / "fairlead.prom"
    assert file.stat().st_mode & 0o777 == 0o644, "the collector is another user"
    assert [path.name for path in tmp_path.glob("*.prom*")] == ["fairlead.prom"]
    assert (
        b'fairlead_trend_eta_timestamp_seconds{host="web-1",reading="disk./.used_ratio",kind="fill"}'
        in file.read_bytes()
    )
    _promtool("check", "metrics", stdin=file.read_bytes())


def test_json_lines(tmp_path: Path) -> None:
    told = Program(tmp_path).run("--demo", "--batch", "health", "--deep", "--jsonl", "web-1")
    records = [json.loads(line) for line in told.out.splitlines()]
    assert {one["level"] for one in records if one["name"].startswith("disk./")} == {"ok"}
    assert {"ssh.healthy", "look.success", "look.round_trip", "look.phase.auth"} <= {one["name"] for one in records}
    assert {one["host"] for one in records} == {"web-1"}


@pytest.mark.parametrize(
    "arguments",
    [("-o", "x.prom"), ("--serve=web-1",), ("--prometheus", "--jsonl"), ("--prometheus", "-o", "gone/x.prom")],
    ids=" ".join,
)
def test_what_cannot_be_is_told_before_anything_is_done(arguments: tuple[str, ...], tmp_path: Path) -> None:
    ran = Program(tmp_path).run("--demo", "health", *arguments)
    assert (ran.status, b"USAGE" in ran.err) == (2, True)


@pytest.mark.parametrize(("limits", "status"), [(("--warning", "0.001"), 1), ((), 0)])
def test_as_a_plugin_the_round_trip_has_its_limits_in_the_data(
    limits: tuple[str, ...], status: int, tmp_path: Path
) -> None:
    ran = Program(tmp_path).run("--demo", "--batch", "health", "--nagios", *limits, "web-1")
    text, _, data = ran.out.decode().partition("|")
    assert ran.status == status
    assert text.startswith("SSH WARNING" if status else "SSH OK")
    assert f"s;{limits[1] if limits else '0.4'};;0" in data


def _scrape(url: str, **headers: str) -> str:
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
        return str(answer.read().decode())


@pytest.mark.sshd
async def test_a_real_host_is_looked_at_and_scraped_until_the_program_is_stopped(tmp_path: Path) -> None:
    key = make_key(tmp_path / "key")
    with sshd(tmp_path / "sshd") as server:
        config = ssh_config(tmp_path / "config", {"box": server}, key)
        process = await Program(tmp_path).start("-F", str(config), "--batch", "health", "--serve=0", "--every=5", "box")
        assert process.stderr is not None
        line = (await process.stderr.readline()).decode()
        url = line.partition("Metrics at ")[2].partition(";")[0]
        assert url.startswith("http://127.0.0.1:")

        async def scrape() -> dict[str, float]:
            families = read_exposition(await asyncio.to_thread(_scrape, url))
            looks = families["fairlead_look_success"].samples if "fairlead_look_success" in families else {}
            return {dict(labels)["host"]: value for (_, labels), value in looks.items()}

        async with asyncio.timeout(30):
            while await scrape() != {"box": 1.0}:
                await asyncio.sleep(0.05)
        with pytest.raises(urllib.error.HTTPError) as refused:
            await asyncio.to_thread(_scrape, url, Host="rebound.example")
        with refused.value as answer:
            assert answer.code == 421
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(15):
            _, told = await process.communicate()
        assert process.returncode == 0
        assert told.startswith(b"Stopped after ")
        assert told.endswith(b" answered.\n")
    with pytest.raises(OSError, match="refused"):
        await asyncio.to_thread(_scrape, url)


@pytest.mark.sshd
async def test_a_host_that_goes_away_is_told_to_the_scraper_and_does_not_end_the_program(tmp_path: Path) -> None:
    key = make_key(tmp_path / "key")
    with sshd(tmp_path / "sshd") as server:
        config = ssh_config(tmp_path / "config", {"box": server}, key)
        process = await Program(tmp_path).start("-F", str(config), "--batch", "health", "--serve=0", "--every=5", "box")
        assert process.stderr is not None
        url = (await process.stderr.readline()).decode().partition("Metrics at ")[2].partition(";")[0]

        async def until(success: float) -> None:
            async with asyncio.timeout(40):
                while f'fairlead_look_success{{host="box"}} {success:g}' not in await asyncio.to_thread(_scrape, url):
                    await asyncio.sleep(0.05)

        await until(1)
        serving = server.processes
        server.stop()
        for pid in serving:
            os.kill(pid, signal.SIGKILL)
        await until(0)
        server.restart()
        await until(1)
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(15):
            await process.communicate()
        assert process.returncode == 0
