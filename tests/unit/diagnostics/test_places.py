"""Every code has its place on the ladder, or is said to be none of its business."""

from __future__ import annotations

import pytest

from backend.catalogue import CATALOGUE, Code
from backend.diagnostics.places import NOT_OF_THE_LADDER, RUNG_OF, is_worth_a_climb, place_of, rung_of
from backend.diagnostics.rungs import RungId
from backend.errors import FairleadError


@pytest.mark.parametrize("code", Code)
def test_every_code_is_on_one_rung_or_expressly_on_none(code: Code) -> None:
    assert (code in RUNG_OF) is not (code in NOT_OF_THE_LADDER)
    assert code in CATALOGUE


def test_a_failure_stands_at_the_host_and_one_of_a_jump_host_at_that() -> None:
    denied = FairleadError(Code.AUTH_DENIED, host="db-2")
    assert place_of(denied, "db-2") == ("db-2", RungId.AUTH)
    assert place_of(denied.told_of("db-2", "bastion"), "db-2") == ("bastion", RungId.AUTH)
    assert place_of(FairleadError(Code.CHECKSUM_DIFFERS, host="db-2"), "db-2") is None


@pytest.mark.parametrize("code", Code)
def test_a_climb_is_only_advised_where_it_looks(code: Code) -> None:
    if is_worth_a_climb(FairleadError(code)):
        assert rung_of(code) is not None


@pytest.mark.parametrize("code", [Code.DECLINED, Code.DISK_FULL, Code.CONFIG_INVALID, Code.USAGE, Code.INTERRUPTED])
def test_no_climb_is_advised_where_it_would_tell_nothing_new(code: Code) -> None:
    assert not is_worth_a_climb(FairleadError(code))
