"""Questions as a person sees them on the terminal, and who gets the password of --password-stdin."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Iterator
from io import StringIO
from typing import TypeVar

import pytest

from backend.connection.interaction import (
    Challenge,
    Confirmation,
    HostKeyDecision,
    HostKeyQuestion,
    HostKeyState,
    KnownKey,
    Nobody,
    Prompt,
    SecretKind,
    SecretRequest,
)
from backend.connection.vault import Secret
from backend.errors import Code, ConfigError
from cli.flags import GlobalFlags
from cli.interaction import FirstLineOfStdin, TerminalInteraction, interaction_for, read_password
from cli.narration import Narration
from cli.terminal import Terminal
from tests.support.person import Person
from tests.unit.cli.ttys import Tty, open_tty

T = TypeVar("T")

NEW = "SHA256:lN87giqFwHCe+lnfEp8hf1lKhgX+5mnHUcP6GAg6BeE"
OLD = "SHA256:8Tn0zPgTqjtlRmT6VL9GSs+8sxOct+17ZXPp61i9v6c"


@pytest.fixture
def tty() -> Iterator[Tty]:
    with open_tty() as opened:
        yield opened


def _person(tty: Tty) -> TerminalInteraction:
    return TerminalInteraction(Terminal(tty.program), Narration(StringIO()))


async def _answered(tty: Tty, question: Awaitable[T], *lines: str) -> tuple[T, str]:
    """The answer, each line typed once it is asked for, and what was on the screen."""
    asking = asyncio.ensure_future(question)
    shown = ""
    for line in lines:
        before = len(shown)
        while not asking.done() and not shown[before:].endswith(" "):
            await asyncio.sleep(0)
            shown += tty.screen(within=0.0)
        tty.type(f"{line}\n")
    answer = await asking
    return answer, (shown + tty.screen()).replace("\r\n", "\n")


def _key(state: HostKeyState, *, can_remember: bool = True) -> HostKeyQuestion:
    return HostKeyQuestion(
        host="web-1",
        address="[10.0.4.7]:2222",
        state=state,
        algorithm="ssh-ed25519",
        fingerprint=NEW,
        randomart="+--[ED25519 256]--+\n|      .o+.       |\n+----[SHA256]-----+",
        known=(KnownKey("ssh-ed25519", OLD, "~/.ssh/known_hosts:7", "March"),),
        looked_in=("~/.ssh/known_hosts",),
        can_remember=can_remember,
    )


# --- secrets and challenges --------------------------------------------------------------------------------------


async def test_a_password_is_asked_for_by_user_and_host_and_not_shown(tty: Tty) -> None:
    request = SecretRequest(SecretKind.PASSWORD, "web-1", "deploy")
    secret, screen = await _answered(tty, _person(tty).secret(request), "hunter2")
    assert secret is not None
    assert secret.reveal() == "hunter2"
    assert "Password of deploy on web-1: " in screen


async def test_a_second_attempt_says_that_the_first_was_wrong(tty: Tty) -> None:
    request = SecretRequest(SecretKind.PASSPHRASE, "web-1", "deploy", "~/.ssh/id_ed25519", attempt=2)
    _, screen = await _answered(tty, _person(tty).secret(request), "x")
    assert "not accepted" in screen
    assert "Passphrase of the key ~/.ssh/id_ed25519: " in screen


async def test_the_end_of_input_declines(tty: Tty) -> None:
    asking = asyncio.create_task(_person(tty).secret(SecretRequest(SecretKind.PASSWORD, "web-1", "deploy")))
    tty.type("\x04")
    assert await asking is None


async def test_a_servers_questions_are_marked_as_the_servers_words(tty: Tty) -> None:
    prompts = (Prompt("Password:", echo=False), Prompt("Token:", echo=True))
    challenge = Challenge("web-1", "deploy", "Second factor", "Open the app.\nThen type.", prompts)
    answers, screen = await _answered(tty, _person(tty).challenge(challenge), "secret", "123456")
    assert answers is not None
    assert [answer.reveal() for answer in answers] == ["secret", "123456"]
    head = "┌ web-1 asks (logging in as deploy):\n│ Second factor\n│ Open the app.\n│ Then type.\n"
    assert head in screen
    assert "│ Password: " in screen


async def test_questions_that_come_again_say_that_the_login_was_not_accepted(tty: Tty) -> None:
    challenge = Challenge("gate", "mara", "", "", (Prompt("Code:", echo=True),), attempt=2, on_the_way_to="app")
    _, screen = await _answered(tty, _person(tty).challenge(challenge), "1")
    assert "The login was not accepted; once more." in screen
    assert "┌ gate asks (logging in as mara, on the way to app):" in screen


async def test_a_server_cannot_leave_its_box_or_draw_on_the_screen(tty: Tty) -> None:
    nasty = "\x1b[2J\r\n$ rm -rf /\x07"
    challenge = Challenge("web-1", "deploy", nasty, "", (Prompt("fairlead: your\nkey? ", echo=True),))
    _, screen = await _answered(tty, _person(tty).challenge(challenge), "")
    assert "\x1b" not in screen
    assert "\n$ rm" not in screen
    assert "│ fairlead: your key?" in screen


async def test_a_challenge_without_questions_is_shown_and_answered_with_nothing(tty: Tty) -> None:
    answers, screen = await _answered(tty, _person(tty).challenge(Challenge("web-1", "me", "", "Maintenance.", ())))
    assert answers == ()
    assert "│ Maintenance.\n" in screen


async def test_questions_come_one_at_a_time(tty: Tty) -> None:
    person = _person(tty)
    first = asyncio.create_task(person.secret(SecretRequest(SecretKind.PASSWORD, "web-1", "a")))
    second = asyncio.create_task(person.secret(SecretRequest(SecretKind.PASSWORD, "web-2", "b")))
    await asyncio.sleep(0)
    assert "web-2" not in tty.screen()
    tty.type("one\ntwo\n")
    answers = [await first, await second]
    assert [answer.reveal() for answer in answers if answer] == ["one", "two"]


async def test_a_banner_is_shown_as_the_servers_words(tty: Tty) -> None:
    _person(tty).announce("web-1", "Welcome.\n\x1b[31mRed\n")
    assert tty.screen().replace("\r\n", "\n").startswith("┌ web-1 says:\n│ Welcome.\n│ ")


# --- host keys and confirmations ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "decision"),
    [
        ("y", HostKeyDecision.REMEMBER),
        ("YES", HostKeyDecision.REMEMBER),
        ("once", HostKeyDecision.ONCE),
        ("no", HostKeyDecision.REFUSE),
        ("", HostKeyDecision.REFUSE),
        ("maybe", HostKeyDecision.REFUSE),
    ],
)
async def test_an_unknown_key_is_trusted_only_by_a_clear_answer(
    typed: str, decision: HostKeyDecision, tty: Tty
) -> None:
    answer, screen = await _answered(tty, _person(tty).host_key(_key(HostKeyState.UNKNOWN)), typed)
    assert answer is decision
    assert all(part in screen for part in (NEW, "[10.0.4.7]:2222", "~/.ssh/known_hosts", "|      .o+.       |"))


async def test_a_key_that_cannot_be_remembered_is_not_offered_to_be(tty: Tty) -> None:
    question = _key(HostKeyState.UNKNOWN, can_remember=False)
    answer, screen = await _answered(tty, _person(tty).host_key(question), "y")
    assert answer is HostKeyDecision.REFUSE
    assert "remember" not in screen


@pytest.mark.parametrize("typed", ["y", "yes", "once", "", OLD[-8:], NEW[-7:]])
async def test_a_changed_key_has_no_easy_yes(typed: str, tty: Tty) -> None:
    answer, screen = await _answered(tty, _person(tty).host_key(_key(HostKeyState.CHANGED)), typed)
    assert answer is HostKeyDecision.REFUSE
    assert all(part in screen for part in ("HAS CHANGED", NEW, OLD, "since March", "Not connected."))


async def test_a_changed_key_is_accepted_once_when_its_end_is_typed_back(tty: Tty) -> None:
    answer, _ = await _answered(tty, _person(tty).host_key(_key(HostKeyState.CHANGED)), NEW[-8:])
    assert answer is HostKeyDecision.ONCE


@pytest.mark.parametrize(("typed", "confirmed"), [("y", True), ("yes", True), ("", False), ("n", False)])
async def test_a_confirmation_needs_a_yes(typed: str, confirmed: bool, tty: Tty) -> None:
    question = Confirmation("Remove it?", "3 files", yes="Remove", danger=True)
    answer, screen = await _answered(tty, _person(tty).confirm(question), typed)
    assert answer is confirmed
    assert "Remove it?\n3 files\nRemove? y/N: " in screen


# --- --password-stdin and --batch --------------------------------------------------------------------------------


def _asks(
    host: str, kind: SecretKind = SecretKind.PASSWORD, attempt: int = 1, *, is_target: bool = True
) -> SecretRequest:
    return SecretRequest(kind, host, "deploy", attempt=attempt, is_target=is_target)


def _asks_in_words(host: str, *prompts: Prompt, is_target: bool = True) -> Challenge:
    return Challenge(host, "deploy", "", "", prompts, is_target=is_target)


async def test_the_password_of_stdin_is_given_once_and_then_others_are_asked() -> None:
    stdin = FirstLineOfStdin(Secret("hunter2"), Nobody())
    given = await stdin.secret(_asks("web-1"))
    assert given is not None
    assert given.reveal() == "hunter2"
    assert await stdin.secret(_asks("web-1", attempt=2)) is None


@pytest.mark.parametrize("name", ["bastion", "web-1"])
async def test_a_jump_host_never_gets_the_password_of_stdin_whatever_its_name(name: str) -> None:
    person = Person(passwords=["for the bastion"])
    stdin = FirstLineOfStdin(Secret("hunter2"), person)
    given = await stdin.secret(_asks(name, is_target=False))
    assert given is not None
    assert given.reveal() == "for the bastion"
    question = _asks_in_words(name, Prompt("Password: ", echo=False), is_target=False)
    assert await stdin.challenge(question) is None
    assert await stdin.secret(_asks("web-1")) is not None


async def test_the_password_of_stdin_is_no_passphrase() -> None:
    assert await FirstLineOfStdin(Secret("x"), Nobody()).secret(_asks("web-1", SecretKind.PASSPHRASE)) is None


async def test_it_answers_a_single_hidden_question_for_a_password_and_no_other() -> None:
    def fresh() -> FirstLineOfStdin:
        return FirstLineOfStdin(Secret("hunter2"), Nobody())

    password, code = Prompt("(deploy@web-1) Password: ", echo=False), Prompt("Verification code: ", echo=False)
    answered = await fresh().challenge(_asks_in_words("web-1", password))
    assert answered is not None
    assert [answer.reveal() for answer in answered] == ["hunter2"]
    assert await fresh().challenge(_asks_in_words("web-1", code)) is None
    assert await fresh().challenge(_asks_in_words("web-1", password, code)) is None
    assert await fresh().challenge(_asks_in_words("web-1", Prompt("Password: ", echo=True))) is None


@pytest.mark.parametrize("words", ["One-time password (OATH) for `me': ", "New password: ", "Password again: "])
async def test_it_answers_no_question_for_a_one_time_password_or_a_new_one(words: str) -> None:
    stdin = FirstLineOfStdin(Secret("hunter2"), Nobody())
    assert await stdin.challenge(_asks_in_words("web-1", Prompt(words, echo=False))) is None


async def test_other_questions_pass_to_the_person() -> None:
    person = Person(host_keys=[HostKeyDecision.ONCE])
    stdin = FirstLineOfStdin(Secret("x"), person)
    assert await stdin.host_key(_key(HostKeyState.UNKNOWN)) is HostKeyDecision.ONCE
    stdin.announce("web-1", "Hello.")
    assert person.announced == [("web-1", "Hello.")]


@pytest.mark.parametrize(
    ("line", "password"), [(b"hunter2\nrest", "hunter2"), (b"hunter2\r\n", "hunter2"), (b"x", "x")]
)
def test_the_first_line_is_the_password_and_what_follows_stays(line: bytes, password: str) -> None:
    read, write = os.pipe()
    os.write(write, line)
    os.close(write)
    assert read_password(read).reveal() == password
    assert os.read(read, 100) == line.partition(b"\n")[2]
    os.close(read)


def test_an_empty_first_line_is_a_usage_error() -> None:
    read, write = os.pipe()
    os.write(write, b"\n")
    os.close(write)
    with pytest.raises(ConfigError) as caught:
        read_password(read)
    assert caught.value.code is Code.USAGE
    os.close(read)


def test_batch_and_the_lack_of_a_terminal_mean_nobody(tty: Tty) -> None:
    narration, terminal = Narration(StringIO()), Terminal(tty.program)

    def who(flags: GlobalFlags, terminal: Terminal | None) -> object:
        return interaction_for(flags, narration, host="web-1", terminal=terminal)

    assert isinstance(who(GlobalFlags(batch=True), terminal), Nobody)
    assert isinstance(who(GlobalFlags(), None), Nobody)
    assert isinstance(who(GlobalFlags(), terminal), TerminalInteraction)
