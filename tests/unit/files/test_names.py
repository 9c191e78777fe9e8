"""Names of unfinished and renamed files, and what a taken name leads to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.connection.connector import Attributes, FileKind
from backend.errors import Code, FileError
from backend.files.conflicts import Decision, decide, needs_look
from backend.files.model import ConflictPolicy
from backend.files.partial import is_partial, numbered_name, partial_name
from backend.files.paths import check_component

names = st.binary(min_size=1, max_size=255).filter(
    lambda n: b"/" not in n and b"\0" not in n and n not in (b".", b"..")
)


@given(names)
def test_a_partial_name_is_hidden_short_enough_and_always_the_same(name: bytes) -> None:
    partial = partial_name(name)
    check_component(partial)
    assert len(partial) <= 255
    assert partial.startswith(b".")
    assert is_partial(partial)
    assert partial == partial_name(name)
    assert partial != partial_name(name, b"salt")


def test_names_that_differ_after_the_cut_have_different_partials() -> None:
    assert partial_name(b"n" * 254 + b"a") != partial_name(b"n" * 254 + b"b")


@pytest.mark.parametrize(
    ("name", "numbered"),
    [(b"a", b"a (2)"), (b"a.txt", b"a (2).txt"), (b"a.tar.gz", b"a.tar (2).gz"), (b".profile", b".profile (2)")],
)
def test_a_numbered_name_keeps_its_extension(name: bytes, numbered: bytes) -> None:
    assert numbered_name(name, 2) == numbered


@given(names, st.integers(1, 9999))
def test_a_numbered_name_is_another_legal_name(name: bytes, number: int) -> None:
    numbered = numbered_name(name, number)
    check_component(numbered)
    assert len(numbered) <= 255
    assert numbered != name


def file(modified: float) -> Attributes:
    return Attributes(FileKind.FILE, 1, 0o644, modified=modified)


DIRECTORY = Attributes(FileKind.DIRECTORY)


@pytest.mark.parametrize(
    ("policy", "there", "decision"),
    [
        (ConflictPolicy.OVERWRITE, None, Decision.COPY),
        (ConflictPolicy.OVERWRITE, file(9), Decision.COPY),
        (ConflictPolicy.SKIP, None, Decision.COPY),
        (ConflictPolicy.SKIP, file(1), Decision.SKIP_EXISTS),
        (ConflictPolicy.SKIP, DIRECTORY, Decision.SKIP_EXISTS),
        (ConflictPolicy.NEWER, file(4), Decision.COPY),
        (ConflictPolicy.NEWER, file(5.9), Decision.SKIP_NEWER),
        (ConflictPolicy.NEWER, file(6), Decision.SKIP_NEWER),
        (ConflictPolicy.RENAME, None, Decision.COPY),
        (ConflictPolicy.RENAME, DIRECTORY, Decision.RENAME),
    ],
)
def test_each_policy_has_its_answer_to_a_taken_name(
    policy: ConflictPolicy, there: Attributes | None, decision: Decision
) -> None:
    assert decide(policy, file(5), there, b"x") is decision


@pytest.mark.parametrize("policy", [ConflictPolicy.OVERWRITE, ConflictPolicy.NEWER])
def test_a_directory_is_never_overwritten_by_a_file(policy: ConflictPolicy) -> None:
    with pytest.raises(FileError) as caught:
        decide(policy, file(5), DIRECTORY, b"x")
    assert caught.value.code is Code.IS_DIRECTORY


def test_only_overwriting_needs_no_look() -> None:
    assert [policy for policy in ConflictPolicy if not needs_look(policy)] == [ConflictPolicy.OVERWRITE]
