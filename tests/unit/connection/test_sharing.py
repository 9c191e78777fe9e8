"""Two names of one login: one connection under both, each with its own state, events and end."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator
from dataclasses import replace
from random import Random
from typing import cast

import pytest

from backend.connection.connector import Connector, Link, Phase, PhaseFailed, PhasePassed
from backend.connection.interaction import Nobody
from backend.connection.session import PhaseSeen, Session
from backend.connection.sessions import Sessions
from backend.connection.sharing import ANSWERS, SharedConnector
from backend.connection.state import SessionChanged, SessionState
from backend.connection.target import Hop, Keepalive, Target
from backend.connection.vault import Secret, Vault
from backend.errors import AuthError, Code, ConnectError, FairleadError, Interrupted
from backend.events import Event, EventBus
from backend.hosts.book import HostBook
from backend.settings import HostSettings, Settings
from mocks.clock import VirtualClock
from tests.support.links import Attempt, SteeredConnector, SteeredLink
from tests.support.waiting import no_tasks_left, until

S = SessionState
LOGIN = {"address": "192.0.2.7", "user": "deploy"}
SETTINGS = Settings(
    hosts={
        "web-1": HostSettings(**LOGIN),  # type: ignore[arg-type]
        "alias": HostSettings(**LOGIN, directory="/srv", production=True),  # type: ignore[arg-type]
        "root": HostSettings(address="192.0.2.7", user="root"),
        "both": HostSettings(**LOGIN, routes=("direct", "tailscale"), tailscale="100.64.0.7"),  # type: ignore[arg-type]
        "too": HostSettings(**LOGIN, routes=("direct", "tailscale"), tailscale="100.64.0.7"),  # type: ignore[arg-type]
    }
)


class Waits(Random):
    """Chance that picks the waits the test names, then the longest."""

    def __init__(self) -> None:
        self.next: list[float] = []

    def uniform(self, a: float, b: float) -> float:
        return self.next.pop(0) if self.next else b


class Person(Nobody):
    """Somebody who could be asked."""


class MovingBook(HostBook):
    """Where a name can come to mean another one's machine."""

    means: dict[str, str]

    async def routes(self, name: str) -> tuple[Target, ...]:
        targets = await super().routes(self.means.get(name, name))
        return tuple(replace(target, name=name) for target in targets)


class Bench:
    """Sessions over a connector that the test steers, on a clock that it moves."""

    def __init__(self) -> None:
        self.clock = VirtualClock(automatic=False)
        self.connector = SteeredConnector()
        self.bus = EventBus()
        self.events: list[Event] = []
        self.bus.subscribe(Event, self.events.append)
        self.vault = Vault()
        self.waits = Waits()
        self.book = MovingBook.of_entries(SETTINGS)
        self.book.means = {}
        self.sessions = Sessions(
            connector=self.connector,
            book=self.book,
            interaction=Person(),
            bus=self.bus,
            clock=self.clock,
            vault=self.vault,
            chance=self.waits,
        )
        self.one: Session = self.sessions.get("web-1")
        self.other: Session = self.sessions.get("alias")

    async def attempt(self) -> Attempt:
        """The attempt that is waiting to be decided."""
        await until(lambda: bool(self.connector.waiting))
        return self.connector.waiting[0]

    async def connected(self, host: str) -> SteeredLink:
        asked = asyncio.create_task(self.sessions.get(host).link())
        await until(lambda: bool(self.connector.waiting) or asked.done())
        for attempt in self.connector.waiting:
            attempt.succeed()
        return cast(SteeredLink, await asked)

    async def both(self) -> tuple[SteeredLink, SteeredLink]:
        return await self.connected("web-1"), await self.connected("alias")

    async def asking(self, *hosts: str) -> list[asyncio.Task[Link]]:
        """Each asks, and has come as far as it can; the first has made an attempt."""
        asked = []
        for host in hosts:
            asked.append(asyncio.create_task(self.sessions.get(host).link()))
            await self.attempt()
            await until(lambda: self.sessions.get(host).state is S.CONNECTING)  # noqa: B023
        for _ in range(5):
            await asyncio.sleep(0)
        return asked

    def states(self, host: str) -> list[SessionState]:
        return [event.new for event in self.events if isinstance(event, SessionChanged) and event.host == host]

    def reason(self, host: str) -> str:
        change = self.sessions.get(host).last_change
        return "" if change is None else change.reason

    def error(self, host: str) -> FairleadError | None:
        change = self.sessions.get(host).last_change
        return None if change is None else change.error


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    async with no_tasks_left():
        yield made
        await made.sessions.close()
        assert all(not link.others for link in made.connector.made)


