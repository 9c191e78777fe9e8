"""Certificates: read as ssh-keygen wrote them, and judged by how long they hold."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.health.deep.certificates import Certificate, parse_certificate, read_files
from backend.health.deep.judging import Judge
from backend.health.deep.seen import Seen
from backend.health.deep.thresholds import Thresholds
from backend.health.deep.told import Told
from backend.health.deep.values import Level
from tests.support.openssh import make_key

DAY = 86400.0


def sign(directory: Path, kind: str, *, host: bool = False, valid: str = "20260101000000:20270101000000") -> Path:
    authority = directory / "ca"
    if not authority.exists():
        make_key(authority)
    key = make_key(directory / f"id_{kind}", kind=kind)
    more = ["-h"] if host else []
    command = [
        "ssh-keygen",
        "-q",
        "-s",
        str(authority),
        *more,
        "-I",
        "ada's key",
        "-n",
        "ada",
        "-V",
        valid,
        f"{key}.pub",
    ]
    subprocess.run(command, check=True, capture_output=True, env={"TZ": "UTC", "PATH": "/usr/bin:/bin"})
    return Path(f"{key}-cert.pub")


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
@pytest.mark.parametrize("host", [False, True])
def test_what_ssh_keygen_signs_can_be_read(kind: str, host: bool, tmp_path: Path) -> None:
    path = sign(tmp_path, kind, host=host)
    shown = subprocess.run(
        ["ssh-keygen", "-lf", str(path)[: -len("-cert.pub")]], check=True, capture_output=True, text=True
    )
    found = parse_certificate(path.read_bytes(), "here")
    assert found is not None
    assert (found.is_host, found.key_id) == (host, "ada's key")
    assert found.since == datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    assert found.until == datetime(2027, 1, 1, tzinfo=UTC).timestamp()
    assert found.fingerprint == shown.stdout.split()[1]


def test_one_that_never_runs_out_has_no_end(tmp_path: Path) -> None:
    found = parse_certificate(sign(tmp_path, "ed25519", valid="always:forever").read_bytes(), "here")
    assert found is not None
    assert (found.until, found.life) == (None, None)


def test_files_that_are_none_are_left_out(tmp_path: Path) -> None:
    good, key = sign(tmp_path, "ed25519"), make_key(tmp_path / "other")
    (tmp_path / "rubbish").write_bytes(b"\0\xff" * 5000)
    paths = (tmp_path / "missing", Path(f"{key}.pub"), tmp_path / "rubbish", good, good, tmp_path)
    assert [one.where for one in read_files(paths)] == [str(good)]


@given(st.binary(max_size=300), st.sampled_from([b"ssh-ed25519", b"ssh-rsa", b"sk-ssh-ed25519", b"x"]))
def test_no_bytes_make_it_fail(data: bytes, kind: bytes) -> None:
    import base64

    assert parse_certificate(data, "x") is None
    line = kind + b"-cert-v01@openssh.com " + base64.b64encode(data)
    found = parse_certificate(line, "x")
    assert found is None or isinstance(found, Certificate)


@pytest.mark.parametrize(
    ("life", "left", "level"),
    [
        (365 * DAY, 30 * DAY, Level.OK),
        (365 * DAY, 6 * DAY, Level.WARN),
        (365 * DAY, 0.5 * DAY, Level.CRITICAL),
        (365 * DAY, -DAY, Level.CRITICAL),
        (DAY, 0.5 * DAY, Level.OK),
        (DAY, 0.2 * DAY, Level.WARN),
        (DAY, 0.04 * DAY, Level.CRITICAL),
    ],
)
def test_a_certificate_is_judged_by_its_own_life(life: float, left: float, level: Level) -> None:
    now = 1_800_000_000.0
    one = Certificate("~/.ssh/id-cert.pub", False, "ada", now + left - life, now + left, "SHA256:x")
    found = {each.name: each for each in Judge(Told(), Seen(now=now, certificates=(one,)), Thresholds()).readings()}
    reading = found["certificate.user.seconds_left"]
    assert reading.value == pytest.approx(left)
    assert reading.level is level
    assert ("ran out" if left < 0 else "holds for another") in reading.text


def test_of_several_the_one_that_holds_longest_counts() -> None:
    old, new = (Certificate("f", False, "", 0.0, until, "") for until in (100.0, 100 * DAY))
    found = Judge(Told(), Seen(now=200.0, certificates=(old, new)), Thresholds()).readings()
    assert next(one for one in found if one.name.startswith("certificate")).level is Level.OK


def test_only_the_host_certificate_of_the_key_that_is_shown_counts(tmp_path: Path) -> None:
    path = sign(tmp_path, "ed25519", host=True)
    line = path.read_bytes()
    shown = parse_certificate(line, "x")
    assert shown is not None
    now = datetime(2026, 6, 1, tzinfo=UTC).timestamp()
    told = Told(certificates=[line])
    used = Judge(told, Seen(now=now, host_key=shown.fingerprint), Thresholds()).readings()
    unused = Judge(told, Seen(now=now, host_key="SHA256:another"), Thresholds()).readings()
    assert [one.name for one in used if one.name.startswith("certificate")] == ["certificate.host.seconds_left"]
    assert not [one for one in unused if one.name.startswith("certificate")]
