"""Which names mean the same login, and which only seem to."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest

from backend.connection.logins import HopPassword, belongs_to_login, belongs_to_way, login_of, passwords_of
from backend.connection.target import (
    Algorithms,
    Family,
    Hop,
    HostKeyPolicy,
    Keepalive,
    KnownHostsFiles,
    Target,
    Timeouts,
    Workplace,
)
from backend.connection.vault import Secret, Vault
from backend.connection.ways import Proxy, ProxyKind, Tailscale

HOP = Hop("web-1", "web-1.example.net", 22, "deploy", identity_files=(Path("/keys/one"),))
JUMP = Hop("bastion", "192.0.2.1", 22, "deploy")

OF_THE_LOGIN = {
    "address": "web-2.example.net",
    "port": 2222,
    "user": "root",
    "family": Family.IPV6,
    "source_address": "192.0.2.9",
    "host_key_alias": "web",
    "identity_files": (Path("/keys/two"),),
    "certificate_files": (Path("/keys/one-cert.pub"),),
    "identities_named": True,
    "identities_only": True,
    "agent_socket": Path("/run/agent"),
    "auth_methods": ("password",),
    "known_hosts": KnownHostsFiles(user=(Path("/known"),)),
    "host_key_policy": HostKeyPolicy.STRICT,
    "algorithms": Algorithms(ciphers="aes256-ctr"),
    "compression": True,
    "way": Tailscale("web-1"),
}
OF_THE_NAME = {
    "name": "10.0.0.5",
    "timeouts": Timeouts(connect=1),
    "keepalive": Keepalive(interval=60),
    "idle_close": 300.0,
    "source": "~/.ssh/config:7",
    "notes": ("setenv is not followed",),
}


def test_every_field_of_a_hop_is_judged() -> None:
    assert {field.name for field in fields(Hop)} == {*OF_THE_LOGIN, *OF_THE_NAME}


@pytest.mark.parametrize("field", OF_THE_LOGIN)
def test_what_decides_with_whom_is_spoken_and_as_whom_makes_another_login(field: str) -> None:
    other = replace(HOP, **{field: OF_THE_LOGIN[field]})  # type: ignore[arg-type]
    assert login_of(Target("a", (HOP,))) != login_of(Target("b", (other,)))


@pytest.mark.parametrize("field", OF_THE_NAME)
def test_what_is_set_up_for_a_name_alone_does_not(field: str) -> None:
    other = replace(HOP, **{field: OF_THE_NAME[field]})  # type: ignore[arg-type]
    assert login_of(Target("a", (HOP,))) == login_of(Target("b", (other,)))


def test_the_same_machine_behind_another_jump_host_is_another_login() -> None:
    direct, behind = Target("a", (HOP,)), Target("b", (JUMP, HOP))
    elsewhere = Target("c", (replace(JUMP, address="192.0.2.2"), HOP))
    proxied = Target("d", (replace(JUMP, way=Proxy(ProxyKind.SOCKS5, "proxy", 1080)), HOP))
    assert len({login_of(target) for target in (direct, behind, elsewhere, proxied)}) == 4
    assert login_of(behind) == login_of(Target("e", (replace(JUMP, name="jump"), HOP)))


def test_where_work_begins_and_what_the_route_is_called_are_a_names_own() -> None:
    one = Target("a", (HOP,), route="direct")
    other = Target("b", (HOP,), production=True, route="usual", workplace=Workplace("/srv", {"A": "b"}))
    assert login_of(one) == login_of(other)


def test_dns_names_are_the_same_in_upper_and_lower_case() -> None:
    assert login_of(Target("a", (HOP,))) == login_of(Target("b", (replace(HOP, address="WEB-1.example.NET"),)))


# --- what they may know of each other ----------------------------------------------------------------------------


def vault_of(*targets: Target) -> Vault:
    """A vault in which each of them has a password for each hop, root's, and one more, all with the name in it."""
    vault = Vault()
    for target in targets:
        for purpose in (*passwords_of(target.hops), HopPassword(("else", "192.0.2.99", 22, "")), "sudo"):
            vault.put(target.name, purpose, Secret(f"{target.name} {purpose}"))
        vault.join(target.name, login_of(target), belongs_to_login(target.hops))
        for length in range(1, len(target.hops)):
            vault.join(target.name, login_of(target)[:length], belongs_to_way(target.hops[:length]))
    return vault


def test_names_of_one_login_know_its_secrets_and_root_s_but_none_of_another_way() -> None:
    one, other = Target("a", (JUMP, HOP)), Target("b", (JUMP, replace(HOP, name="b")))
    vault = vault_of(one)
    vault.join(other.name, login_of(other), belongs_to_login(other.hops))
    known = {purpose for purpose in (*passwords_of(one.hops), "sudo") if vault.get("b", purpose) is not None}
    assert known == {*passwords_of(one.hops), "sudo"}
    assert vault.get("b", HopPassword(("else", "192.0.2.99", 22, ""))) is None


def test_a_jump_host_and_what_is_behind_it_know_the_jump_host_s_password_alone() -> None:
    gate, behind = Target("gate", (replace(JUMP, name="gate"),)), Target("app", (JUMP, HOP))
    ((of_the_gate,), of_both) = passwords_of(gate.hops), passwords_of(behind.hops)
    (of_the_app,) = of_both - {of_the_gate}
    vault = vault_of(behind)
    vault.join(gate.name, login_of(gate), belongs_to_login(gate.hops))
    assert vault.get("gate", of_the_gate) is not None
    assert (vault.get("gate", of_the_app), vault.get("gate", "sudo")) == (None, None)
    vault.forget("app", in_use=lambda name: name == "gate")
    assert len(vault) == 1
    kept = vault.get("gate", of_the_gate)
    assert kept is not None and kept.reveal().startswith("app ")


def test_the_same_address_behind_another_jump_host_is_told_nothing() -> None:
    one, other = Target("a", (JUMP, HOP)), Target("b", (replace(JUMP, address="192.0.2.2"), HOP))
    vault = vault_of(one)
    vault.join(other.name, login_of(other), belongs_to_login(other.hops))
    vault.join(other.name, login_of(other)[:1], belongs_to_way(other.hops[:1]))
    assert not any(vault.get("b", purpose) for purpose in (*passwords_of(one.hops), *passwords_of(other.hops), "sudo"))
