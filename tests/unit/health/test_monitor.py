"""The monitor over simulated hosts on virtual time: gentle, quiet, and certain before it says anything."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from backend.connection.interaction import Interaction
from backend.connection.state import SessionChanged, SessionState
from backend.container import Container
from backend.errors import Code, LinkLost
from backend.events import Event
from backend.health.deep.values import DeepChecked, DeepCheckFailed, HealthLevelChanged, Level
from backend.health.history.values import RAW_HOURS
from backend.health.monitor.schedule import FIRST, FLOOR, JITTER
from backend.health.recovery.ledger import Ledger
from backend.health.recovery.values import Outcome, RecoveryDone
from backend.settings.model import HealthOptions
from backend.store import Store
from mocks.clock import VirtualClock
from mocks.fleet import fleet
from mocks.host import HostKey, Service, SimulatedHost, Volume
from mocks.world import World
from tests.support.many_hosts import fleet_services, mark_production
from tests.support.waiting import until

OK, WARN, CRITICAL, UNKNOWN = Level.OK, Level.WARN, Level.CRITICAL, Level.UNKNOWN


@dataclass
class Scene:
    """A monitor, its world, and what it has told."""

    services: Container
    world: World
    clock: VirtualClock
    told: list[Event] = field(default_factory=list)

    def host(self, number: int = 1) -> SimulatedHost:
        return self.world[f"node-{number}"]

    def state(self, host: str = "node-1") -> SessionState:
        """Of the person's session."""
        return self.services.sessions.get(host).state

    def checks(self, host: str = "node-1") -> list[DeepChecked]:
        return [one for one in self.told if isinstance(one, DeepChecked) and one.host == host]

    def failures(self, host: str = "node-1") -> list[DeepCheckFailed]:
        return [one for one in self.told if isinstance(one, DeepCheckFailed) and one.host == host]

    def changes(self, name: str = "") -> list[tuple[str, Level, Level]]:
        found = [one for one in self.told if isinstance(one, HealthLevelChanged)]
        return [(one.name, one.old, one.new) for one in found if name in ("", one.name)]

    def recoveries(self) -> list[RecoveryDone]:
        return [one for one in self.told if isinstance(one, RecoveryDone)]

    async def looks(self, count: int, host: str = "node-1") -> None:
        """Return when so many looks at `host` have got through since now."""
        wanted = len(self.checks(host)) + count
        await until(lambda: len(self.checks(host)) >= wanted, seconds=30)

    async def misses(self, count: int, host: str = "node-1") -> None:
        wanted = len(self.failures(host)) + count
        await until(lambda: len(self.failures(host)) >= wanted, seconds=30)


@asynccontextmanager
async def scene(
    tmp_path: Path, count: int = 1, *, options: HealthOptions | None = None, person: Interaction | None = None
) -> AsyncIterator[Scene]:
    clock = VirtualClock(grace=0.005)
    world = fleet(count, clock=clock)
    async with open_scene(tmp_path, world, clock, options=options, person=person) as made:
        yield made


@asynccontextmanager
async def open_scene(
    tmp_path: Path,
    world: World,
    clock: VirtualClock,
    *,
    options: HealthOptions | None = None,
    person: Interaction | None = None,
) -> AsyncIterator[Scene]:
    async with fleet_services(world, tmp_path, person, clock=clock) as services:
        settings = services.book.settings
        hosts = {name: replace(one, health=options) for name, one in settings.hosts.items()}
        services.book._settings = replace(settings, hosts=hosts)
        made = Scene(services, world, clock)
        services.bus.subscribe(Event, made.told.append)
        yield made


async def test_it_looks_again_and_again_with_jitter(tmp_path: Path) -> None:
    async with scene(tmp_path) as here:
        here.services.monitor.start(["node-1"])
        await here.looks(8)
        times = [one.check.at.timestamp() for one in here.checks()]
        gaps = [after - before for before, after in itertools.pairwise(times)]
        # No later than that is for `test_steadiness`: virtual time runs on while threads read and write.
        assert all(gap >= 300 * (1 - JITTER) - 1 for gap in gaps)
        assert len({round(gap, 1) for gap in gaps}) > 1
        points = await here.services.metric_history.series("node-1", "load.5m", 0)
        assert len(points) == 8


async def test_one_timer_serves_all_hosts(tmp_path: Path) -> None:
    names = [f"node-{number}" for number in range(1, 9)]
    async with scene(tmp_path, len(names)) as here:
        monitor = here.services.monitor
        monitor.start(names)
        for _ in range(3):
            await asyncio.gather(*(here.looks(2, name) for name in names))
            await until(lambda: monitor._turns.looking == 0)
            # One of the monitor, and one of each connection, which asks whether it lives: looks leave none behind.
            assert here.clock.sleeping <= 1 + 2 * len(names)
            assert monitor._tasks == set()


