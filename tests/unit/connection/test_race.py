"""The race of a host's routes, in virtual time: who starts when, who wins, what ends it, and that turns are kept."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import permutations
from typing import cast

import pytest

from backend.connection.connector import Gate, Link, Observer, Phase, PhaseEvent, PhaseFailed, PhasePassed, PhaseStarted
from backend.connection.interaction import Interaction, Nobody
from backend.connection.outcomes import RoutesFailed, RouteStatus, way_of
from backend.connection.race import Race, ends_the_race, preferred
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


# --- jump hosts with several routes ---

BASTION = Hop("bastion", "192.0.2.1", 22, "me")
DENIED = AuthError(Code.AUTH_DENIED, host="gpu-7", hop="bastion")


@dataclass
class Through:
    """A connector whose routes lead through jump hosts, hop by hop, by script."""

    reach: dict[str, float]
    """How long each route takes to its first login."""
    failures: dict[str, FairleadError] = field(default_factory=dict)
    """By route: what the first jump host says in place of letting it in; with ` beyond`, what comes after it."""
    clock: VirtualClock = field(default_factory=VirtualClock)
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Route and jump host of every login."""
    login: float = 5.0

    async def connect(
        self, target: Target, interaction: Interaction, observer: Observer | None = None, gate: Gate | None = None
    ) -> Link:
        assert observer is not None
        await self.clock.sleep(self.reach[target.route])
        for hop in target.jumps:
            if gate is not None:
                await gate.take()
            self.asked.append((target.route, hop.name))
            await self.clock.sleep(self.login)
            error = self.failures.get(target.route)
            if error is not None:
                observer(PhaseFailed(hop, Phase.AUTH, 0, error))
            else:
                observer(PhasePassed(hop, Phase.AUTH, 0))
            if gate is not None:
                gate.release()
            await self.clock.sleep(0.01)  # what waits for the turn goes on meanwhile
            if error is not None:
                raise error
        await self.clock.sleep(1)
        if (error := self.failures.get(f"{target.route} beyond")) is not None:
            raise error
        return cast(Link, SteeredLink(target))

    def race(self, *targets: Target) -> Race:
        return Race(targets, connector=self, interaction=Nobody(), clock=self.clock, stagger=2.0)


def through(route: str, *jumps: Hop) -> Target:
    return Target("gpu-7", (*jumps, Hop("gpu-7", "192.0.2.7", 22, "ml")), route=route)


OVER_TAILSCALE = replace(BASTION, way=Tailscale("100.64.0.1"))
INNER = Hop("inner", "10.0.0.1", 22, "me")
TWO_WAYS = (through("jump/direct", BASTION), through("jump/tailscale", OVER_TAILSCALE))


def noted(race: Race) -> dict[str, tuple[str, str]]:
    return {outcome.route: (outcome.status.value, outcome.note) for outcome in race.outcomes}


async def test_a_jump_host_that_was_reached_is_not_logged_in_to_over_its_other_way() -> None:
    world = Through({"jump/direct": 3.0, "jump/tailscale": 0.5})
    race = world.race(*TWO_WAYS)
    async with no_tasks_left():
        _, won = await race.run()
        await race.finish()
    assert won.route == "jump/tailscale"
    assert world.asked == [("jump/tailscale", "bastion")]
    note = "bastion was reached over jump/tailscale"
    assert noted(race) == {"jump/direct": ("lost", note), "jump/tailscale": ("won", "")}


async def test_the_other_way_is_tried_where_the_first_does_not_lead_to_the_jump_host() -> None:
    world = Through({"jump/direct": 60, "jump/tailscale": 0.5})
    race = world.race(*TWO_WAYS)
    _, won = await race.run()
    await race.finish()
    assert won.route == "jump/tailscale"


async def test_a_jump_host_that_refuses_is_not_asked_again_over_any_way() -> None:
    world = Through({"jump/direct": 3.0, "jump/tailscale": 0.5, "inner": 0.1}, {"jump/direct": DENIED})
    world.failures["jump/tailscale"] = DENIED
    race = world.race(*TWO_WAYS, through("inner", BASTION, INNER))
    async with no_tasks_left():
        assert await failure(race) is DENIED
    assert len(world.asked) == 1
    note = "bastion refused over jump/tailscale and is not asked again"
    assert noted(race) == {
        "jump/direct": ("lost", note),
        "jump/tailscale": ("failed", ""),
        "inner": ("not tried", note),
    }


async def test_a_route_that_goes_on_elsewhere_from_the_same_jump_host_is_tried() -> None:
    refusal = ConnectError(Code.TCP_REFUSED, host="gpu-7")
    world = Through({"jump": 0.1, "jump:bastion,inner": 0.1}, {"jump beyond": refusal})
    race = world.race(through("jump", BASTION), through("jump:bastion,inner", BASTION, INNER))
    _, won = await race.run()
    assert won.route == "jump:bastion,inner"


async def test_what_fails_beyond_the_jump_host_is_not_tried_over_its_other_way() -> None:
    world = Through({"jump/direct": 0.1, "jump/tailscale": 0.1}, {"jump/direct beyond": refused()})
    race = world.race(*TWO_WAYS)
    assert (await failure(race)).code is Code.TCP_REFUSED
    assert world.asked == [("jump/direct", "bastion")]


async def test_a_way_that_is_lost_on_the_jump_host_gives_the_other_one_its_turn() -> None:
    lost = LinkLost(Code.CONNECTION_LOST, host="gpu-7", hop="bastion")
    world = Through({"jump/direct": 0.1, "jump/tailscale": 0.1}, {"jump/direct beyond": lost})
    race = world.race(*TWO_WAYS)
    _, won = await race.run()
    assert won.route == "jump/tailscale"
    assert noted(race) == {"jump/direct": ("failed", ""), "jump/tailscale": ("won", "")}


async def test_a_spared_route_does_not_start_the_next_one_early() -> None:
    world = Through({"jump/direct": 2.5, "jump/tailscale": 0.1, "direct": 0}, login=0.1)
    race = world.race(*TWO_WAYS, through("direct"))
    _, won = await race.run()
    await race.finish()
    assert won.route == "jump/tailscale"
    assert noted(race)["direct"] == ("not tried", "")


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


async def test_while_it_runs_each_route_tells_where_it_stands_and_when_the_next_one_starts() -> None:
    world = World({"direct": Course(reach=60), "tailscale": Course(reach=60), "jump": Course(reach=60)})
    race = world.race()
    running = asyncio.create_task(race.run())
    await world.clock.sleep(0.5)
    direct, tailscale, jump = race.outcomes
    assert (direct.status, direct.phase, direct.hop, direct.began) == (RouteStatus.TRYING, Phase.TCP, "gpu-7", 0)
    assert (tailscale.status, tailscale.starts_at) == (RouteStatus.WAITING, 2.0)
    assert (jump.status, jump.starts_at) == (RouteStatus.WAITING, None)
    await world.clock.sleep(2)
    assert [outcome.starts_at for outcome in race.outcomes] == [None, None, 4.0]
    running.cancel()
    await asyncio.wait({running})
    assert [(outcome.phase, outcome.began, outcome.starts_at) for outcome in race.outcomes] == [(None, None, None)] * 3


async def test_while_one_logs_in_nobody_says_when_the_next_one_starts() -> None:
    world = World({"direct": Course(login=60), "jump": Course()})
    race = world.race()
    running = asyncio.create_task(race.run())
    await world.clock.sleep(5)
    assert race.outcomes[1].starts_at is None
    running.cancel()
    await asyncio.wait({running})


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
        "note": "",
    }
