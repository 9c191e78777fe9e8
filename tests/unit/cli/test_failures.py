"""Failures as words, as JSON and as exit statuses."""

from __future__ import annotations

import json

import pytest

from backend.catalogue import CATALOGUE
from backend.connection.connector import ExitReport
from backend.errors import Advice, AuthError, Category, Code, ConfigError, ConnectError, FairleadError, Interrupted
from cli.failures import describe, internal, report
from cli.flags import GlobalFlags
from cli.statuses import status_of, status_of_exit


def _refused() -> FairleadError:
    return ConnectError(Code.TCP_REFUSED, evidence={"address": "10.0.4.7", "port": 22}, host="web-1")


def test_a_failure_is_a_sentence_a_code_and_next_steps() -> None:
    error = FairleadError(Code.INTERNAL, "It broke.", host="web-1", advice=(Advice("Mend it.", "mend --now"),))
    assert describe(error, verbose=False) == (
        "fairlead: It broke.\n  code: INTERNAL (web-1)\n  - Mend it.\n      mend --now\n"
    )


def test_evidence_is_shown_when_asked_for() -> None:
    assert "address: 10.0.4.7" not in describe(_refused(), verbose=False)
    assert "  address: 10.0.4.7\n" in describe(_refused(), verbose=True)


def test_a_failure_at_a_jump_host_names_it() -> None:
    error = AuthError(Code.AUTH_DENIED, evidence={"user": "me"}, host="db-2", hop="bastion")
    assert "(at bastion, on the way to db-2)" in describe(error, verbose=False)


def test_words_of_a_server_cannot_draw_on_the_screen() -> None:
    error = ConnectError(Code.BANNER_NOT_SSH, evidence={"banner": "\x1b[2Jfairlead: all is well\r\n"})
    assert "\x1b" not in describe(error, verbose=True)
    assert "\r" not in describe(error, verbose=True)


def test_a_sentence_of_the_catalogue_names_the_host_that_was_found_out_later() -> None:
    error = ConfigError(Code.HOST_UNKNOWN)
    assert error.located(host="web-9").message == "There is no host called web-9."
    assert str(error) == error.message


def test_with_json_the_failure_goes_to_stdout_and_nothing_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(_refused(), GlobalFlags(json=True)) == 255
    out, err = capsys.readouterr()
    body = json.loads(out)["error"]
    assert body.keys() >= {"code", "category", "message", "advice", "host", "hop", "retryable"}
    assert (body["code"], body["category"], body["host"], body["hop"]) == ("TCP_REFUSED", "network", "web-1", None)
    assert body["advice"][0].keys() == {"text", "command"}
    assert err == ""


def test_without_json_it_goes_to_stderr_and_nothing_to_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    report(_refused(), GlobalFlags(json=False))
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("fairlead: 10.0.4.7 port 22 refused")


def test_an_unexpected_exception_is_told_by_name_and_place_without_its_text() -> None:
    try:
        raise ValueError("the password is hunter2")
    except ValueError as error:
        told = internal(error)
    assert told.code is Code.INTERNAL
    assert "ValueError at cli/test_failures.py:" in told.message
    assert "hunter2" not in json.dumps(told.to_json())


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (Code.USAGE, 2),
        (Code.CONFIG_INVALID, 2),
        (Code.HOST_UNKNOWN, 2),
        (Code.CHECKSUM_DIFFERS, 3),
        (Code.SOME_FAILED, 4),
        (Code.NOT_FOUND, 4),
        (Code.DISK_FULL, 4),
        (Code.INTERNAL, 70),
        (Code.TIME_LIMIT, 124),
        (Code.INTERRUPTED, 130),
        (Code.NAME_NOT_FOUND, 255),
        (Code.HOST_KEY_CHANGED, 255),
        (Code.AUTH_DENIED, 255),
        (Code.NEEDS_PERSON, 255),
        (Code.SFTP_UNAVAILABLE, 255),
        (Code.CONNECTION_LOST, 255),
    ],
)
def test_each_kind_of_failure_has_its_exit_status(code: Code, status: int) -> None:
    assert status_of(FairleadError(code)) == status


def test_no_code_is_without_an_exit_status_that_is_a_failure() -> None:
    assert all(2 <= status_of(FairleadError(code)) <= 255 for code in CATALOGUE)
    assert {status_of(FairleadError(code)) for code in CATALOGUE if code.value.startswith("AUTH_")} == {255}
    assert {entry.category for entry in CATALOGUE.values()} <= set(Category)


def test_being_ended_by_a_signal_is_128_and_its_number() -> None:
    assert status_of(Interrupted(Code.INTERRUPTED, evidence={"signal": "TERM"})) == 143


@pytest.mark.parametrize(
    ("exit_report", "status"),
    [
        (ExitReport(status=0), 0),
        (ExitReport(status=7), 7),
        (ExitReport(status=255), 255),
        (ExitReport(signal="KILL"), 137),
        (ExitReport(signal="TERM"), 143),
        (ExitReport(signal="ODD@example.com"), 254),
        (ExitReport(), 255),
    ],
)
def test_a_remote_commands_end_becomes_our_own(exit_report: ExitReport, status: int) -> None:
    assert status_of_exit(exit_report) == status