CLIMB = [S.RESOLVING, S.CONNECTING, S.VERIFYING, S.AUTHENTICATING, S.READY]


# --- coming up ---------------------------------------------------------------------------------------------------


async def test_a_second_name_of_the_same_login_needs_no_login(bench: Bench) -> None:
    first, second = await bench.both()
    assert first is not second
    assert len(bench.connector.attempts) == 1
    assert bench.states("alias") == CLIMB
    assert bench.reason("web-1") == "logged in"
    assert bench.reason("alias") == "shares the connection of web-1"
    assert (bench.one.shared_with, bench.other.shared_with) == (("alias",), ("web-1",))


async def test_what_belongs_to_a_name_stays_with_it(bench: Bench) -> None:
    await bench.both()
    assert bench.one.target is not None and bench.other.target is not None
    assert (bench.one.target.production, bench.one.target.workplace.directory) == (False, None)
    assert (bench.other.target.production, bench.other.target.workplace.directory) == (True, "/srv")


async def test_another_user_of_the_same_machine_is_another_login(bench: Bench) -> None:
    await bench.connected("web-1")
    await bench.connected("root")
    assert len(bench.connector.attempts) == 2
    assert (bench.one.shared_with, bench.sessions.get("root").shared_with) == ((), ())


async def test_two_names_that_are_asked_for_at_once_make_one_attempt_and_both_hear_of_it(bench: Bench) -> None:
    asked = await bench.asking("web-1", "alias")
    (attempt,) = bench.connector.attempts
    for phase in Phase:
        attempt.enter(phase)
    assert (bench.one.state, bench.other.state) == (S.AUTHENTICATING, S.AUTHENTICATING)
    attempt.succeed()
    await asyncio.gather(*asked)
    assert bench.states("web-1") == bench.states("alias") == CLIMB
    seen = [event for event in bench.events if isinstance(event, PhaseSeen) and event.host == "alias"]
    assert [event.phase.phase for event in seen] == list(Phase)
    assert {event.phase.hop.name for event in seen} == {"alias"}


async def test_who_comes_later_hears_what_was_done_before(bench: Bench) -> None:
    asked = await bench.asking("web-1")
    attempt = bench.connector.attempts[0]
    attempt.enter(Phase.HOST_KEY)
    asked.append(asyncio.create_task(bench.other.link()))
    await until(lambda: bench.other.state is S.VERIFYING)
    attempt.succeed()
    await asyncio.gather(*asked)


async def test_what_was_done_under_another_name_is_marked_as_shared(bench: Bench) -> None:
    asked = await bench.asking("web-1", "alias")
    attempt = bench.connector.attempts[0]
    assert attempt.observer is not None
    attempt.observer(PhasePassed(attempt.target.host, Phase.AUTH, 1.0, {"method": "password"}))
    attempt.succeed()
    await asyncio.gather(*asked)
    passed = [event for event in bench.events if isinstance(event, PhaseSeen)]
    assert [(event.host, cast(PhasePassed, event.phase).shared) for event in passed] == [
        ("web-1", False),
        ("alias", True),
    ]


