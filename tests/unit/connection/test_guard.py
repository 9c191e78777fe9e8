"""The lock-out guard: what it counts, when it holds a login back, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.connection.guard import MOST, LockoutGuard, free_again, tries_left
from backend.connection.guarded import FewerTries, Turns
from backend.connection.interaction import Challenge, Prompt, SecretKind, SecretRequest
from backend.connection.refusals import WINDOW, Past, Place, Refusal
from backend.connection.target import Hop, Target
from backend.errors import AuthError, Code, ConnectError, FairleadError
from backend.store import Store
from mocks.clock import VirtualClock
from tests.support.person import Person
from tests.support.waiting import until

HOP = Hop(name="web-1", address="192.0.2.7", port=22, user="deploy")
BASTION = Hop(name="bastion", address="192.0.2.1", port=22, user="jump")
TARGET = Target("web-1", (BASTION, HOP))
times = st.lists(st.floats(0, 2000), max_size=12)


def past(refusals: list[float], accepted: float | None = None) -> Past:
    return Past(tuple(Refusal(at, "deploy", "web-1") for at in sorted(refusals)), accepted)


@given(times, st.floats(0, 2000))
def test_when_it_says_that_one_more_is_safe_it_is(refusals: list[float], now: float) -> None:
    when = free_again(past(refusals), now)
    assert now <= when <= now + WINDOW
    if not tries_left(past(refusals), "deploy", now):
        assert tries_left(past([at for at in refusals if at <= now]), "deploy", when + 0.001) >= 1


@given(times, st.floats(0, 2000))
def test_never_more_than_the_limit_within_the_window(refusals: list[float], now: float) -> None:
    recent = [at for at in refusals if 0 <= now - at < WINDOW]
    assert tries_left(past(refusals), "deploy", now) == max(0, MOST - len(recent))


@given(times, st.floats(0, 2000))
def test_who_was_let_in_after_all_own_refusals_may_try_once(refusals: list[float], accepted: float) -> None:
    left = tries_left(past(refusals, accepted), "deploy", 2000)
    assert left >= tries_left(past(refusals), "deploy", 2000)
    if all(at < accepted for at in refusals):
        assert left >= 1
    assert tries_left(past(refusals, accepted), "root", 2000) >= 1, "nothing of root was refused"


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
async def guard(tmp_path: Path, clock: VirtualClock) -> AsyncIterator[LockoutGuard]:
    store = Store(tmp_path / "fairlead.db")
    yield LockoutGuard(store, clock)
    await store.close()


def denied(secrets: int, *, hop: str | None = None) -> AuthError:
    return AuthError(Code.AUTH_DENIED, evidence={"refused_secrets": secrets}, host="web-1", hop=hop)


async def held_back(guard: LockoutGuard, hop: Hop = HOP, target: Target = TARGET) -> FairleadError:
    with pytest.raises(AuthError) as caught:
        await guard.check(target, hop)
    return caught.value


def same_machine(name: str, user: str) -> Target:
    """Another entry that leads to the machine of `web-1`."""
    return Target(name, (BASTION, replace(HOP, name=name, user=user)))


async def test_a_host_without_refusals_has_all_its_tries(guard: LockoutGuard) -> None:
    assert await guard.check(TARGET, HOP) == MOST


async def test_the_login_after_the_last_safe_refusal_is_held_back_and_told(guard: LockoutGuard) -> None:
    await guard.note(TARGET, denied(3))
    assert await guard.check(TARGET, HOP) == 1
    await guard.note(TARGET, denied(1))
    error = await held_back(guard)
    assert error.code is Code.LOGIN_HELD_BACK
    assert "refused 4 logins within 10 minutes" in error.message
    assert "fairlead hosts unlock web-1" in {item.command for item in error.advice}


async def test_a_refusal_by_a_jump_host_counts_there(guard: LockoutGuard) -> None:
    await guard.note(TARGET, denied(4, hop="bastion"))
    assert await guard.check(TARGET, HOP) == MOST
    assert (await held_back(guard, BASTION)).code is Code.LOGIN_HELD_BACK


async def test_refused_keys_count_once_for_each_login(guard: LockoutGuard) -> None:
    await guard.note(TARGET, AuthError(Code.AUTH_DENIED, evidence={"tried": "publickey a; publickey b"}))
    assert await guard.check(TARGET, HOP) == MOST - 1


async def test_what_is_no_refusal_counts_nothing(guard: LockoutGuard) -> None:
    for error in (ConnectError(Code.TCP_REFUSED), AuthError(Code.NEEDS_PERSON), AuthError(Code.LOGIN_HELD_BACK)):
        await guard.note(TARGET, error)
    assert await guard.check(TARGET, HOP) == MOST


async def test_after_the_window_a_login_may_be_tried_again(guard: LockoutGuard, clock: VirtualClock) -> None:
    await guard.note(TARGET, denied(4))
    await clock.advance(WINDOW + 1)
    assert await guard.check(TARGET, HOP) == MOST


async def test_the_person_can_have_them_forgotten(guard: LockoutGuard) -> None:
    await guard.note(TARGET, denied(4))
    assert await guard.forget(TARGET) == 4
    assert await guard.check(TARGET, HOP) == MOST


async def test_other_processes_know_of_them(tmp_path: Path, clock: VirtualClock, guard: LockoutGuard) -> None:
    await guard.note(TARGET, denied(4))
    other = Store(tmp_path / "fairlead.db")
    assert (await held_back(LockoutGuard(other, clock))).code is Code.LOGIN_HELD_BACK
    await other.close()


async def test_without_a_usable_state_directory_it_counts_in_memory(tmp_path: Path, clock: VirtualClock) -> None:
    (tmp_path / "state").write_text("in the way")
    store = Store(tmp_path / "state" / "fairlead.db")
    guard = LockoutGuard(store, clock)
    await guard.note(TARGET, denied(4))
    assert (await held_back(guard)).code is Code.LOGIN_HELD_BACK
    await store.close()


# --- several users of one machine, several machines of one address ---


async def test_the_refusals_of_another_user_are_told_as_that_users(guard: LockoutGuard) -> None:
    other = same_machine("alpha", "root")
    await guard.note(other, AuthError(Code.AUTH_DENIED, evidence={"refused_secrets": 3}, host="alpha"))
    await guard.note(TARGET, denied(1))
    error = await held_back(guard)
    assert error.message.startswith(
        "The server at 192.0.2.7 port 22 has refused 4 logins within 10 minutes "
        "(3 of root on alpha, 1 of deploy on web-1); the next one is held back until "
    )


async def test_a_login_that_works_is_not_held_back_for_the_refusals_of_others(guard: LockoutGuard) -> None:
    other = same_machine("alpha", "root")
    guard.note_accepted(TARGET)
    await guard.note(other, AuthError(Code.AUTH_DENIED, evidence={"refused_secrets": 4}, host="alpha"))
    assert await guard.check(TARGET, HOP) == 1
    assert "alpha has refused 4 logins" in (await held_back(guard, other.host, other)).message


async def test_a_login_that_worked_and_was_refused_since_is_held_back(guard: LockoutGuard, clock: VirtualClock) -> None:
    guard.note_accepted(TARGET)
    await clock.advance(1)
    await guard.note(TARGET, denied(4))
    assert (await held_back(guard)).code is Code.LOGIN_HELD_BACK
    await clock.advance(1)
    guard.note_accepted(TARGET)
    assert await guard.check(TARGET, HOP) == 1, "a jail forgets nothing, so no more than one"


async def test_that_a_login_works_is_known_to_the_next_process(
    tmp_path: Path, clock: VirtualClock, guard: LockoutGuard
) -> None:
    guard.note_accepted(TARGET)
    await guard.close()
    await guard.note(same_machine("alpha", "root"), denied(4))
    other = Store(tmp_path / "fairlead.db")
    assert await LockoutGuard(other, clock).check(TARGET, HOP) == 1
    await other.close()


async def test_the_same_address_behind_another_jump_host_is_another_machine(guard: LockoutGuard) -> None:
    elsewhere = Target("web-1", (replace(BASTION, name="other", address="192.0.2.99"), HOP))
    await guard.note(TARGET, denied(4))
    assert await guard.check(elsewhere, HOP) == MOST


# --- a person who is asked less often ---


async def test_a_password_is_asked_for_only_while_a_refusal_is_safe() -> None:
    person = FewerTries(Person(passwords=["one", "two"]), {"web-1": 1})
    first = await person.secret(SecretRequest(SecretKind.PASSWORD, "web-1", "deploy", attempt=1))
    assert first is not None and first.reveal() == "one"
    assert await person.secret(SecretRequest(SecretKind.PASSWORD, "web-1", "deploy", attempt=2)) is None
    code = Challenge("web-1", "deploy", "", "", (Prompt("Code: ", echo=False),), attempt=2)
    assert await person.challenge(code) is None


async def test_a_passphrase_is_no_login_and_is_asked_for_as_ever() -> None:
    person = FewerTries(Person(passphrases=["one"]), {"web-1": 1})
    request = SecretRequest(SecretKind.PASSPHRASE, "web-1", "deploy", subject="key", attempt=3)
    assert await person.secret(request) is not None


# --- taking turns ---


async def test_connections_to_one_address_take_turns_and_others_do_not_wait() -> None:
    turns = Turns(2)
    inside: list[int] = []
    go_on = asyncio.Event()

    async def connect(number: int, address: str) -> None:
        async with turns.turn(Place(address, 22, "")):
            inside.append(number)
            await go_on.wait()

    tasks = [asyncio.create_task(connect(number, "192.0.2.7")) for number in range(4)]
    other = asyncio.create_task(connect(9, "192.0.2.8"))
    await until(lambda: len(inside) == 3)
    assert inside == [0, 1, 9]
    tasks[2].cancel()
    go_on.set()
    await asyncio.gather(*tasks, other, return_exceptions=True)
    assert inside == [0, 1, 9, 3]
