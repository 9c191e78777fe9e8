"""`fairlead diagnose` from outside: for every fault its code, its exit status, and JSON of the documented form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from backend.errors import FairleadError
from cli.statuses import status_of
from tests.support.faulty import FAULTS, FOR_PEOPLE, NAME, Fault
from tests.support.program import Program, Ran

pytestmark = pytest.mark.sshd


def diagnose(fault: Fault, home: Path, *more: str) -> Ran:
    """Diagnose the faulty host as a script would: nobody is asked, and a password comes on stdin."""
    home.mkdir(exist_ok=True)
    (home / "ssh_config").write_text(fault.ssh_config)
    (home / "config.toml").write_text(fault.settings)
    files = ("-F", str(home / "ssh_config"), "--config", str(home / "config.toml"))
    secret = ("--password-stdin", f"{fault.secret}\n".encode()) if fault.secret else ("--batch", b"")
    program = Program(home, env=dict(fault.environ))
    return program.run(*files, "diagnose", NAME, secret[0], *more, stdin=secret[1])


def from_outside(name: str, directory: Path) -> tuple[Fault, Ran]:
    with FAULTS[name](directory / "fault") as fault:
        verify = ("--verify",) if fault.check is not None else ()
        return fault, diagnose(fault, directory / "home", "--json", *verify)


@pytest.mark.parametrize("name", [name for name in FAULTS if name not in FOR_PEOPLE])
def test_the_code_the_rung_and_the_exit_status_name_the_fault(name: str, tmp_path: Path) -> None:
    fault, ran = from_outside(name, tmp_path)
    told: dict[str, Any] = json.loads(ran.out)
    assert fault.code is not None
    assert b"Traceback" not in ran.err
    if fault.check is not None:
        assert (told["verdict"], told["code"]) == ("ok", None), ran.err
        assert next(check["code"] for check in told["verify"] if check["code"]) == fault.code.value
        return
    broken = fault.rung.value if fault.verdict == "failed" and fault.rung is not None else None
    assert (told["verdict"], told["failed_rung"], told["code"]) == (fault.verdict, broken, fault.code.value), ran.err
    assert ran.status == (0 if fault.verdict == "warn" else status_of(FairleadError(fault.code)))
    rung = next(one for one in told["rungs"] if one["code"] == fault.code.value)
    assert rung["advice"]
    assert rung["hop"] == fault.place
    assert all(set(one) >= {"id", "status", "code", "ms", "evidence", "advice"} for one in told["rungs"])


def test_a_person_reads_the_sentence_the_evidence_and_the_next_step(tmp_path: Path) -> None:
    with FAULTS["open_key_file"](tmp_path / "fault") as fault:
        ran = diagnose(fault, tmp_path / "home")
    shown = (ran.out + ran.err).decode()
    assert "may be read by others" in shown
    assert "chmod 600" in shown


def test_a_wrong_password_is_nowhere_in_what_is_printed_or_kept(tmp_path: Path) -> None:
    with FAULTS["wrong_password"](tmp_path / "fault") as fault:
        ran = diagnose(fault, tmp_path / "home", "--json", "-vvv", "--log-file", str(tmp_path / "log"))
    kept = [path.read_bytes() for path in (tmp_path / "home").rglob("*") if path.is_file()]
    everything = b"".join([ran.out, ran.err, (tmp_path / "log").read_bytes(), *kept])
    assert (tmp_path / "log").stat().st_size > 0
    assert fault.secret.encode() not in everything