async def test_it_does_not_log_in_unless_it_was_asked_to_watch(tmp_path: Path) -> None:
    async with scene(tmp_path, 2) as here:
        here.services.monitor.start()
        await here.services.sessions.get("node-1").link()
        await here.looks(3)
        assert here.checks("node-2") == []
        assert here.services.sessions.get("node-2").state is SessionState.IDLE
        assert not here.services.monitor._own.any, "the person's connection is enough"
        await here.services.sessions.get("node-1").disconnect()
        seen = len(here.checks())
        await here.clock.sleep(3600)
        assert len(here.checks()) == seen
        assert here.host().wires == set()


async def test_looking_is_no_use_of_the_host(tmp_path: Path) -> None:
    async with scene(tmp_path) as here:
        session = here.services.sessions.get("node-1")
        await session.link()
        here.services.monitor.start()
        await here.looks(2)
        assert session.use.quiet > 300 * (1 - JITTER) - 1, "the second look did not begin it anew"


async def test_a_watched_host_is_kept_connected_by_itself_and_asks_nobody(tmp_path: Path) -> None:
    clock = VirtualClock(grace=0.005)
    world = fleet(1, password="secret", clock=clock)
    async with open_scene(tmp_path, world, clock) as here:
        here.services.monitor.start(["node-1"])
        await here.misses(1)
        assert here.failures()[0].error.code is Code.NEEDS_PERSON
        assert not here.failures()[0].again
        await here.clock.sleep(4 * 3600)
        assert len(here.failures()) == 1, "what needs a person is not tried again"
        assert here.changes() == [], "it says nothing about the host"


async def test_our_own_session_is_given_up_for_the_persons(tmp_path: Path) -> None:
    async with scene(tmp_path) as here:
        here.services.monitor.start(["node-1"])
        await here.looks(1)
        assert len(here.host().wires) == 1
        await here.services.sessions.get("node-1").link()
        await here.looks(1)
        await until(lambda: len(here.host().wires) == 1)
        assert here.services.sessions.get("node-1").state is SessionState.READY


async def test_a_host_is_down_after_three_misses_with_back_off_and_up_after_two_looks(tmp_path: Path) -> None:
    async with scene(tmp_path) as here:
        here.services.monitor.start(["node-1"])
        await here.looks(1)
        here.host().faults.refuses = True
        here.host().cut_links()
        await here.misses(2)
        assert here.changes("reach") == []
        await here.misses(1)
        assert here.changes("reach") == [("reach", OK, CRITICAL)]
        await here.misses(4)
        here.host().faults.refuses = False
        await here.looks(1)
        assert here.changes("reach") == [("reach", OK, CRITICAL)]
        await here.looks(1)
        assert here.changes("reach") == [("reach", OK, CRITICAL), ("reach", CRITICAL, OK)]
        health = await here.services.health.of("node-1")
        assert health.failures >= 6, "its attempts count in the health of the connection"


async def test_a_host_that_was_never_reached_was_not_well_before(tmp_path: Path) -> None:
    async with scene(tmp_path) as here:
        here.host().faults.refuses = True
        here.services.monitor.start(["node-1"])
        await here.misses(1)
        standing = here.services.monitor.standing("node-1")
        assert standing is not None
        assert standing.level is UNKNOWN
        await here.misses(2)
        assert here.changes("reach") == [("reach", UNKNOWN, CRITICAL)]


async def test_an_outage_is_one_miss_whoever_tells_of_it_until_it_lasts(tmp_path: Path) -> None:
    """The look that was under way tells of the lost link, and so do the session's own attempts, seconds apart."""
    async with scene(tmp_path) as here:
        await here.services.sessions.get("node-1").link()
        monitor = here.services.monitor
        monitor.start()
        await here.looks(1)
        standing = monitor.standing("node-1")
        assert standing is not None
        here.host().faults.df_hangs = True
        monitor.look_now("node-1")
        await until(lambda: standing.looking)
        misses: list[tuple[float, int]] = []

        def hear(change: SessionChanged) -> None:
            if change.new is SessionState.RECONNECTING:
                misses.append((here.clock.monotonic(), standing.reach.failures))

        here.services.bus.subscribe(SessionChanged, hear)
        here.host().faults.refuses = True
        here.host().cut_links()
        await until(lambda: here.changes("reach") == [("reach", OK, CRITICAL)], seconds=30)
        assert len(misses) > 3, "attempts come faster than misses are counted"
        assert misses[-1][0] - misses[0][0] >= 2 * FLOOR


