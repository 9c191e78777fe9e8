"""A passed rung says each fact once."""

from __future__ import annotations

import pytest

from backend.connection.connector import Phase
from backend.diagnostics.summaries import summary_of

LOGIN = {"method": "password", "user": "ops", "tried": "password", "offered": "password"}
KEY = {"algorithm": "ssh-ed25519", "fingerprint": "SHA256:x", "known": "~/.ssh/known_hosts:7"}


@pytest.mark.parametrize(
    ("phase", "evidence", "expected"),
    [
        (Phase.NAME, {"addresses": "192.0.2.7:22, 192.0.2.8:22"}, "192.0.2.7:22, 192.0.2.8:22"),
        (Phase.NAME, {"looked_up_by": "bastion"}, "looked up by bastion"),
        (Phase.NAME, {"proxy": "192.0.2.9:1080"}, "the proxy is 192.0.2.9:1080"),
        (Phase.TCP, {"address": "192.0.2.7:22", "family": "IPv4"}, "192.0.2.7:22, IPv4"),
        (Phase.TCP, {"address": "db:22", "through": "bastion"}, "db:22 through bastion"),
        (Phase.TCP, {"address": "db:22", "proxy": "socks5://p:1080"}, "db:22 through socks5://p:1080"),
        (Phase.TCP, {"program": "nc db 22"}, "by nc db 22"),
        (Phase.BANNER, {"banner": "OpenSSH_9.6"}, "OpenSSH_9.6"),
        (Phase.KEX, {"kex": "curve25519", "cipher": "aes128-gcm", "mac": "implicit"}, "curve25519, aes128-gcm"),
        (Phase.KEX, {"kex": "curve25519", "cipher": "aes128-ctr", "mac": "hmac"}, "curve25519, aes128-ctr, hmac"),
        (Phase.HOST_KEY, KEY, "ssh-ed25519 SHA256:x, known from ~/.ssh/known_hosts:7"),
        (Phase.HOST_KEY, {**KEY, "known": "accepted now"}, "ssh-ed25519 SHA256:x, accepted now"),
        (Phase.AUTH, LOGIN, "ops, by password"),
        (Phase.AUTH, {**LOGIN, "refused_secrets": "1"}, "ops, by password, after 1 refused try"),
        (Phase.AUTH, {**LOGIN, "method": "publickey", "key": "SHA256:k (id)"}, "ops, by publickey SHA256:k (id)"),
        (Phase.AUTH, {}, "by none"),
    ],
)
def test_a_passed_phase_reads_as_distinct_facts(phase: Phase, evidence: dict[str, str], expected: str) -> None:
    assert summary_of(phase, evidence) == expected


def test_every_phase_has_a_summary() -> None:
    assert all(isinstance(summary_of(phase, {}), str) for phase in Phase)


def test_a_jump_host_that_is_up_already_was_not_logged_in_to_by_none() -> None:
    assert summary_of(Phase.AUTH, {"shared": "the connection that is up already"}) == (
        "over the connection that is up already"
    )