async def test_a_failure_is_told_to_both_each_by_its_own_name(bench: Bench) -> None:
    asked = await bench.asking("web-1", "alias")
    attempt = bench.connector.attempts[0]
    refused = AuthError(Code.AUTH_DENIED, host="web-1")
    assert attempt.observer is not None
    attempt.observer(PhaseFailed(attempt.target.host, Phase.AUTH, 1.0, refused))
    attempt.fail(refused)
    for task in asked:
        with pytest.raises(AuthError):
            await task
    assert (bench.one.state, bench.other.state) == (S.FAILED, S.FAILED)
    errors = [bench.error(host) for host in ("web-1", "alias")]
    assert [(error.code, error.host) for error in errors if error is not None] == [
        (Code.AUTH_DENIED, "web-1"),
        (Code.AUTH_DENIED, "alias"),
    ]
    assert len(bench.connector.attempts) == 1


async def test_where_the_one_who_connects_is_stopped_the_other_connects_by_itself(bench: Bench) -> None:
    first, second = await bench.asking("web-1", "alias")
    bench.one.stop()
    with pytest.raises(Interrupted):
        await first
    await until(lambda: len(bench.connector.attempts) == 2)
    link = bench.connector.attempts[1].succeed()
    assert await second is link
    assert link.target.name == "alias"
    assert bench.other.state is S.READY


async def test_who_stops_waiting_for_another_s_login_leaves_it_alone(bench: Bench) -> None:
    first, second = await bench.asking("web-1", "alias")
    bench.other.stop()
    with pytest.raises(Interrupted):
        await second
    link = bench.connector.attempts[0].succeed()
    assert await first is link
    assert link.others == ()


async def test_a_connection_that_does_not_answer_is_not_shared(bench: Bench) -> None:
    link = await bench.connected("web-1")
    await until(lambda: link.pings == 1)
    link.fall_silent()
    asked = asyncio.create_task(bench.other.link())
    await until(lambda: link.others == ("alias",))
    assert len(bench.connector.attempts) == 1
    await bench.clock.advance(ANSWERS)
    (await bench.attempt()).succeed()
    await asked
    assert link.others == ()
    assert bench.reason("alias") == "logged in"


# --- letting go --------------------------------------------------------------------------------------------------


async def test_disconnecting_one_name_leaves_the_other_its_connection_and_says_so(bench: Bench) -> None:
    first, second = await bench.both()
    await bench.one.disconnect()
    assert bench.one.state is S.CLOSED
    assert bench.reason("web-1") == "disconnected; the connection stays up for alias"
    assert bench.other.state is S.READY
    assert await bench.other.link() is second
    assert (second.lost, second.was_closed, first.was_closed) == (None, False, True)
    await bench.other.disconnect()
    assert bench.reason("alias") == "disconnected"
    assert second.was_closed


async def test_who_comes_back_shares_again(bench: Bench) -> None:
    await bench.both()
    await bench.one.disconnect()
    await bench.connected("web-1")
    assert len(bench.connector.attempts) == 1
    assert bench.reason("web-1") == "shares the connection of alias"


async def test_once_the_last_name_has_let_go_the_next_one_logs_in(bench: Bench) -> None:
    await bench.both()
    await asyncio.gather(bench.one.disconnect(), bench.other.disconnect())
    await bench.connected("alias")
    assert len(bench.connector.attempts) == 2
    assert bench.reason("alias") == "logged in"


class Plain:
    """A connector that keeps nothing of what it has made."""

    async def connect(self, target: Target, *more: object) -> Link:
        return cast(Link, SteeredLink(target))


async def test_nothing_is_kept_of_a_connection_that_has_ended() -> None:
    target = Target("a", (Hop("a", "192.0.2.7", 22, "deploy"),))
    shared = SharedConnector(cast(Connector, Plain()), vault=Vault(), clock=VirtualClock())
    link = await shared.connect(target, Nobody())
    other = await shared.connect(replace(target, name="b"), Nobody())
    gone = weakref.ref(link)
    await link.close()
    shared.tidy()
    assert shared.is_up(target)
    await other.close()
    shared.tidy()
    del link
    gc.collect()
    assert not shared.is_up(target)
    assert gone() is None


# --- loss and return ---------------------------------------------------------------------------------------------


