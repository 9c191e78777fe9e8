"""The log holds what happened and never a secret, is private, and costs nothing until it is wanted."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.connection.vault import REDACTED, Secret, Vault
from backend.errors import ConfigError
from backend.log import configure_logging, redactor, reset_logging

log = logging.getLogger("tests.log")


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    yield
    reset_logging()


@pytest.fixture
def vault() -> Vault:
    made = Vault()
    made.put("web-1", "password", Secret("correct horse \"battery'"))
    return made


def written(path: Path) -> list[dict[str, Any]]:
    reset_logging()
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_record_is_one_json_object_with_time_level_logger_and_message(tmp_path: Path, vault: Vault) -> None:
    configure_logging(file=tmp_path / "log", verbosity=0, vault=vault)
    log.info("connected to %s", "web-1")
    (record,) = written(tmp_path / "log")
    assert record["message"] == "connected to web-1"
    assert (record["level"], record["logger"]) == ("info", "tests.log")
    assert record["at"].endswith("Z")


def test_the_file_can_be_read_by_its_owner_only_even_if_it_was_open_before(tmp_path: Path, vault: Vault) -> None:
    path = tmp_path / "log"
    path.write_text("")
    path.chmod(0o644)
    configure_logging(file=path, verbosity=0, vault=vault)
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("verbosity", [0, 1, 2, 3])
def test_no_secret_of_the_vault_reaches_file_or_screen(
    tmp_path: Path, vault: Vault, verbosity: int, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = "correct horse \"battery'"
    configure_logging(file=tmp_path / "log", verbosity=verbosity, vault=vault)
    log.warning("sent %s", secret)
    log.warning("sent %r", secret)
    log.warning("fields", extra={"answer": secret, "nested": {"answers": [secret]}})
    try:
        raise ValueError(secret)
    except ValueError:
        log.exception("it failed")
    vault.wipe()
    reset_logging()
    shown = (tmp_path / "log").read_text() + capsys.readouterr().err
    assert "battery" not in shown
    assert "it failed" in shown


@pytest.mark.parametrize("text", ["password=hunter2", "Passphrase: hunter2", "token = 'hunter2'", 'secret="hunter2"'])
def test_what_looks_assigned_to_a_secret_is_taken_out(text: str) -> None:
    fields = redactor(Vault())(None, "info", {"message": f"before {text} after"})
    assert "hunter2" not in fields["message"]
    assert fields["message"].startswith("before ")
    assert fields["message"].endswith(" after")


@given(secret=st.text(min_size=3, max_size=12), around=st.text(max_size=20))
def test_any_secret_is_replaced_wherever_it_stands(secret: str, around: str) -> None:
    vault = Vault()
    vault.put("h", "password", Secret(secret))
    redacted = vault.redact(around + secret + around)
    assert secret not in redacted or secret in REDACTED + around + around
    assert REDACTED in redacted


def test_control_characters_of_a_server_do_not_reach_the_terminal_nor_make_lines(
    vault: Vault, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(file=None, verbosity=1, vault=vault)
    log.info("server says %s", "\x1b[2Jhello\n09:00:00 error forged")
    reset_logging()
    shown = capsys.readouterr().err
    assert "\x1b" not in shown
    assert shown.count("\n") == 1


@pytest.mark.parametrize(("verbosity", "seen"), [(0, []), (1, ["warning", "info"]), (2, ["warning", "info", "debug"])])
def test_stderr_shows_as_much_as_was_asked_for(
    vault: Vault, capsys: pytest.CaptureFixture[str], verbosity: int, seen: list[str]
) -> None:
    configure_logging(file=None, verbosity=verbosity, vault=vault)
    log.warning("one")
    log.info("two")
    log.debug("three")
    reset_logging()
    assert [line.split()[1] for line in capsys.readouterr().err.splitlines()] == seen


def test_a_full_screen_program_keeps_its_screen(vault: Vault, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(file=None, verbosity=3, vault=vault, on_stderr=False)
    log.warning("one")
    reset_logging()
    assert capsys.readouterr().err == ""


def test_a_file_that_cannot_be_written_is_a_configuration_error(tmp_path: Path, vault: Vault) -> None:
    with pytest.raises(ConfigError, match="cannot be written"):
        configure_logging(file=tmp_path / "absent" / "log", verbosity=0, vault=vault)


def test_a_device_keeps_its_mode(vault: Vault) -> None:
    before = Path("/dev/null").stat().st_mode
    configure_logging(file=Path("/dev/null"), verbosity=0, vault=vault)
    assert Path("/dev/null").stat().st_mode == before


def test_configuring_again_replaces_and_resetting_restores(tmp_path: Path, vault: Vault) -> None:
    root = logging.getLogger()
    before = (list(root.handlers), root.level)
    configure_logging(file=tmp_path / "one", verbosity=2, vault=vault)
    configure_logging(file=tmp_path / "two", verbosity=0, vault=vault)
    log.warning("once")
    assert [record["message"] for record in written(tmp_path / "two")] == ["once"]
    assert (tmp_path / "one").read_text() == ""
    assert (list(root.handlers), root.level) == before


def test_importing_it_does_not_import_structlog() -> None:
    code = "import sys, backend.log; sys.exit('structlog' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_asyncssh_never_dumps_packets_into_the_log(tmp_path: Path, vault: Vault) -> None:
    from asyncssh.logging import logger as asyncssh_log

    configure_logging(file=tmp_path / "log", verbosity=3, vault=vault)
    asyncssh_log.debug1("named")
    asyncssh_log.debug2("packet with a password")
    assert [record["message"] for record in written(tmp_path / "log")] == ["named"]
