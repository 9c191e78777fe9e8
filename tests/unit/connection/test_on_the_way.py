"""Whoever is asked on the way to a host is told which host that is."""

from __future__ import annotations

from backend.connection.interaction import (
    Challenge,
    HostKeyDecision,
    HostKeyQuestion,
    HostKeyState,
    SecretKind,
    SecretRequest,
)
from backend.connection.on_the_way import OnTheWay
from backend.connection.target import Hop, Target
from tests.support.person import Person

WAY = Target("db-2", (Hop("bastion", "192.0.2.1", 22, "jump"), Hop("db-2", "10.0.0.2", 22, "dba")))


def key_of(host: str) -> HostKeyQuestion:
    return HostKeyQuestion(host, host, HostKeyState.UNKNOWN, "ssh-ed25519", "SHA256:x", "")


def leads_to(somebody: Person) -> list[str]:
    """What each question said about where it leads."""
    requests = [request.on_the_way_to for request in somebody.secrets]
    challenges = [challenge.on_the_way_to for challenge in somebody.challenges]
    return [*requests, *challenges, *(question.on_the_way_to for question in somebody.questions)]


async def test_a_jump_hosts_questions_name_the_host_behind_it() -> None:
    somebody = Person(passwords=["one"], answers=[["two"]], host_keys=[HostKeyDecision.ONCE])
    asked = OnTheWay(somebody, WAY)
    await asked.secret(SecretRequest(SecretKind.PASSWORD, "bastion", "jump", is_target=False))
    await asked.challenge(Challenge("bastion", "jump", "", "", (), is_target=False))
    await asked.host_key(key_of("bastion"))
    assert leads_to(somebody) == ["db-2"] * 3


async def test_the_hosts_own_questions_name_nobody_else() -> None:
    somebody = Person(passwords=["one"], host_keys=[HostKeyDecision.ONCE])
    asked = OnTheWay(somebody, WAY)
    await asked.secret(SecretRequest(SecretKind.PASSWORD, "db-2", "dba"))
    await asked.challenge(Challenge("db-2", "dba", "", "", ()))
    await asked.host_key(key_of("db-2"))
    assert leads_to(somebody) == [""] * 3
