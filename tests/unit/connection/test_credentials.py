"""Which keys are offered, in which order, and what a key file shows before anybody types a passphrase."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.connection.credentials import (
    MOST_OFFERS,
    AgentKey,
    KeyFile,
    KeyProblem,
    Source,
    is_encrypted,
    plan,
    public_half,
    read_key_file,
    read_key_files,
)
from backend.errors import Code
from tests.support.openssh import make_key


def file(name: str, *, certificate: bytes | None = None, private: bytes | None = b"private") -> KeyFile:
    return KeyFile(Path(f"/keys/{name}"), private, name.encode(), encrypted=True, certificate=certificate)


def agent(*names: str) -> list[AgentKey]:
    return [AgentKey(name.encode(), f"{name} of the agent") for name in names]


def order(*files: KeyFile, held: list[AgentKey], named: bool = True, only: bool = False) -> list[tuple[str, Source]]:
    offers = plan(files, held, named=named, only=only).offers
    return [((offer.blob or b"?").decode(), offer.source) for offer in offers]


def test_named_files_go_before_the_agents_other_keys() -> None:
    assert order(file("a"), held=agent("x")) == [("a", Source.FILE), ("x", Source.AGENT)]


def test_default_files_come_after_the_agents_keys() -> None:
    assert order(file("a"), held=agent("x"), named=False) == [("x", Source.AGENT), ("a", Source.FILE)]


def test_a_key_in_a_file_and_in_the_agent_is_offered_once_and_signed_by_the_agent() -> None:
    assert order(file("a"), file("b"), held=agent("x", "b")) == [
        ("a", Source.FILE),
        ("b", Source.AGENT),
        ("x", Source.AGENT),
    ]


def test_identities_only_leaves_the_agents_other_keys_alone() -> None:
    assert order(file("a"), held=agent("x", "a"), only=True) == [("a", Source.AGENT)]
    assert order(held=agent("x"), only=True) == []


def test_a_public_half_alone_counts_only_with_the_agents_private_one() -> None:
    assert order(file("a", private=None), held=agent("a"), only=True) == [("a", Source.AGENT)]
    assert order(file("a", private=None), held=[], only=True) == []


def test_a_certificate_is_offered_before_its_bare_key() -> None:
    offers = plan([file("a", certificate=b"cert")], [], named=True, only=False).offers
    assert [offer.certificate for offer in offers] == [b"cert", None]


@given(st.integers(0, 12), st.integers(0, 12), st.booleans())
def test_never_more_keys_than_a_server_stands_and_the_rest_is_counted(files: int, held: int, named: bool) -> None:
    planned = plan(
        [file(f"f{n}") for n in range(files)], agent(*(f"a{n}" for n in range(held))), named=named, only=False
    )
    assert len(planned.offers) == min(files + held, MOST_OFFERS)
    assert len(planned.offers) + len(planned.left_out) == files + held


@pytest.mark.parametrize("form", ["", "PEM", "PKCS8"])
@pytest.mark.parametrize("passphrase", ["", "correct horse"])
def test_encryption_is_seen_in_every_format(tmp_path: Path, form: str, passphrase: str) -> None:
    path = make_key(tmp_path / "key", kind="rsa", bits=2048, form=form, passphrase=passphrase)
    assert is_encrypted(path.read_bytes()) is bool(passphrase)
    read = read_key_file(path)
    assert isinstance(read, KeyFile)
    assert read.encrypted is bool(passphrase)
    assert read.public == base64.b64decode(path.with_name("key.pub").read_text().split()[1])


def test_an_encrypted_openssh_key_shows_its_public_half_without_the_passphrase(tmp_path: Path) -> None:
    path = make_key(tmp_path / "key", passphrase="secret")
    shown = base64.b64decode((tmp_path / "key.pub").read_text().split()[1])
    (tmp_path / "key.pub").unlink()
    assert public_half(path.read_bytes()) == shown


def test_the_certificate_beside_a_key_is_taken_along(tmp_path: Path) -> None:
    authority, path = make_key(tmp_path / "ca"), make_key(tmp_path / "key")
    subprocess.run(
        ["ssh-keygen", "-q", "-s", str(authority), "-I", "me", "-n", "root", str(path.with_name("key.pub"))],
        check=True,
        capture_output=True,
    )
    read = read_key_file(path)
    assert isinstance(read, KeyFile)
    assert read.certificate == (tmp_path / "key-cert.pub").read_bytes()


@pytest.mark.parametrize(("mode", "usable"), [(0o600, True), (0o400, True), (0o640, False), (0o604, False)])
def test_a_key_that_others_may_read_is_not_used(tmp_path: Path, mode: int, usable: bool) -> None:
    path = make_key(tmp_path / "key")
    path.chmod(mode)
    read = read_key_file(path)
    assert isinstance(read, KeyFile) is usable
    if isinstance(read, KeyProblem):
        assert read.code is Code.AUTH_KEY_PERMISSIONS
        assert read.evidence["mode"] == f"{mode:04o}"


def test_only_a_named_file_that_is_missing_is_a_problem(tmp_path: Path) -> None:
    assert read_key_files([tmp_path / "none"], named=False) == ((), ())
    _, problems = read_key_files([tmp_path / "none"], named=True)
    assert [problem.code for problem in problems] == [Code.AUTH_KEY_MISSING]


@pytest.mark.parametrize("content", [b"", b"hello", b"\x00\xff" * 50, b"-----BEGIN CERTIFICATE-----\nAA\n"])
def test_a_file_without_a_key_is_a_problem(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key").write_bytes(content)
    read = read_key_file(tmp_path / "key")
    assert isinstance(read, KeyProblem)
    assert read.code is Code.AUTH_KEY_UNREADABLE


def test_a_directory_in_place_of_a_key_is_a_problem(tmp_path: Path) -> None:
    read = read_key_file(tmp_path)
    assert isinstance(read, KeyProblem)
    assert read.code is Code.AUTH_KEY_UNREADABLE


@given(st.binary(max_size=300))
def test_no_key_file_whatever_it_holds_stops_the_reader(raw: bytes) -> None:
    for content in (raw, b"-----BEGIN OPENSSH PRIVATE KEY-----\n" + raw + b"\n-----END"):
        is_encrypted(content)
        public_half(content)


def test_the_private_half_is_not_in_the_repr() -> None:
    assert "private" not in repr(file("a"))
