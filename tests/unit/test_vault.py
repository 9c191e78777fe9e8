"""Secrets in memory: never shown, copied in, wiped on demand."""

from __future__ import annotations

import copy
import pickle
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.connection.vault import Secret, Vault

PLANTED = "correct horse battery staple"


@given(st.text())
def test_a_secret_gives_back_exactly_what_was_put_in(text: str) -> None:
    encodable = text.encode("utf-8", "replace").decode("utf-8")
    assert Secret(encodable).reveal() == encodable


def test_undecodable_bytes_survive_a_secret() -> None:
    raw = b"\xff\xfepass".decode("utf-8", "surrogateescape")
    assert Secret(raw).reveal() == raw


def test_a_secret_is_not_shown_by_anything_that_shows_objects() -> None:
    secret = Secret(PLANTED)
    vault = Vault()
    vault.put("web-1", "password", secret)
    shown = [repr(secret), str(secret), f"{secret}", f"{secret!r:>40}", repr([secret]), repr({1: secret}), repr(vault)]
    assert not [text for text in shown if "horse" in text]


def test_a_secret_is_not_in_a_traceback_that_shows_locals() -> None:
    def fail(secret: Secret) -> None:
        raise ValueError("oops")

    try:
        fail(Secret(PLANTED))
    except ValueError as error:
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
        assert PLANTED not in "".join(told.format())


def test_a_secret_is_neither_stored_nor_sent() -> None:
    with pytest.raises(TypeError, match="not stored"):
        pickle.dumps(Secret(PLANTED))
    with pytest.raises(TypeError, match="not stored"):
        copy.deepcopy(Secret(PLANTED))


def test_wiping_overwrites_the_bytes_themselves() -> None:
    secret = Secret(PLANTED)
    raw = secret._raw
    assert raw.decode() == PLANTED
    secret.wipe()
    assert raw == bytearray()
    assert not secret
    assert secret.reveal() == ""


def test_an_empty_secret_is_false_and_another_is_true() -> None:
    assert not Secret("")
    assert Secret("x")


def test_the_vault_keeps_a_copy_of_its_own() -> None:
    vault, secret = Vault(), Secret(PLANTED)
    vault.put("web-1", "password", secret)
    secret.wipe()
    kept = vault.get("web-1", "password")
    assert kept is not None
    assert kept.reveal() == PLANTED


def test_a_new_secret_for_the_same_purpose_wipes_the_old_one() -> None:
    vault = Vault()
    vault.put("web-1", "password", Secret("old"))
    old = vault.get("web-1", "password")
    vault.put("web-1", "password", Secret("new"))
    assert old is not None
    assert not old
    assert len(vault) == 1


def test_forgetting_a_host_wipes_its_secrets_and_no_others() -> None:
    vault = Vault()
    vault.put("web-1", "password", Secret("a"))
    vault.put("web-1", ("passphrase", "~/key"), Secret("b"))
    vault.put("web-2", "password", Secret("c"))
    kept = [vault.get("web-1", "password"), vault.get("web-1", ("passphrase", "~/key"))]
    vault.forget("web-1")
    vault.forget("nobody")
    assert all(secret is not None and not secret for secret in kept)
    assert vault.get("web-1", "password") is None
    assert len(vault) == 1


def test_forgetting_one_secret_leaves_the_hosts_others() -> None:
    vault = Vault()
    vault.put("web-1", "password", Secret("a"))
    vault.put("web-1", "code", Secret("b"))
    vault.forget_one("web-1", "code")
    vault.forget_one("web-1", "code")
    assert vault.get("web-1", "code") is None
    assert vault.get("web-1", "password") is not None


def test_wiping_the_vault_leaves_nothing() -> None:
    vault = Vault()
    vault.put("web-1", "password", Secret(PLANTED))
    kept = vault.get("web-1", "password")
    vault.wipe()
    assert len(vault) == 0
    assert kept is not None
    assert not kept


@pytest.mark.parametrize("in_use", [False, True])
def test_what_was_lent_goes_at_the_end_and_what_was_there_before_stays(in_use: bool) -> None:
    vault = Vault()
    vault.put("web-1", "passphrase", Secret("before"))
    with vault.lent("web-1", in_use=lambda: in_use):
        vault.put("web-1", "password", Secret(PLANTED))
        vault.put("db-2", "password", Secret("another host's"))
    assert (vault.get("web-1", "password") is not None) is in_use
    assert vault.get("web-1", "passphrase") is not None
    assert vault.get("db-2", "password") is not None