async def test_a_loss_is_seen_under_both_names_and_one_login_brings_both_back(bench: Bench) -> None:
    first, _ = await bench.both()
    bench.waits.next = [0.5, 1.0]
    first.lose()
    await until(lambda: bench.one.state is bench.other.state is S.RECONNECTING)
    errors = [bench.error(host) for host in ("web-1", "alias")]
    assert [error.host for error in errors if error is not None] == ["web-1", "alias"]
    await bench.clock.advance(0.5)
    (await bench.attempt()).succeed()
    # The other had longer to wait, and does not: no more time passes.
    await until(lambda: bench.one.state is bench.other.state is S.READY)
    assert len(bench.connector.attempts) == 2
    assert bench.one.shared_with == ("alias",)


async def test_both_wait_for_the_same_attempt_to_restore_it_and_both_go_on_when_it_fails(bench: Bench) -> None:
    first, _ = await bench.both()
    bench.waits.next = [0.5, 0.5, 2.0, 1.0]
    first.lose()
    await until(lambda: bench.one.state is bench.other.state is S.RECONNECTING)
    await bench.clock.advance(0.5)
    await until(lambda: bench.one.state is bench.other.state is S.CONNECTING)
    (await bench.attempt()).fail(ConnectError(Code.TCP_REFUSED))
    await until(lambda: bench.one.state is bench.other.state is S.RECONNECTING)
    assert len(bench.connector.attempts) == 2
    await bench.clock.advance(1.0)
    (await bench.attempt()).succeed()
    await until(lambda: bench.one.state is bench.other.state is S.READY)
    assert len(bench.connector.attempts) == 3


async def test_what_is_asked_of_a_person_in_vain_while_it_is_restored_ends_both(bench: Bench) -> None:
    first, _ = await bench.both()
    bench.waits.next = [0.5, 0.7]
    first.lose()
    await until(lambda: bench.one.state is bench.other.state is S.RECONNECTING)
    await bench.clock.advance(0.7)
    await until(lambda: bench.one.state is bench.other.state is S.CONNECTING)
    (await bench.attempt()).fail(AuthError(Code.DECLINED))
    await until(lambda: bench.one.state is bench.other.state is S.FAILED)
    assert len(bench.connector.attempts) == 2


async def test_a_connection_that_one_name_gives_up_is_lost_for_both(bench: Bench) -> None:
    first, second = await bench.both()
    first.fall_silent()
    second.fall_silent()
    await bench.clock.advance(Keepalive().interval + Keepalive().patience)
    await until(lambda: bench.one.state is bench.other.state is S.RECONNECTING)
    errors = [bench.error(host) for host in ("web-1", "alias")]
    assert {error.code for error in errors if error is not None} == {Code.KEEPALIVE_LOST}
    await bench.clock.advance(2)
    (await bench.attempt()).succeed()
    await until(lambda: bench.one.state is bench.other.state is S.READY)
    assert len(bench.connector.attempts) == 2


# --- bulk data ---------------------------------------------------------------------------------------------------


async def test_bulk_data_of_both_names_shares_one_connection_of_its_own(bench: Bench) -> None:
    await bench.both()
    asked = [asyncio.create_task(session.bulk()) for session in (bench.one, bench.other)]
    bulk = (await bench.attempt()).succeed()
    got = [cast(SteeredLink, link) for link in await asyncio.gather(*asked)]
    assert len(bench.connector.attempts) == 2
    assert bulk in got
    assert {link.others for link in got} == {("alias",), ("web-1",)}
    await bench.one.disconnect()
    assert {link.was_closed for link in got} == {True, False}
    assert await bench.other.bulk() is next(link for link in got if not link.was_closed)


# --- several routes ----------------------------------------------------------------------------------------------


async def test_names_with_the_same_routes_make_one_attempt_over_each(bench: Bench) -> None:
    asked = [asyncio.create_task(bench.sessions.get(host).link()) for host in ("both", "too")]
    await bench.attempt()
    await bench.clock.advance(2.5)
    await until(lambda: len(bench.connector.attempts) == 2)
    direct, tailscale = bench.connector.attempts
    assert (direct.target.route, tailscale.target.route) == ("direct", "tailscale")
    tailscale.succeed()
    await asyncio.gather(*asked)
    targets = [bench.sessions.get(host).target for host in ("both", "too")]
    assert [target.route for target in targets if target is not None] == ["tailscale", "tailscale"]
    assert [attempt.was_cancelled for attempt in bench.connector.attempts] == [True, False]
    assert bench.sessions.get("too").shared_with == ("both",)


