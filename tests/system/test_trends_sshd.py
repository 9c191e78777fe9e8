"""What the past of a real host leads to: read from the state directory by the program, beside a look into the host."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.clock import SystemClock
from backend.health.history.service import MetricHistory
from backend.store import Store
from tests.support.openssh import make_key, sshd
from tests.support.program import Program, ssh_config

pytestmark = pytest.mark.sshd

DISK = "disk./.used_ratio"
DAY = 86400.0


@pytest.fixture
def program(tmp_path: Path) -> Iterator[tuple[Program, Path]]:
    key = make_key(tmp_path / "key")
    with sshd(tmp_path / "server") as running:
        yield Program(tmp_path), ssh_config(tmp_path / "ssh_config", {"box": running}, key)


def look(program: tuple[Program, Path], *flags: str) -> Any:
    ran = program[0].run("-F", str(program[1]), "--batch", "health", *flags, "--json", "box")
    assert ran.status == 0, ran.err
    (host,) = ran.json["hosts"]
    return host


async def _fill(state: Path, used: float) -> None:
    """Six days in which the disk filled to what it is now, by a twentieth of what is free a day."""
    store, clock = Store(state / "fairlead.db"), SystemClock()
    history = MetricHistory(store=store, clock=clock)
    now = clock.now().timestamp()
    for hour in range(6 * 24, 0, -1):
        history.add("box", now - 3600.0 * hour, {DISK: used - (1 - used) / 20 * hour / 24})
    await history.close()
    await store.close()


def test_a_real_disk_that_has_been_filling_has_a_date(program: tuple[Program, Path]) -> None:
    first = look(program, "--deep")
    assert not any(one["metric"] == DISK for one in first["trends"]), "one look is no trend"
    used = next(one["value"] for one in first["deep"]["readings"] if one["name"] == DISK)
    asyncio.run(_fill(program[0].home / "state", used))
    (full,) = [one for one in look(program)["trends"] if one["metric"] == DISK]
    assert full["kind"] == "fill"
    assert full["sentence"].startswith("/ is full on ")
    assert full["uncertainty_seconds"] < 3 * DAY
    ran = program[0].run("-F", str(program[1]), "--batch", "health", "box")
    assert "/ is full on " in ran.out.decode()


def test_nothing_is_told_of_a_host_that_was_never_looked_into(program: tuple[Program, Path]) -> None:
    assert look(program)["trends"] == []
