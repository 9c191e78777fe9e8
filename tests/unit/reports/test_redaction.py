"""What looks like a secret is taken out and counted; what is none stays."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.connection.seen import Seen
from backend.connection.vault import Secret, Vault
from backend.reports.redaction import Redactor

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\nAAAA\n-----END OPENSSH PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"a\n{KEY}\nz", "a\n•••\nz"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE", "•••"),
        ("https://mara:hunter2@proxy:3128/x", "https://mara:•••@proxy:3128/x"),
        ("socks5://u:p%40ss@h", "socks5://u:•••@h"),
        ("Authorization: Basic bWFyYTpodW50ZXIy", "Authorization: •••"),
        ("curl -H 'Authorization: Bearer abc.def'", "curl -H 'Authorization: •••'"),
        ("sent Bearer abcdefgh1234", "sent Bearer •••"),
        ("DB_PASSWORD=hunter2 run", "DB_PASSWORD=••• run"),
        ("token: 'a b c' next", "token: ••• next"),
        ('{"api_key": "xyz"}', '{"api_key": •••}'),
        ("tool --password hunter2 -v", "tool --password ••• -v"),
        ("mysql -u root -phunter2 db", "mysql -u root -p••• db"),
        ("sshpass -p hunter2 ssh %h", "sshpass -p ••• ssh %h"),
        ("curl -u mara:hunter2 https://x", "curl -u mara:••• https://x"),
        ("sk-proj-0123456789abcdefghij", "•••"),
        ("ghp_0123456789abcdefghijABCDEFGHIJ012345", "•••"),
        ("x eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0 y", "x ••• y"),
        ("verification code: 735192", "verification code: •••"),
    ],
)
def test_what_looks_like_a_secret_is_taken_out(text: str, left: str) -> None:
    redactor = Redactor(Vault())
    assert redactor.text(text) == left
    assert redactor.counts.total() == 1


@pytest.mark.parametrize(
    "text",
    [
        "publickey,password",
        "by password",
        "SHA256:9fQ0vWkVdD8bLq0e2xYhZt1uT6nS3mC5rP7aB4jK2wE",
        "ssh -p 2222 host",
        "exit code 1000",
        "exit code 1000000",
        "https://proxy:3128/",
        "git@host:repo",
        "password: false",
        "The password of deploy has expired.",
        "ssh-keygen -R 'edge-3.example' -f ~/.ssh/known_hosts",
        "sk-ssh-ed25519-cert-v01@openssh.com,sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
        "gssapikeyexchange: left out",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    redactor = Redactor(Vault())
    assert redactor.text(text) == text
    assert not redactor.counts


def test_values_go_by_their_names() -> None:
    redactor = Redactor(Vault())
    told = {"env": {"API_TOKEN": "abc", "EDITOR": "vim"}, "password": False, "refused_secrets": "2", "list": ["a=b"]}
    left = {**told, "env": {"API_TOKEN": "•••", "EDITOR": "vim"}}
    assert redactor.value(told) == left


def test_what_was_learnt_goes_wherever_it_stands() -> None:
    redactor = Redactor(Vault())
    redactor.learn("zebra-7")
    assert redactor.text("a zebra-7 b") == "a ••• b"
    assert redactor.counts == {"secret of the configuration": 1}


@given(st.text(min_size=8, max_size=30), st.text(max_size=20), st.text(max_size=20))
def test_a_secret_that_is_wiped_long_since_is_recognised_in_every_form(secret: str, before: str, after: str) -> None:
    vault = Vault()
    vault.put("web-1", "password", Secret(secret))
    vault.forget("web-1")
    raw = secret.encode()
    forms = [secret, repr(secret)[1:-1], quote(raw, safe=""), raw.hex()]
    for form in forms:
        left, count = vault.cover_seen(f"{before}{form}{after}")
        assert form not in left
        assert count >= 1
    for shift in range(3):
        encoded = base64.b64encode(b"x" * shift + raw + b"yy").decode()
        assert vault.cover_seen(encoded)[1] >= 1


def test_it_is_recognised_but_not_kept() -> None:
    seen = Seen()
    seen.remember("correct horse")
    assert "correct horse" not in repr(vars(seen))
    assert seen.cover("a correct horse b", "•") == ("a • b", 1)
    seen.forget()
    assert seen.cover("correct horse", "•") == ("correct horse", 0)


def test_short_answers_are_left_alone() -> None:
    seen = Seen()
    seen.remember("yes")
    assert seen.cover("yes", "•") == ("yes", 0)


@pytest.mark.parametrize("piece", ["--pass", "a-", "password", "a.", "eyJ-", "mysql -", "curl -u =", "mariadb-"])
def test_what_a_host_repeats_for_long_is_read_in_one_go(piece: str) -> None:
    """Most of these take minutes where every way to divide them is tried."""
    text = piece * (30_000 // len(piece)) + " "
    redactor = Redactor(Vault())
    assert redactor.text(text) == text
    assert not redactor.counts