async def test_a_refused_login_is_never_tried_again_by_itself(tmp_path: Path) -> None:
    async with scene(tmp_path) as here:
        another = HostKey("somebody else's").public_line
        here.host().users = {name: replace(user, keys=(another,)) for name, user in here.host().users.items()}
        here.services.monitor.start(["node-1"])
        await here.misses(1)
        await here.clock.sleep(4 * 3600)
        assert [one.error.category.value for one in here.failures()] == ["auth"]
        assert here.changes() == [("reach", UNKNOWN, CRITICAL)]
        assert here.services.monitor.standing("node-1") is not None
        here.services.monitor.look_now("node-1")
        await here.misses(1)


async def test_a_spike_is_not_told_and_a_trouble_is(tmp_path: Path) -> None:
    async with scene(tmp_path) as here:
        here.services.monitor.start(["node-1"])
        await here.looks(2)
        calm = here.host().machine
        here.host().machine = replace(calm, load=(90.0, 90.0, 90.0))
        await here.looks(1)
        here.host().machine = calm
        await here.looks(3)
        assert here.changes() == []
        here.host().machine = replace(calm, volumes=(Volume("/srv", "/dev/sdb1", 1 << 40, int(0.98 * (1 << 40))),))
        await here.looks(2)
        assert here.changes() == [("disk./srv.used_ratio", UNKNOWN, CRITICAL)]
        here.host().machine = calm
        await here.looks(2)
        assert here.changes()[1:] == [("disk./srv.used_ratio", CRITICAL, UNKNOWN)]


async def test_what_was_told_is_not_told_again_after_a_restart(tmp_path: Path) -> None:
    clock = VirtualClock(grace=0.005)
    world = fleet(1, clock=clock)
    world["node-1"].tree.fill_to(1 << 20)
    for expected in ([("disk./.used_ratio", UNKNOWN, CRITICAL)], []):
        async with open_scene(tmp_path, world, clock) as here:
            here.services.monitor.start(["node-1"])
            await here.looks(3)
            assert here.changes() == expected


async def test_a_restart_of_the_host_is_noticed(tmp_path: Path) -> None:
    async with scene(tmp_path) as here:
        here.services.monitor.start(["node-1"])
        await here.looks(2)
        here.host().boots += 1
        await here.looks(2)
        assert [one.check.rebooted for one in here.checks()] == [False, False, True, False]


async def test_after_a_sleep_of_the_machine_hosts_are_not_asked_all_at_once(tmp_path: Path) -> None:
    async with scene(tmp_path, 20) as here:
        monitor = here.services.monitor
        names = [f"node-{number}" for number in range(1, 21)]
        monitor.start(names)
        await asyncio.gather(*(here.looks(1, name) for name in names))
        here.told.clear()
        for one in monitor.hosts:
            one.due = here.clock.monotonic() - 7200
        monitor._wake()
        await asyncio.gather(*(here.looks(1, name) for name in names))
        times = sorted(one.check.at.timestamp() for name in names for one in here.checks(name)[:1])
        assert times[-1] - times[0] > 5


# --- recovery ----------------------------------------------------------------------------------------------------

NGINX = Service("nginx", "A web server", active="failed", sub="failed")
MAY = HealthOptions(restart=("nginx", "ssh.service"))


async def test_a_named_unit_is_restarted_when_two_looks_saw_it_failed(tmp_path: Path) -> None:
    async with scene(tmp_path, options=MAY) as here:
        here.host().services = (NGINX,)
        here.services.monitor.start(["node-1"])
        await here.looks(1)
        assert here.host().restarted == []
        await until(lambda: bool(here.recoveries()), seconds=30)
        assert here.host().restarted == ["nginx.service"]
        (done,) = here.recoveries()
        assert (done.action, done.outcome) == ("restart nginx.service", Outcome.DONE)
        assert "is active" in done.text
        await here.looks(2)
        assert here.changes("units.failed")[-1] == ("units.failed", WARN, OK)


async def test_a_unit_that_was_not_named_is_left_alone(tmp_path: Path) -> None:
    async with scene(tmp_path, options=HealthOptions(restart=("other",))) as here:
        here.host().services = (NGINX,)
        here.services.monitor.start(["node-1"])
        await here.looks(4)
        assert here.host().restarted == []
        assert here.recoveries() == []


async def test_restarts_are_capped_over_restarts_of_the_program(tmp_path: Path) -> None:
    clock = VirtualClock(grace=0.1)  # an hour must not pass while threads work
    world = fleet(1, clock=clock)
    world["node-1"].services = (NGINX,)
    world["node-1"].faults.never_active = {"nginx.service"}
    for _ in range(3):
        async with open_scene(tmp_path, world, clock, options=replace(MAY, interval=60.0)) as here:
            here.services.monitor.start(["node-1"])
            await until(lambda here=here: bool(here.recoveries()), seconds=30)  # type: ignore[misc]
            outcome = here.recoveries()[0].outcome
    assert outcome is Outcome.CAPPED
    assert world["node-1"].restarted == ["nginx.service"] * 2


