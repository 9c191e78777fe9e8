"""Whose a failure was: every code of the catalogue has an owner, and only the host's own count against it."""

from __future__ import annotations

import pytest

from backend.catalogue import CATALOGUE, Category, Code
from backend.health.blame import Blame, blame


def owner(code: Code) -> Blame:
    return blame(code, CATALOGUE[code].category)


@pytest.mark.parametrize(
    "code",
    [
        Code.NAME_NOT_FOUND,
        Code.TCP_REFUSED,
        Code.TCP_TIMEOUT,
        Code.BANNER_CLOSED,
        Code.KEX_NO_MATCH,
        Code.HOST_KEY_CHANGED,
        Code.HOST_KEY_REVOKED,
        Code.AUTH_DENIED,
        Code.AUTH_TOO_MANY,
        Code.AUTH_TIMEOUT,
        Code.JUMP_FAILED,
        Code.CONNECTION_LOST,
        Code.KEEPALIVE_LOST,
    ],
)
def test_what_the_host_or_the_way_to_it_did_is_the_hosts(code: Code) -> None:
    assert owner(code) is Blame.HOST


@pytest.mark.parametrize(
    "code",
    [
        Code.INTERRUPTED,
        Code.NEEDS_PERSON,
        Code.DECLINED,
        Code.HOST_KEY_UNKNOWN,
        Code.AUTH_PASSPHRASE,
        Code.AUTH_AGENT_REFUSED,
        Code.TIME_LIMIT,
    ],
)
def test_what_somebody_stopped_or_declined_is_the_persons(code: Code) -> None:
    assert owner(code) is Blame.PERSON


@pytest.mark.parametrize(
    "code",
    [
        Code.CONFIG_INVALID,
        Code.USAGE,
        Code.HOST_UNKNOWN,
        Code.ROUTE_UNSUPPORTED,
        Code.AUTH_NO_METHOD,
        Code.LOGIN_HELD_BACK,
        Code.AUTH_KEY_PERMISSIONS,
        Code.AUTH_KEY_MISSING,
        Code.AUTH_KEY_UNREADABLE,
        Code.HOST_KEY_UNREADABLE,
        Code.INTERNAL,
    ],
)
def test_what_this_machine_lacks_is_its_own(code: Code) -> None:
    assert owner(code) is Blame.HERE


def test_no_mistake_in_the_configuration_counts_against_a_host() -> None:
    ours = [code for code in Code if CATALOGUE[code].category in (Category.CONFIG, Category.LOCAL, Category.INTERNAL)]
    assert {owner(code) for code in ours} == {Blame.HERE}
