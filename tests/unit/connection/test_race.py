"""The race of a host's routes, in virtual time: who starts when, who wins, what ends it, and that turns are kept."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import cast

import pytest

from backend.connection.connector import Gate, Link, Observer, Phase, PhaseEvent, PhaseStarted
from backend.connection.interaction import Interaction, Nobody
from backend.connection.race import Race, RoutesFailed, RouteStatus, ends_the_race, preferred, way_of
from backend.connection.target import Hop, Target
from backend.connection.ways import Tailscale
from backend.errors import AuthError, Code, ConnectError, FairleadError, HostKeyError, LinkLost
from mocks.clock import VirtualClock
from tests.support.links import SteeredLink
from tests.support.person import Person
from tests.support.waiting import no_tasks_left


def refused() -> ConnectError:
    return ConnectError(Code.TCP_REFUSED, host="gpu-7", evidence={"address": "192.0.2.7", "port": 22})


def target(route: str) -> Target:
    return Target("gpu-7", (Hop("gpu-7", "192.0.2.7", 22, "ml"),), route=route)


@dataclass
class Course:
    """What happens on one route: how long it takes to the login, then what comes of it."""

    reach: float = 0.01
    login: float = 0.01
    error: FairleadError | None = None
    at_login: bool = False
    """The error comes at the end of the login rather than on the way."""
    patience: float | None = None
    """How long the server waits for a login to begin."""
    stubborn: float = 0
    """How long it takes to end when cancelled."""
    says: str = ""


@dataclass
class World:
    """A connector by script, and what was seen of it."""

    courses: dict[str, Course]
    clock: VirtualClock = field(default_factory=VirtualClock)
    starts: list[tuple[float, str]] = field(default_factory=list)
    logins: list[tuple[float, str]] = field(default_factory=list)
    logging_in: int = 0
    most_at_once: int = 0
    cancelled: list[str] = field(default_factory=list)
    links: list[SteeredLink] = field(default_factory=list)

    async def connect(
        self, target: Target, interaction: Interaction, observer: Observer | None = None, gate: Gate | None = None
    ) -> Link:
        course = self.courses[target.route]
        self.starts.append((round(self.clock.monotonic(), 3), target.route))
        if observer is not None:
            observer(PhaseStarted(target.host, Phase.TCP))
        try:
            await self.clock.sleep(course.reach)
            if course.error is not None and not course.at_login:
                raise course.error
            if gate is not None:
                await self._turn(gate, course)
            await self._log_in(target, interaction, course)
        except asyncio.CancelledError:
            self.cancelled.append(target.route)
            if course.stubborn:
                await self.clock.sleep(course.stubborn)
            raise
        self.links.append(SteeredLink(target))
        return cast(Link, self.links[-1])

    async def _turn(self, gate: Gate, course: Course) -> None:
        if course.patience is None:
            await gate.take()
            return
        waiting = asyncio.ensure_future(gate.take())
        timer = asyncio.ensure_future(self.clock.sleep(course.patience))
        await asyncio.wait({waiting, timer}, return_when=asyncio.FIRST_COMPLETED)
        timer.cancel()
        if not waiting.done():
            waiting.cancel()
            await asyncio.wait({waiting})
            raise ConnectError(Code.CONNECTION_LOST, host="gpu-7")

    async def _log_in(self, target: Target, interaction: Interaction, course: Course) -> None:
        self.logins.append((round(self.clock.monotonic(), 3), target.route))
        self.logging_in += 1
        self.most_at_once = max(self.most_at_once, self.logging_in)
        try:
            if course.says:
                interaction.announce("gpu-7", course.says)
            await self.clock.sleep(course.login)
        finally:
            self.logging_in -= 1
        if course.error is not None:
            raise course.error

    def race(self, routes: Sequence[str] = (), person: Interaction | None = None) -> Race:
        names = routes or list(self.courses)
        return Race(
            [target(name) for name in names],
            connector=self,
            interaction=person or Nobody(),
            clock=self.clock,
            stagger=2.0,
        )


def statuses(race: Race) -> dict[str, str]:
    return {outcome.route: outcome.status.value for outcome in race.outcomes}


async def failure(race: Race) -> FairleadError:
    with pytest.raises(FairleadError) as raised:
        await race.run()
    return raised.value


# --- who starts when ---


async def test_the_first_route_that_works_is_the_only_one_that_is_tried() -> None:
    world = World({"direct": Course(), "tailscale": Course()})
    race = world.race()
    link, won = await race.run()
    assert (won.route, link) == ("direct", world.links[0])
    assert world.starts == [(0, "direct")]
    assert statuses(race) == {"direct": "won", "tailscale": "not tried"}


async def test_a_slow_route_is_joined_by_the_next_after_the_stagger() -> None:
    world = World({"direct": Course(reach=60), "tailscale": Course(reach=60), "jump": Course()})
    race = world.race()
    _, won = await race.run()
    await race.finish()
    assert won.route == "jump"
    assert world.starts == [(0, "direct"), (2, "tailscale"), (4, "jump")]
    assert statuses(race) == {"direct": "lost", "tailscale": "lost", "jump": "won"}
    assert sorted(world.cancelled) == ["direct", "tailscale"]


async def test_a_route_that_has_failed_starts_the_next_at_once() -> None:
    world = World({"direct": Course(reach=0.5, error=refused()), "tailscale": Course()})
    race = world.race()
    await race.run()
    assert world.starts == [(0, "direct"), (0.5, "tailscale")]
    failed, won = race.outcomes
    assert (failed.status, failed.error, failed.seconds) == (RouteStatus.FAILED, world.courses["direct"].error, 0.5)
    assert won.seconds == pytest.approx(0.02)


async def test_an_earlier_route_may_still_win_after_a_later_one_has_started() -> None:
    world = World({"direct": Course(reach=3), "jump": Course(reach=9)})
    _, won = await world.race().run()
    assert won.route == "direct"


COURSES = {
    "quick": Course(reach=0.1),
    "slow": Course(reach=5),
    "broken": Course(reach=0.3, error=refused()),
    "hopeless": Course(reach=30, error=refused()),
}


@pytest.mark.parametrize("order", [*permutations(COURSES), ("slow",), ("broken",)])
async def test_in_every_order_a_route_that_works_wins_and_nothing_is_left(order: tuple[str, ...]) -> None:
    world = World(COURSES)
    async with no_tasks_left():
        race = world.race(order)
        if set(order) == {"broken"}:
            assert (await failure(race)).code is Code.TCP_REFUSED
            return
        link, won = await race.run()
        await race.finish()
    assert won.route in {"quick", "slow"}
    assert [kept for kept in world.links if not kept.was_closed] == [link]
    assert list(statuses(race).values()).count("won") == 1
    assert {name for name, status in statuses(race).items() if status == "not tried"} == set(order) - {
        route for _, route in world.starts
    }
    assert world.most_at_once <= 1


# --- turns ---


async def test_only_one_route_at_a_time_logs_in() -> None:
    lost = ConnectError(Code.JUMP_FAILED, hop="bastion")
    world = World({"direct": Course(reach=2.5, login=5, error=lost, at_login=True), "jump": Course(reach=0.1)})
    _, won = await world.race().run()
    assert won.route == "jump"
    assert world.most_at_once == 1


async def test_while_one_route_logs_in_no_other_is_started() -> None:
    world = World({"direct": Course(login=60), "jump": Course()})
    race = world.race()
    _, won = await race.run()
    assert won.route == "direct"
    assert world.starts == [(0, "direct")]


async def test_who_waits_for_a_turn_is_never_logged_in_when_another_wins() -> None:
    world = World({"direct": Course(reach=2.1, login=9), "jump": Course(reach=0.2)})
    race = world.race()
    _, won = await race.run()
    await race.finish()
    assert won.route == "direct"
    assert world.logins == [(2.1, "direct")]


async def test_a_server_that_would_not_wait_for_the_turn_gets_a_second_try() -> None:
    lost = ConnectError(Code.JUMP_FAILED, hop="bastion")
    world = World(
        {"jump": Course(reach=2.1, login=30, error=lost, at_login=True), "direct": Course(reach=0.3, patience=5)}
    )
    race = world.race()
    _, won = await race.run()
    assert won.route == "direct"
    assert [route for _, route in world.starts] == ["jump", "direct", "direct"]
    assert statuses(race) == {"jump": "failed", "direct": "won"}


async def test_the_words_of_a_server_are_shown_once() -> None:
    lost = ConnectError(Code.CONNECTION_LOST, hop="bastion")
    person = Person()
    world = World({"a": Course(says="Welcome", error=lost, at_login=True), "b": Course(says="Welcome")})
    await world.race(person=person).run()
    assert person.announced == [("gpu-7", "Welcome")]


# --- what ends it ---


@pytest.mark.parametrize(
    ("error", "ends"),
    [
        (AuthError(Code.AUTH_DENIED, host="gpu-7"), True),
        (AuthError(Code.NEEDS_PERSON, host="gpu-7"), True),
        (HostKeyError(Code.HOST_KEY_CHANGED, host="gpu-7"), True),
        (HostKeyError(Code.HOST_KEY_REVOKED, host="gpu-7"), True),
        (HostKeyError(Code.HOST_KEY_UNKNOWN, host="gpu-7"), True),
        (AuthError(Code.AUTH_DENIED, host="gpu-7", hop="bastion"), False),
        (HostKeyError(Code.HOST_KEY_CHANGED, host="gpu-7", hop="bastion"), False),
        (AuthError(Code.AUTH_TIMEOUT, host="gpu-7"), False),
        (ConnectError(Code.PROXY_AUTH, host="gpu-7"), False),
        (ConnectError(Code.TCP_REFUSED, host="gpu-7"), False),
        (LinkLost(Code.CONNECTION_LOST, host="gpu-7"), False),
    ],
)
async def test_the_hosts_own_refusal_ends_the_race_and_nothing_else_does(error: FairleadError, ends: bool) -> None:
    assert ends_the_race(error) is ends
    world = World({"direct": Course(error=error, at_login=True), "jump": Course()})
    race = world.race()
    if not ends:
        assert (await race.run())[1].route == "jump"
        return
    assert await failure(race) is error
    assert statuses(race) == {"direct": "failed", "jump": "not tried"}


async def test_a_refusal_gives_the_others_up() -> None:
    denied = AuthError(Code.AUTH_DENIED, host="gpu-7")
    world = World({"slow": Course(reach=60), "direct": Course(error=denied, at_login=True)})
    race = world.race()
    async with no_tasks_left():
        assert await failure(race) is denied
    assert world.cancelled == ["slow"]
    assert statuses(race) == {"slow": "lost", "direct": "failed"}


async def test_one_route_alone_fails_as_it_always_did() -> None:
    error = refused()
    assert await failure(World({"direct": Course(error=error)}).race()) is error


async def test_when_all_have_failed_each_is_named_and_the_most_telling_advises() -> None:
    missing = ConnectError(Code.CLOUDFLARED_MISSING, host="gpu-7")
    denied = AuthError(Code.AUTH_DENIED, host="gpu-7", hop="bastion")
    world = World({"direct": Course(error=refused()), "cf": Course(error=missing), "jump": Course(error=denied)})
    error = await failure(world.race())
    assert isinstance(error, RoutesFailed)
    assert (error.code, error.host) == (Code.ROUTES_FAILED, "gpu-7")
    for name, one in error.failures:
        assert f"{name}: {one.message}" in error.message
        assert error.evidence[f"route {name}"] == one.code
    assert error.advice[: len(denied.advice)] == denied.advice
    assert error.advice[-1].command == "fairlead diagnose gpu-7 --route jump"
    assert error.retryable


async def test_it_is_worth_a_repeat_only_where_one_of_the_routes_is() -> None:
    missing, denied = ConnectError(Code.CLOUDFLARED_MISSING), AuthError(Code.AUTH_DENIED, hop="bastion")
    error = await failure(World({"cf": Course(error=missing), "jump": Course(error=denied)}).race())
    assert not error.retryable


async def test_a_bug_is_not_taken_for_a_route_that_fails() -> None:
    world = World({"direct": Course(), "jump": Course(reach=60)})
    world.courses["direct"].error = cast(FairleadError, ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        await world.race().run()


# --- endings ---


async def test_cancelling_cancels_all() -> None:
    world = World({"direct": Course(reach=60), "jump": Course(reach=60)})
    race = world.race()
    async with no_tasks_left():
        running = asyncio.create_task(race.run())
        await world.clock.sleep(3)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert sorted(world.cancelled) == ["direct", "jump"]


async def test_winning_does_not_wait_for_the_losers_and_finish_does() -> None:
    world = World({"direct": Course(reach=60, stubborn=1), "jump": Course()})
    race = world.race()
    await race.run()
    assert world.clock.monotonic() < 3
    async with no_tasks_left():
        await race.finish()
    assert world.clock.monotonic() >= 3


async def test_a_link_that_came_too_late_is_closed() -> None:
    world = World({"direct": Course(reach=2.5), "jump": Course(reach=0.5)})
    race = world.race()
    link, _ = await race.run()
    await race.finish()
    assert [made.was_closed for made in world.links if made is not link] == [True] * (len(world.links) - 1)
    assert not cast(SteeredLink, link).was_closed


async def test_every_change_is_told() -> None:
    world = World({"direct": Course(error=refused()), "jump": Course()})
    told: list[tuple[str, ...]] = []
    seen: list[tuple[str, PhaseEvent]] = []
    race = Race(
        [target("direct"), target("jump")],
        connector=world,
        interaction=Nobody(),
        clock=world.clock,
        observe=lambda one, event: seen.append((one.route, event)),
        changed=lambda: told.append(tuple(outcome.status.value for outcome in race.outcomes)),
    )
    await race.run()
    assert list(dict.fromkeys(told)) == [
        ("trying", "not tried"),
        ("failed", "not tried"),
        ("failed", "trying"),
        ("failed", "won"),
    ]
    assert [route for route, _ in seen] == ["direct", "jump"]


# --- order and words ---


def test_the_remembered_route_goes_first_and_the_others_keep_their_order() -> None:
    targets = [target(name) for name in ("a", "b", "c")]
    assert [one.route for one in preferred(targets, "c")] == ["c", "a", "b"]
    assert [one.route for one in preferred(targets, None)] == ["a", "b", "c"]
    assert [one.route for one in preferred(targets, "gone")] == ["a", "b", "c"]


def test_a_route_is_told_in_words() -> None:
    bastion, host = Hop("bastion", "b", 22, "me", way=Tailscale("100.64.0.1")), Hop("gpu-7", "g", 22, "me")
    assert way_of(Target("gpu-7", (host,))) == "direct"
    assert way_of(Target("gpu-7", (bastion, host))) == "over Tailscale, 100.64.0.1, via bastion"


def test_an_outcome_reads_as_json() -> None:
    world = World({"direct": Course()})
    assert world.race().outcomes[0].to_json() == {
        "route": "direct",
        "way": "direct",
        "status": "not tried",
        "code": None,
        "message": None,
        "seconds": None,
    }
