"""How a connection comes about: phases, host keys, logins, and what is known about it afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from backend.connection.connector import Link, Phase, PhaseEvent, PhaseFailed, PhasePassed, PhaseStarted
from backend.connection.interaction import HostKeyDecision, HostKeyState, Interaction, Nobody, SecretKind
from backend.connection.target import HostKeyPolicy, Target
from backend.errors import AuthError, Code, ConnectError, FairleadError, HostKeyError
from mocks.host import HostKey
from tests.support.worlds import CODE, PASSWORD, Person, Rig

ANOTHER_KEY = HostKey("some other machine").public_line


async def connected(rig: Rig, target: Target, person: Interaction) -> None:
    """Connect and part again."""
    link = await rig.connector.connect(target, person, rig.phases.append)
    await link.close()


async def refused(rig: Rig, target: Target, person: Interaction) -> FairleadError:
    """Why no connection comes about."""
    with pytest.raises(FairleadError) as caught:
        await connected(rig, target, person)
    return caught.value


def without_key(rig: Rig, *methods: str, user: str = "") -> Target:
    return rig.as_target(identity_files=(), auth_methods=methods, user=user or rig.hop.user)


def passed(events: Sequence[PhaseEvent]) -> list[Phase]:
    return [event.phase for event in events if isinstance(event, PhasePassed)]


async def test_every_phase_is_told_in_order_when_a_key_logs_in(rig: Rig, link: Link) -> None:
    assert passed(rig.phases) == list(Phase)
    started = [event.phase for event in rig.phases if isinstance(event, PhaseStarted)]
    assert started == list(Phase)
    assert not any(isinstance(event, PhaseFailed) for event in rig.phases)


async def test_phases_bring_their_evidence(rig: Rig, link: Link) -> None:
    seen = {event.phase: event.evidence for event in rig.phases if isinstance(event, PhasePassed)}
    assert "OpenSSH" in seen[Phase.BANNER]["banner"]
    assert {"kex", "cipher", "mac"} <= set(seen[Phase.KEX])
    assert seen[Phase.HOST_KEY]["fingerprint"].startswith("SHA256:")
    assert seen[Phase.AUTH]["method"] == "publickey"


async def test_the_facts_of_a_link_say_who_and_how(rig: Rig, link: Link) -> None:
    facts = link.facts
    assert (facts.host, facts.user, facts.route) == ("server", rig.hop.user, ())
    assert facts.server_version.startswith("OpenSSH_")
    assert facts.address.endswith(f":{rig.hop.port}")
    assert facts.auth_method == "publickey"
    assert facts.auth_detail.startswith("SHA256:")
    assert facts.kex and facts.cipher and facts.host_key.startswith("SHA256:")


async def test_a_known_key_asks_nobody(rig: Rig) -> None:
    person = Person()
    await connected(rig, rig.target, person)
    assert not person.questions and not person.asked and not person.challenges


async def test_an_unknown_key_is_asked_about_and_refusal_ends_it_before_the_login(rig: Rig) -> None:
    person = Person(decision=HostKeyDecision.REFUSE)
    error = await refused(rig, rig.with_known_hosts(""), person)
    assert isinstance(error, HostKeyError) and error.code is Code.HOST_KEY_UNKNOWN
    assert [question.state for question in person.questions] == [HostKeyState.UNKNOWN]
    assert person.questions[0].fingerprint == error.evidence["fingerprint"]
    assert Phase.AUTH not in [event.phase for event in rig.phases]


async def test_a_key_accepted_once_connects_and_is_not_written_down(rig: Rig) -> None:
    target = rig.with_known_hosts("")
    await connected(rig, target, Person(decision=HostKeyDecision.ONCE))
    assert rig.known_hosts_of_test.read_text() == ""
    assert passed(rig.phases) == list(Phase)


async def test_a_key_that_is_remembered_is_known_the_next_time(rig: Rig) -> None:
    target = rig.with_known_hosts("")
    await connected(rig, target, Person(decision=HostKeyDecision.REMEMBER))
    assert rig.host_key in rig.known_hosts_of_test.read_text()
    person = Person()
    await connected(rig, target, person)
    assert not person.questions


async def test_a_changed_key_is_asked_about_with_the_old_one_and_refused(rig: Rig) -> None:
    person = Person(decision=HostKeyDecision.REFUSE)
    error = await refused(rig, rig.with_known_hosts(f"{{name}} {ANOTHER_KEY}\n"), person)
    assert error.code is Code.HOST_KEY_CHANGED
    assert [question.state for question in person.questions] == [HostKeyState.CHANGED]
    assert len(person.questions[0].known) == 1
    assert error.evidence["known"] == person.questions[0].known[0].fingerprint


async def test_a_changed_key_is_never_accepted_by_policy(rig: Rig) -> None:
    target = rig.with_known_hosts(f"{{name}} {ANOTHER_KEY}\n")
    for policy in (HostKeyPolicy.STRICT, HostKeyPolicy.ACCEPT_NEW):
        person = Person(decision=HostKeyDecision.REMEMBER)
        hop = replace(target.host, host_key_policy=policy)
        assert (await refused(rig, Target(target.name, (hop,)), person)).code is Code.HOST_KEY_CHANGED
        assert not person.questions


async def test_a_revoked_key_is_refused_without_a_question(rig: Rig) -> None:
    person = Person(decision=HostKeyDecision.REMEMBER)
    text = f"@revoked * {rig.host_key}\n{{name}} {rig.host_key}\n"
    assert (await refused(rig, rig.with_known_hosts(text), person)).code is Code.HOST_KEY_REVOKED
    assert not person.questions


async def test_accept_new_takes_and_remembers_a_first_key(rig: Rig) -> None:
    target = rig.with_known_hosts("")
    hop = replace(target.host, host_key_policy=HostKeyPolicy.ACCEPT_NEW)
    person = Person()
    await connected(rig, Target(target.name, (hop,)), person)
    assert not person.questions
    assert rig.host_key in rig.known_hosts_of_test.read_text()


async def test_a_wrong_password_is_asked_again_and_then_denied(rig: Rig) -> None:
    person = Person(secrets=["wrong", "wrong too", "still wrong"])
    error = await refused(rig, without_key(rig, "password"), person)
    assert isinstance(error, AuthError) and error.code is Code.AUTH_DENIED
    assert [request.attempt for request in person.asked] == [1, 2, 3]
    assert {request.kind for request in person.asked} == {SecretKind.PASSWORD}
    assert "wrong" not in f"{error.evidence}{error.message}"


async def test_who_declines_is_told_apart_from_a_wrong_password_and_from_nobody_at_all(rig: Rig) -> None:
    declined = await refused(rig, without_key(rig, "password"), Person())
    unattended = await refused(rig, without_key(rig, "password"), Nobody())
    assert (declined.code, unattended.code) == (Code.DECLINED, Code.NEEDS_PERSON)


async def test_no_way_to_log_in_names_what_the_server_offers(rig: Rig) -> None:
    error = await refused(rig, without_key(rig, "publickey"), Person())
    assert error.code is Code.AUTH_NO_METHOD
    assert "publickey" in error.evidence["offered"]


async def test_a_failed_phase_is_told_with_the_error_that_is_raised(rig: Rig) -> None:
    error = await refused(rig, without_key(rig, "publickey"), Person())
    failed = [event for event in rig.phases if isinstance(event, PhaseFailed)]
    assert [(event.phase, event.error) for event in failed] == [(Phase.AUTH, error)]


async def test_errors_are_located(rig: Rig) -> None:
    assert (await refused(rig, without_key(rig, "publickey"), Person())).host == "server"


async def test_connecting_can_be_cancelled_while_a_person_thinks(rig: Rig) -> None:
    asked = asyncio.Event()

    class Slow(Person):
        async def host_key(self, question: object) -> HostKeyDecision:
            asked.set()
            await asyncio.Event().wait()
            return HostKeyDecision.REFUSE

    connecting = asyncio.create_task(connected(rig, rig.with_known_hosts(""), Slow()))
    await asked.wait()
    connecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await connecting


@pytest.mark.parametrize("rig", ["simulated", "served"], indirect=True)
class TestLoginsOfSimulatedAccounts:
    """What an OpenSSH server under test cannot offer: it would need accounts with passwords on this machine."""

    async def test_the_right_password_logs_in(self, rig: Rig) -> None:
        await connected(rig, without_key(rig, "password"), Person(secrets=["wrong", PASSWORD]))

    async def test_several_questions_come_together_and_are_answered_together(self, rig: Rig) -> None:
        person = Person(answers=[(PASSWORD, CODE)])
        await connected(rig, without_key(rig, "keyboard-interactive", user="coded"), person)
        assert [(prompt.text, prompt.echo) for prompt in person.challenges[0].prompts] == [
            ("Password: ", False),
            ("Code: ", True),
        ]

    async def test_a_wrong_code_is_asked_again(self, rig: Rig) -> None:
        person = Person(answers=[(PASSWORD, "000000"), (PASSWORD, CODE)])
        await connected(rig, without_key(rig, "keyboard-interactive", user="coded"), person)
        assert [challenge.attempt for challenge in person.challenges] == [1, 2]

    async def test_an_account_that_does_not_exist_looks_like_a_wrong_password(self, rig: Rig) -> None:
        error = await refused(rig, without_key(rig, "password", user="ghost"), Person(secrets=["x", "y", "z"]))
        assert error.code is Code.AUTH_DENIED


async def test_a_port_where_nothing_listens_refuses(rig: Rig) -> None:
    error = await refused(rig, rig.as_target(port=1), Person())
    assert isinstance(error, ConnectError) and error.code is Code.TCP_REFUSED
