"""Many hosts ask: one question at a time, the same one once, one password for all where the person says so."""

from __future__ import annotations

import asyncio

from backend.commands.many.asking import ELEVATION, LOGIN, AskedOnce, Crowd
from backend.connection.interaction import (
    Challenge,
    Confirmation,
    HostKeyDecision,
    HostKeyQuestion,
    HostKeyState,
    Prompt,
    SecretKind,
    SecretRequest,
)
from backend.connection.vault import Secret
from tests.support.person import Person
from tests.support.waiting import until

HOSTS = tuple(f"h{number}" for number in range(10))


class Agreeing(Person):
    """A person who says yes, or no, to one password for all."""

    def __init__(self, *, agrees: bool = True, **answers: object) -> None:
        super().__init__(**answers)  # type: ignore[arg-type]
        self.agrees = agrees
        self.confirmed: list[Confirmation] = []

    async def confirm(self, question: Confirmation) -> bool:
        self.confirmed.append(question)
        return self.agrees


async def _log_in(asked: AskedOnce, crowd: Crowd, host: str, right: str, given: dict[str, list[str | None]]) -> bool:
    """As a login does: ask until the password is right, three times at most."""
    for attempt in (1, 2, 3):
        secret = await asked.secret(SecretRequest(SecretKind.PASSWORD, host, "mara", attempt=attempt))
        text = None if secret is None else secret.reveal()
        given.setdefault(host, []).append(text)
        if text is None:
            break
        await asyncio.sleep(0)
        if text == right:
            crowd.came_to(host, let_in=True)
            return True
    crowd.came_to(host, let_in=False)
    return False


async def _all_log_in(person: Person, right: str = "right", **options: bool) -> dict[str, list[str | None]]:
    asked = AskedOnce(person)
    given: dict[str, list[str | None]] = {}
    with asked.for_all(HOSTS, **options) as crowd:
        await asyncio.gather(*(_log_in(asked, crowd, host, right, given) for host in HOSTS))
    return given


async def test_one_password_serves_all_when_the_person_says_so() -> None:
    person = Agreeing(passwords=["right"])
    given = await _all_log_in(person)
    assert given == {host: ["right"] for host in HOSTS}
    assert (len(person.secrets), len(person.confirmed)) == (1, 1)
    assert "9 hosts" in person.confirmed[0].detail


async def test_a_wrong_password_is_tried_on_one_host_only() -> None:
    person = Agreeing(passwords=["wrong", "right"])
    given = await _all_log_in(person)
    assert given.pop("h0") == ["wrong", "right"]
    assert all(texts == ["right"] for texts in given.values())
    assert len(person.secrets) == 2


async def test_without_a_yes_each_host_is_asked_about_alone() -> None:
    person = Agreeing(agrees=False, passwords=["right"] * 10)
    assert all(texts == ["right"] for texts in (await _all_log_in(person)).values())
    assert (len(person.secrets), len(person.confirmed)) == (10, 1)


async def test_who_declines_once_is_not_asked_again_for_that_user() -> None:
    person = Agreeing(passwords=[])
    assert all(texts == [None] for texts in (await _all_log_in(person)).values())
    assert len(person.secrets) == 1


async def test_a_password_given_for_all_beforehand_needs_no_yes() -> None:
    person = Person(passwords=["right"])
    given = await _all_log_in(person, agreed=True)
    assert given == {host: ["right"] for host in HOSTS}


async def test_a_host_with_another_password_is_asked_about_alone() -> None:
    person = Agreeing(passwords=["right", "other"])
    asked = AskedOnce(person)
    given: dict[str, list[str | None]] = {}
    with asked.for_all(HOSTS) as crowd:
        await _log_in(asked, crowd, "h0", "right", given)
        assert await _log_in(asked, crowd, "h1", "other", given)
        assert await _log_in(asked, crowd, "h2", "right", given)
    assert given == {"h0": ["right"], "h1": ["right", "other"], "h2": ["right"]}


async def test_the_password_is_wiped_when_the_run_is_over() -> None:
    person = Agreeing(passwords=["right", "again"])
    asked = AskedOnce(person)
    with asked.for_all(HOSTS) as crowd:
        await _log_in(asked, crowd, "h0", "right", {})
    secret = await asked.secret(SecretRequest(SecretKind.PASSWORD, "h1", "mara"))
    assert secret is not None
    assert secret.reveal() == "again"


