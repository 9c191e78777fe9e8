"""One command on many hosts: so many at a time, each end told as it was, and an end when enough have failed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from backend.commands.executor import CommandSpec
from backend.commands.many.run import GroupRun
from backend.commands.many.values import Counts, GroupChanged, GroupSpec, HostState
from backend.commands.values import Elevate, ElevateBy
from backend.connection.connector import Chunk
from backend.connection.interaction import Confirmation
from backend.connection.state import SessionState
from backend.container import Container
from backend.errors import Code
from mocks.fleet import fleet
from tests.support.many_hosts import fleet_services, mark_production, names
from tests.support.person import Person
from tests.support.waiting import until


def _spec(hosts: int = 12, command: bytes = b"uname -r", **more: object) -> GroupSpec:
    return GroupSpec(names(hosts), CommandSpec(command), **more)  # type: ignore[arg-type]


async def _run(services: Container, spec: GroupSpec) -> GroupRun:
    run = services.many.start(spec)
    await run.wait()
    return run


class Agreeing(Person):
    """Says yes or no, and remembers to what."""

    def __init__(self, *, agrees: bool = True, passwords: tuple[str, ...] = ()) -> None:
        super().__init__(passwords=passwords)
        self.agrees = agrees
        self.confirmed: list[Confirmation] = []

    async def confirm(self, question: Confirmation) -> bool:
        self.confirmed.append(question)
        return self.agrees


async def test_a_hundred_hosts_are_two_groups(tmp_path: Path) -> None:
    async with fleet_services(fleet(100, odd=3), tmp_path) as services:
        run = await _run(services, _spec(100))
        alike, odd = run.groups()
        assert (len(alike.hosts), alike.out, alike.end) == (97, b"6.8.0-55-generic\n", "0")
        assert odd.hosts == ("node-98", "node-99", "node-100")
        assert run.counts == Counts(hosts=100, waiting=0, under_way=0, succeeded=100, failed=0, not_run=0)
        assert run.failed == ()


async def test_no_more_hosts_are_at_work_than_asked_for_and_none_stays_connected(tmp_path: Path) -> None:
    async with fleet_services(fleet(40), tmp_path) as services:
        most = 0

        def look(event: GroupChanged) -> None:
            nonlocal most
            connected = [one for one in services.sessions.all() if one.state is SessionState.READY]
            most = max(most, run.counts.under_way, len(connected))

        services.bus.subscribe(GroupChanged, look)
        run = services.many.start(_spec(40, parallel=5))
        await run.wait()
        assert 0 < most <= 5
        assert all(session.state is SessionState.CLOSED for session in services.sessions.all())


async def test_a_host_that_was_connected_before_stays_connected(tmp_path: Path) -> None:
    async with fleet_services(fleet(3), tmp_path) as services:
        await services.sessions.get("node-2").link()
        await _run(services, _spec(3))
        assert services.sessions.get("node-2").state is SessionState.READY
        assert services.sessions.get("node-1").state is SessionState.CLOSED


async def test_each_end_is_told_as_it_was(tmp_path: Path) -> None:
    world = fleet(4)
    world["node-2"].faults.refuses = True
    async with fleet_services(world, tmp_path) as services:
        run = await _run(services, _spec(4, b"test $(hostname) != node-3 && kill -TERM $$; exit 7"))
        ends = {host.host: (host.state, host.end) for host in run.hosts}
        assert ends["node-2"] == (HostState.FAILED, Code.TCP_REFUSED.value)
        assert ends["node-3"] == (HostState.ENDED, "7")
        assert run.failed == names(4)


async def test_a_lost_link_is_no_end_of_the_command(tmp_path: Path) -> None:
    world = fleet(3)
    async with fleet_services(world, tmp_path) as services:
        run = services.many.start(_spec(3, b"sleep 600"))
        await until(lambda: all(host.state is HostState.RUNNING for host in run.hosts))
        world["node-2"].cut_links()
        await until(lambda: run.hosts[1].outcome is not None)
        assert (run.hosts[1].state, run.hosts[1].end) == (HostState.UNKNOWN, "unknown: link lost")
        run.stop()
        await run.wait()


async def test_after_so_many_failures_no_further_host_is_begun(tmp_path: Path) -> None:
    async with fleet_services(fleet(10), tmp_path) as services:
        run = await _run(services, _spec(10, b"false", parallel=1, max_fail=2))
        assert run.counts == Counts(hosts=10, waiting=0, under_way=0, succeeded=0, failed=2, not_run=8)
        assert [host.state for host in run.hosts[:3]] == [HostState.ENDED, HostState.ENDED, HostState.NOT_RUN]
        assert len(run.failed) == 10


async def test_all_of_it_is_stopped_at_once(tmp_path: Path) -> None:
    async with fleet_services(fleet(10), tmp_path) as services:
        run = services.many.start(_spec(10, b"sleep 600", parallel=4))
        await until(lambda: sum(host.state is HostState.RUNNING for host in run.hosts) == 4)
        run.stop()
        await run.wait()
        assert run.counts.not_run == 6
        assert {host.end for host in run.hosts[:4]} == {Code.INTERRUPTED.value}


async def test_closing_the_services_stops_what_runs(tmp_path: Path) -> None:
    async with fleet_services(fleet(3), tmp_path) as services:
        run = services.many.start(_spec(3, b"sleep 600"))
        await until(lambda: all(host.state is HostState.RUNNING for host in run.hosts))
    assert run.over
    assert {host.end for host in run.hosts} == {Code.INTERRUPTED.value}


async def test_it_runs_again_where_it_failed_and_an_other_program_knows_where_that_was(tmp_path: Path) -> None:
    world = fleet(5)
    world["node-4"].faults.refuses = True
    async with fleet_services(world, tmp_path) as services:
        run = await _run(services, _spec(5))
        world["node-4"].faults.refuses = False
        again = services.many.again(run)
        assert again is not None
        assert again.spec.hosts == ("node-4",)
        await again.wait()
        assert services.many.again(again) is None
        await _run(services, _spec(3, b"test $(hostname) = node-1"))
        await services.many.recorded()
    async with fleet_services(world, tmp_path) as services:
        last = await services.many.last()
        assert last is not None
        assert (last.command, last.hosts, last.failed) == (b"test $(hostname) = node-1", 3, ("node-2", "node-3"))


async def test_production_hosts_are_asked_about_together_by_name(tmp_path: Path) -> None:
    world, person = fleet(5), Agreeing()
    mark_production(world, "node-2", "node-4")
    async with fleet_services(world, tmp_path, person) as services:
        assert (await _run(services, _spec(5, b"touch x"))).counts.succeeded == 5
        (question,) = person.confirmed
        assert question.title == "2 of 5 are production hosts"
        assert "Run: touch x" in question.detail
        assert "node-2, node-4" in question.detail
        await _run(services, _spec(5, b"uname -r"))
        assert len(person.confirmed) == 1


async def test_without_a_yes_nothing_is_begun_anywhere(tmp_path: Path) -> None:
    world = fleet(5)
    mark_production(world, "node-2")
    async with fleet_services(world, tmp_path, Agreeing(agrees=False)) as services:
        run = await _run(services, _spec(5, b"touch x"))
        assert run.error is not None
        assert run.error.code is Code.PRODUCTION_HOST
        assert run.counts.not_run == 5
        assert await services.many.last() is None


async def test_one_password_opens_all(tmp_path: Path) -> None:
    person = Agreeing(passwords=("secret",))
    async with fleet_services(fleet(20, password="secret"), tmp_path, person) as services:
        assert (await _run(services, _spec(20))).counts.succeeded == 20
        assert (len(person.secrets), len(person.confirmed)) == (1, 1)
        assert len(services.vault) == 0


async def test_it_runs_as_root_on_all(tmp_path: Path) -> None:
    spec = GroupSpec(names(4), CommandSpec(b"id -un", elevate=Elevate(ElevateBy.SUDO, "root")))
    async with fleet_services(fleet(4), tmp_path) as services:
        (alike,) = (await _run(services, spec)).groups()
        assert (alike.out, alike.end) == (b"root\n", "0")


async def test_what_is_kept_is_bounded_and_the_rest_is_in_the_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.commands.many.run.ALL_ROOM", 3000)
    there = tmp_path / "outputs"
    there.mkdir()
    async with fleet_services(fleet(3), tmp_path) as services:
        run = await _run(services, _spec(3, b"seq 1000", save_in=there))
        (alike,) = run.groups()
        assert (len(alike.out), alike.truncated) == (1000, True)
    whole = "".join(f"{number}\n" for number in range(1, 1001))
    assert {path.name: path.read_text() for path in there.iterdir()} == dict.fromkeys(names(3), whole)


async def test_output_is_passed_on_as_it_comes(tmp_path: Path) -> None:
    heard: list[tuple[str, bytes]] = []

    def hear(host: str, chunk: Chunk) -> None:
        heard.append((host, chunk.data))

    async with fleet_services(fleet(3), tmp_path) as services:
        await services.many.start(_spec(3, b"hostname"), hear).wait()
    assert sorted(heard) == [(name, f"{name}\n".encode()) for name in names(3)]


@pytest.mark.slow
async def test_a_thousand_hosts(tmp_path: Path) -> None:
    async with fleet_services(fleet(1000, odd=3), tmp_path) as services:
        run = await _run(services, _spec(1000))
        assert [len(alike.hosts) for alike in run.groups()] == [997, 3]
        assert len(asyncio.all_tasks()) < 50