async def test_of_several_routes_the_one_that_is_up_under_another_name_is_taken(bench: Bench) -> None:
    asked = asyncio.create_task(bench.sessions.get("both").link())
    (await bench.attempt()).fail(ConnectError(Code.TCP_REFUSED))
    (await bench.attempt()).succeed()
    await asked
    await bench.connected("too")
    assert [attempt.target.route for attempt in bench.connector.attempts] == ["direct", "tailscale"]
    assert [outcome.route for outcome in bench.sessions.get("too").routes] == ["tailscale", "direct"]
    await bench.sessions.get("both").disconnect()
    await bench.sessions.get("too").disconnect()
    asked = asyncio.create_task(bench.sessions.get("too").link())
    (await bench.attempt()).succeed()
    await asked
    assert bench.connector.attempts[-1].target.route == "direct"


# --- secrets -----------------------------------------------------------------------------------------------------


async def test_what_was_given_under_one_name_serves_the_other_until_the_last_is_disconnected(bench: Bench) -> None:
    await bench.both()
    await bench.connected("root")
    bench.vault.put("web-1", "password", Secret("right"))
    kept = bench.vault.get("alias", "password")
    assert kept is not None and kept.reveal() == "right"
    assert bench.vault.get("root", "password") is None
    await bench.one.disconnect()
    kept = bench.vault.get("alias", "password")
    assert kept is not None and kept.reveal() == "right"
    assert bench.vault.get("web-1", "password") is None
    await bench.other.disconnect()
    assert not kept
    assert len(bench.vault) == 0


async def test_a_name_that_is_not_connected_inherits_nothing(bench: Bench) -> None:
    await bench.both()
    bench.vault.put("web-1", "password", Secret("right"))
    asked = asyncio.create_task(bench.other.link())
    await asked
    await bench.other.disconnect()
    await bench.one.disconnect()
    assert len(bench.vault) == 0


async def test_a_name_that_means_another_machine_now_knows_nothing_of_the_one_before(bench: Bench) -> None:
    first, _ = await bench.both()
    bench.vault.put("web-1", "sudo", Secret("of the machine before"))
    assert bench.vault.get("alias", "sudo") is not None
    bench.book.means["alias"] = "root"
    first.lose()
    await until(lambda: bench.other.state is S.RECONNECTING)
    await bench.clock.advance(2)
    await until(lambda: any(attempt.target.host.user == "root" for attempt in bench.connector.waiting))
    assert bench.vault.get("alias", "sudo") is None
    assert bench.vault.get("web-1", "sudo") is not None


def test_names_of_the_same_login_know_each_other_in_the_vault_alone() -> None:
    vault = Vault()
    for name, login in (("a", 1), ("b", 1), ("b", 2), ("c", 2), ("d", 3)):
        vault.join(name, login)
    vault.put("a", "password", Secret("of a"))
    assert vault.get("b", "password") is not None
    assert vault.get("c", "password") is None
    assert vault.get("d", "password") is None
    vault.put("b", "password", Secret("newer"))
    assert len(vault) == 1
    vault.forget("b", in_use=lambda name: name == "c")
    kept = vault.get("c", "password")
    assert kept is not None and kept.reveal() == "newer"
    assert vault.get("a", "password") is None
    assert vault.names_of(1) == {"a"}
    assert vault.names_of(2) == {"c"}


def test_a_refused_secret_is_forgotten_under_every_name() -> None:
    vault = Vault()
    vault.join("a", 1)
    vault.join("b", 1)
    vault.put("a", "password", Secret("wrong"))
    kept = vault.get("b", "password")
    vault.forget_one("b", "password")
    assert not kept
    assert len(vault) == 0