async def test_pams_password_question_is_the_same_question() -> None:
    person = Agreeing(answers=[("right",)])
    asked = AskedOnce(person)
    with asked.for_all(HOSTS) as crowd:
        first = await asked.challenge(_pam("h0"))
        crowd.came_to("h0", let_in=True)
        second = await asked.challenge(_pam("h1"))
    assert _texts(first) == _texts(second) == ["right"]
    assert len(person.challenges) == 1


async def test_a_one_time_code_is_asked_for_at_each_host() -> None:
    person = Agreeing(answers=[("111",), ("222",)])
    asked = AskedOnce(person)
    with asked.for_all(HOSTS):
        codes = [_texts(await asked.challenge(_pam(host, "Verification code: "))) for host in ("h0", "h1")]
    assert codes == [["111"], ["222"]]


async def test_a_jump_hosts_password_and_that_of_others_are_not_mixed_in() -> None:
    person = Agreeing(passwords=["jump", "elsewhere"])
    asked = AskedOnce(person)
    with asked.for_all(HOSTS):
        jump = await asked.secret(SecretRequest(SecretKind.PASSWORD, "h0", "mara", is_target=False))
        other = await asked.secret(SecretRequest(SecretKind.PASSWORD, "other", "mara"))
    assert jump is not None
    assert other is not None
    assert (jump.reveal(), other.reveal(), person.confirmed) == ("jump", "elsewhere", [])


async def test_the_key_of_a_jump_host_of_all_is_asked_about_once() -> None:
    person = Person(host_keys=[HostKeyDecision.ONCE], thinks=0.001)
    asked = AskedOnce(person)
    with asked.for_all(HOSTS):
        answers = await asyncio.gather(*(asked.host_key(_key("bastion", to=host)) for host in HOSTS))
    assert set(answers) == {HostKeyDecision.ONCE}
    assert len(person.questions) == 1


async def test_waiting_for_the_first_login_can_be_given_up() -> None:
    asked = AskedOnce(Agreeing(passwords=["right", "second"]))
    with asked.for_all(HOSTS) as crowd:
        await asked.secret(SecretRequest(SecretKind.PASSWORD, "h0", "mara"))
        waiting = asyncio.create_task(asked.secret(SecretRequest(SecretKind.PASSWORD, "h1", "mara")))
        await asyncio.sleep(0)
        waiting.cancel()
        await until(waiting.done)
        crowd.came_to("h0", let_in=True)
        secret = await asked.secret(SecretRequest(SecretKind.PASSWORD, "h2", "mara"))
    assert secret is not None
    assert secret.reveal() == "right"


def _texts(answers: tuple[Secret, ...] | None) -> list[str]:
    return [answer.reveal() for answer in answers or ()]


def _pam(host: str, text: str = "Password: ") -> Challenge:
    return Challenge(host, "mara", "", "", (Prompt(text, echo=False),))


def _key(host: str, *, to: str) -> HostKeyQuestion:
    return HostKeyQuestion(host, host, HostKeyState.UNKNOWN, "ssh-ed25519", "SHA256:abc", "", on_the_way_to=to)


async def test_the_password_for_sudo_is_another_one_and_is_asked_for_once_as_well() -> None:
    person = Agreeing(passwords=["login"], passphrases=["sudo's"])
    asked = AskedOnce(person)
    got: list[str | None] = []
    with asked.for_all(HOSTS) as crowd:
        for host in HOSTS[:3]:
            for kind, kinds in ((SecretKind.PASSWORD, LOGIN), (SecretKind.SUDO, ELEVATION)):
                secret = await asked.secret(SecretRequest(kind, host, "mara"))
                got.append(None if secret is None else secret.reveal())
                crowd.came_to(host, let_in=True, kinds=kinds)
    assert got == ["login", "sudo's"] * 3
    assert (len(person.secrets), len(person.confirmed)) == (2, 2)


async def test_being_logged_in_does_not_prove_the_password_for_sudo() -> None:
    person = Agreeing(passphrases=["wrong", "right"])
    asked = AskedOnce(person)
    with asked.for_all(HOSTS) as crowd:
        await asked.secret(SecretRequest(SecretKind.SUDO, "h0", "mara"))
        crowd.came_to("h0", let_in=True, kinds=LOGIN)
        waiting = asyncio.create_task(asked.secret(SecretRequest(SecretKind.SUDO, "h1", "mara")))
        await asked.secret(SecretRequest(SecretKind.SUDO, "h0", "mara", attempt=2))
        crowd.came_to("h0", let_in=True, kinds=ELEVATION)
        secret = await waiting
    assert secret is not None
    assert secret.reveal() == "right"