async def test_a_production_host_is_refused_where_nobody_can_be_asked(tmp_path: Path) -> None:
    clock = VirtualClock(grace=0.005)
    world = fleet(1, clock=clock)
    mark_production(world, "node-1")
    world["node-1"].services = (NGINX,)
    async with open_scene(tmp_path, world, clock, options=MAY) as here:
        here.services.monitor.start(["node-1"])
        await until(lambda: bool(here.recoveries()), seconds=30)
        assert here.recoveries()[0].outcome is Outcome.REFUSED
        assert "nobody to ask" in here.recoveries()[0].text
        assert here.host().restarted == []
        deeds = await here.services.recovery.deeds("node-1", 0)
        assert deeds[0].outcome == "refused"


async def test_however_many_leftovers_are_cleared_they_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from backend.health.recovery import service

    async def many(*_: object, **__: object) -> bytes:
        return b"removed\n" * 500 + b"end\n"

    monkeypatch.setattr(service, "ask_script", many)
    async with scene(tmp_path, options=HealthOptions(clear_temp=True)) as here:
        await here.services.sessions.get("node-1").link()
        (planned,) = await here.services.recovery.dry_run("node-1")
        assert await here.services.recovery.carry_out(planned.action) is Outcome.DONE
        assert here.recoveries()[0].text.startswith("500 files")


async def test_a_dry_run_does_nothing_and_says_what_would_be_done(tmp_path: Path) -> None:
    async with scene(tmp_path, options=replace(MAY, clear_temp=True, reconnect=True)) as here:
        here.host().services = (NGINX,)
        check = await here.services.deep_checks.check("node-1")
        (planned,) = await here.services.recovery.dry_run("node-1", check)
        assert planned.command == "sudo -n systemctl restart nginx.service"
        assert planned.text.endswith("2 of 2 times within an hour are left.")
        every = await here.services.recovery.dry_run("node-1")
        assert [one.action.name for one in every] == [
            "reconnect",
            "restart nginx.service",
            "restart ssh.service",
            "clear_temp",
        ]
        assert here.host().restarted == []
        assert await here.services.recovery.deeds("node-1", 0) == ()


async def test_nothing_is_done_that_cannot_be_counted(tmp_path: Path) -> None:
    async with scene(tmp_path, options=MAY) as here:
        here.host().services = (NGINX,)
        check = await here.services.deep_checks.check("node-1")
        (action,) = here.services.recovery.called_for(check)
        (tmp_path / "broken.db").write_bytes(b"this is no database" * 100)
        here.services.recovery._ledger = Ledger(Store(tmp_path / "broken.db"), here.clock)
        assert await here.services.recovery.carry_out(action) is Outcome.REFUSED
        assert "cannot be counted" in here.recoveries()[0].text
        assert here.host().restarted == []


def test_the_first_look_comes_soon() -> None:
    assert FIRST < 60 < RAW_HOURS * 3600


@pytest.mark.parametrize("names", [("node-1", "node-2"), ("node-*",)])
async def test_the_settings_name_who_is_watched(names: tuple[str, ...], tmp_path: Path) -> None:
    from backend.health.monitor.wanted import watched_hosts

    async with scene(tmp_path, 2) as here:
        assert await watched_hosts(here.services.book) == ()
        settings = here.services.book.settings
        here.services.book._settings = replace(settings, health=replace(settings.health, watch=names))
        assert await watched_hosts(here.services.book) == ("node-1", "node-2")
        silent = replace(settings.hosts["node-2"], health=HealthOptions(watch=False))
        hosts = {**settings.hosts, "node-2": silent}
        here.services.book._settings = replace(
            settings, hosts=hosts, health=replace(settings.health, watch=("node-*",))
        )
        assert await watched_hosts(here.services.book) == ("node-1",)


@pytest.mark.parametrize("allowed", [True, False])
async def test_a_session_that_the_server_ended_is_connected_again_where_that_is_allowed(
    allowed: bool, tmp_path: Path
) -> None:
    async with scene(tmp_path, options=HealthOptions(reconnect=allowed)) as here:
        session = here.services.sessions.get("node-1")
        await session.link()
        here.services.monitor.start()
        await here.looks(1)
        assert session._stretch is not None
        session._fail(session._stretch, LinkLost(Code.SERVER_ENDED, evidence={"reason": "maintenance"}))
        assert here.state() is SessionState.EXPIRED
        if allowed:
            await until(lambda: bool(here.recoveries()), seconds=30)
            assert [(one.action, one.outcome) for one in here.recoveries()] == [("reconnect", Outcome.DONE)]
            assert here.state() is SessionState.READY
            await here.looks(1)
        else:
            await here.clock.sleep(1800)
            assert here.recoveries() == []
            assert here.state() is SessionState.EXPIRED
