"""Which hosts are meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.commands.many.picking import expand, fold, pick
from backend.errors import Code, ConfigError
from backend.hosts.entries import HostEntry, HostSource

BOOK = (
    HostEntry("web-1", HostSource.OWN, group="prod", tags=("web",)),
    HostEntry("web-2", HostSource.OWN, group="prod", tags=("web", "canary")),
    HostEntry("db-1", HostSource.OWN, group="prod"),
    HostEntry("gpu", HostSource.SSH_CONFIG),
)


def test_names_stand_for_themselves_each_once_in_the_order_in_which_they_are_named() -> None:
    assert pick(BOOK, hosts=["gpu,web-1", "web-1,me@10.0.0.7:2222"]) == ("gpu", "web-1", "me@10.0.0.7:2222")


def test_patterns_stand_for_hosts_of_the_book() -> None:
    assert pick(BOOK, hosts=["web-*"]) == ("web-1", "web-2")


def test_a_group_is_a_group_or_a_tag() -> None:
    assert pick(BOOK, groups=["canary", "prod"]) == ("web-2", "web-1", "db-1")


def test_ranges_become_their_numbers_and_keep_leading_zeros() -> None:
    assert pick((), hosts=["node[08-10],n[1,3]x[1-2]"]) == (
        "node08", "node09", "node10", "n1x1", "n1x2", "n3x1", "n3x2",
    )  # fmt: skip


def test_an_address_in_brackets_is_no_range() -> None:
    assert pick((), hosts=["[::1]:22,ssh://me@[fe80::1]:22"]) == ("[::1]:22", "ssh://me@[fe80::1]:22")


@pytest.mark.parametrize(
    ("hosts", "groups", "code"),
    [
        (["nope-*"], [], Code.HOST_UNKNOWN),
        ([], ["nope"], Code.HOST_UNKNOWN),
        ([" , "], [], Code.USAGE),
        (["n[9-1]"], [], Code.USAGE),
        (["n[1-3"], [], Code.USAGE),
        (["n[1,3"], [], Code.USAGE),
        (["n[1-99999999]"], [], Code.USAGE),
        (["n[1-999]x[1-999]"], [], Code.USAGE),
    ],
)
def test_what_cannot_be_is_said(hosts: list[str], groups: list[str], code: Code) -> None:
    with pytest.raises(ConfigError) as caught:
        pick(BOOK, hosts=hosts, groups=groups)
    assert caught.value.code is code


def test_a_group_that_is_mistyped_is_told_its_neighbour() -> None:
    with pytest.raises(ConfigError) as caught:
        pick(BOOK, groups=["canarry"])
    assert "canary" in caught.value.advice[0].text


def test_numbers_that_follow_each_other_are_folded() -> None:
    names = [*(f"web-{number}" for number in range(1, 98)), "db", "n08", "n09", "n10", "n011"]
    assert fold(names) == "web-[1-97],db,n[08-10],n011"


@given(st.lists(st.from_regex(r"\A[a-c]?[0-9]{0,3}[a-c]?\Z").filter(bool), min_size=1, unique=True))
def test_folded_names_expand_to_the_same_names(names: list[str]) -> None:
    assert list(pick((), hosts=[fold(names)])) == names


@given(st.text("ab[]1-,", max_size=8))
def test_any_word_expands_or_is_refused(word: str) -> None:
    try:
        assert expand(word)
    except ConfigError as error:
        assert error.code is Code.USAGE
