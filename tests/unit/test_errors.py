"""One hierarchy, one code for each cause, always with a next step."""

from __future__ import annotations

import json
import shlex
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.catalogue import CATALOGUE, Advice, Category, Code, Entry
from backend.errors import ConfigError, ConnectError, FairleadError, FileError, HostKeyError, IntegrityError, LinkLost


@pytest.mark.parametrize("code", Code)
def test_every_code_has_a_sentence_and_a_next_step_and_can_be_told_without_evidence(code: Code) -> None:
    error = FairleadError(code)
    assert error.message
    assert error.advice
    assert all(step.text for step in error.advice)
    assert "{" not in error.message + "".join(step.text for step in error.advice)


@pytest.mark.parametrize("code", Code)
def test_codes_are_named_as_they_are_written(code: Code) -> None:
    assert code.name == code.value
    assert set(code.value) <= set(string.ascii_uppercase + "_")


def test_the_catalogue_has_exactly_the_codes() -> None:
    assert set(CATALOGUE) == set(Code)
    assert all(isinstance(entry, Entry) for entry in CATALOGUE.values())


@pytest.mark.parametrize("code", [code for code in Code if CATALOGUE[code].retryable])
def test_nothing_that_a_person_must_decide_is_said_to_be_worth_a_repeat(code: Code) -> None:
    assert CATALOGUE[code].category not in {Category.CONFIG, Category.HOST_KEY, Category.INTERNAL}


def test_sentence_and_advice_are_filled_in_from_host_hop_and_evidence() -> None:
    error = ConnectError(
        Code.JUMP_FAILED, host="web-1", hop="bastion", evidence={"address": "10.0.0.7", "port": 22, "reason": "refused"}
    )
    assert error.message == "The jump host bastion cannot reach 10.0.0.7 port 22: refused"
    assert any(step.command == "fairlead diagnose bastion" for step in error.advice)


def test_an_error_that_learns_its_host_later_names_it_and_keeps_what_it_knew() -> None:
    error = LinkLost(Code.CONNECTION_LOST)
    assert error.located(host="web-1", hop="bastion") is error
    error.located(host="web-2", hop="other")
    assert (error.host, error.hop) == ("web-1", "bastion")
    assert error.message == "The connection to web-1 was lost."


def test_a_hop_that_is_the_host_itself_is_not_told_as_a_hop() -> None:
    assert ConnectError(Code.TCP_REFUSED).located(host="web-1", hop="web-1").hop is None


def test_own_words_and_own_advice_replace_those_of_the_catalogue() -> None:
    step = Advice("Do this.", "this")
    error = ConfigError(Code.CONFIG_INVALID, "My own sentence.", advice=(step,))
    assert str(error) == error.message == "My own sentence."
    assert error.advice == (step,)


@given(st.text(), st.text())
def test_whatever_a_server_says_reaches_the_screen_without_control_codes(said: str, name: str) -> None:
    error = FairleadError(Code.KEX_FAILED, evidence={"reason": said}, host=name or "web-1")
    shown = error.evidence["reason"]
    assert not any(ord(character) < 0x20 and character not in "\n\t" for character in shown)
    assert "\x1b" not in shown
    assert "\x9b" not in shown


@given(st.text())
def test_braces_in_evidence_are_only_text(said: str) -> None:
    FairleadError(Code.KEX_FAILED, evidence={"reason": "{" + said + "}{0}{host.__class__}"}).message.upper()


@pytest.mark.parametrize("code", Code)
def test_an_error_is_told_in_json_with_all_its_parts(code: Code) -> None:
    told = json.loads(json.dumps(FairleadError(code, host="web-1").to_json()))
    assert set(told) == {"code", "category", "message", "evidence", "advice", "host", "hop", "retryable"}
    assert told["code"] == code.value
    assert all(set(step) == {"text", "command"} for step in told["advice"])


def test_kinds_that_are_handled_together_are_of_one_family() -> None:
    assert issubclass(HostKeyError, ConnectError)
    assert issubclass(IntegrityError, FileError)
    assert all(issubclass(kind, FairleadError) for kind in (ConfigError, ConnectError, FileError, LinkLost))


@given(st.text(min_size=1), st.text(min_size=1))
def test_whatever_a_host_calls_its_files_is_one_word_of_a_command_to_copy(parent: str, host: str) -> None:
    error = FileError(Code.NOT_FOUND, evidence={"parent": parent}, host=host)
    commands = [step.command for step in error.advice if step.command]
    assert [shlex.split(command) for command in commands] == [["fairlead", "ls", f"{host}:{error.evidence['parent']}"]]


def test_a_file_below_the_home_directory_stays_there_in_a_command_to_copy() -> None:
    (step, *_) = FairleadError(Code.AUTH_KEY_PERMISSIONS, evidence={"path": "~/.ssh/my key", "mode": "0644"}).advice
    assert step.command == "chmod 600 ~/'.ssh/my key'"
