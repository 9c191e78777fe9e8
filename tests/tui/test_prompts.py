"""The backend's questions as modals: what is asked, what is answered, and whose keys they take."""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

import pytest
from textual.app import ComposeResult
from textual.pilot import Pilot
from textual.widgets import Input

from backend.connection.interaction import (
    Challenge,
    Confirmation,
    HostKeyDecision,
    HostKeyQuestion,
    HostKeyState,
    Interaction,
    KnownKey,
    Prompt,
    SecretKind,
    SecretRequest,
)
from backend.connection.vault import Secret
from tests.tui.conftest import FakeApp, settled, shown, workbench
from tui.prompts.base import Prompt as PromptScreen
from tui.prompts.base import SecretInput
from tui.prompts.confirm import ConfirmPrompt
from tui.prompts.help import HelpPrompt
from tui.prompts.host_key import ChangedKeyPrompt, UnknownKeyPrompt
from tui.prompts.secret import SecretPrompt
from tui.prompts.typing import TypingGuard

T = TypeVar("T")

FINGERPRINT = "SHA256:9fQ0vWkVdD8bLq0e2xYhZt1uT6nS3mC5rP7aB4jK2wE"
UNKNOWN = HostKeyQuestion(
    "web-1",
    "[10.0.4.7]:2222",
    HostKeyState.UNKNOWN,
    "ssh-ed25519",
    FINGERPRINT,
    "+--[ED25519 256]--+\n|       o.        |\n+----[SHA256]-----+",
    looked_in=("~/.ssh/known_hosts",),
)
CHANGED = HostKeyQuestion(
    "edge-3",
    "edge-3",
    HostKeyState.CHANGED,
    "ssh-ed25519",
    FINGERPRINT,
    "",
    known=(KnownKey("ssh-ed25519", "SHA256:Zt1uT6nS3mC5rP7aB4jK2wE9fQ0vWkVdD8bLq0e2xYh", "~/.ssh/known_hosts:7"),),
)
PASSWORD = SecretRequest(SecretKind.PASSWORD, "web-1", "deploy")


def person(pilot: Pilot[Any]) -> Interaction:
    """Whom the backend asks."""
    return workbench(pilot).interaction


async def asked(pilot: Pilot[Any], question: Any) -> asyncio.Task[Any]:
    """The question under way, its prompt in front and ready for one-letter answers."""
    answer: asyncio.Task[Any] = asyncio.ensure_future(question)
    async with asyncio.timeout(20):
        while not isinstance(pilot.app.screen, PromptScreen):
            await pilot.pause()
    await settled(pilot)
    pilot.app.screen.armed = True
    return answer


async def test_a_password_is_typed_unseen_and_handed_over(fake_app: FakeApp) -> None:
    async with fake_app((80, 24)) as pilot:
        answer = await asked(pilot, person(pilot).secret(PASSWORD))
        await pilot.press(*"s3cret!")
        text = shown(pilot)
        assert "web-1 asks:" in text
        assert "Password of deploy on web-1" in text
        assert "s3cret!" not in text
        await pilot.press("enter")
        secret = await answer
        assert secret.reveal() == "s3cret!"


async def test_a_password_cannot_be_copied_from_its_line(fake_app: FakeApp) -> None:
    async with fake_app() as pilot:
        answer = await asked(pilot, person(pilot).secret(PASSWORD))
        await pilot.press(*"hidden", "ctrl+a", "home", "shift+end", "ctrl+c", "ctrl+x")
        assert pilot.app.clipboard == ""
        await pilot.press("escape")
        assert await answer is None


async def test_nothing_of_a_password_stays_in_the_widgets(fake_app: FakeApp) -> None:
    async with fake_app() as pilot:
        answer = await asked(pilot, person(pilot).secret(PASSWORD))
        line = pilot.app.screen.query_one(SecretInput)
        await pilot.press(*"s3cret", "enter")
        await answer
        assert line.value == ""


async def test_a_wrong_password_is_said_to_be_wrong(fake_app: FakeApp) -> None:
    async with fake_app() as pilot:
        request = SecretRequest(SecretKind.PASSWORD, "web-1", "deploy", attempt=2)
        answer = await asked(pilot, person(pilot).secret(request))
        assert "was not accepted. This is try 2." in shown(pilot)
        await pilot.press("escape")
        assert await answer is None


async def test_a_passphrase_is_asked_for_by_us_and_names_the_key(fake_app: FakeApp) -> None:
    async with fake_app() as pilot:
        request = SecretRequest(SecretKind.PASSPHRASE, "web-1", "deploy", "~/.ssh/id_ed25519")
        answer = await asked(pilot, person(pilot).secret(request))
        text = shown(pilot)
        assert "unlock a key" in text
        assert "~/.ssh/id_ed25519" in text
        assert "asks:" not in text
        await pilot.press("escape")
        await answer


async def test_all_questions_of_a_challenge_are_answered_in_one_box(fake_app: FakeApp) -> None:
    async with fake_app((80, 24)) as pilot:
        challenge = Challenge(
            "cluster", "mara", "Two-factor", "Open your app.", (Prompt("Password: ", False), Prompt("Code: ", True))
        )
        answer = await asked(pilot, person(pilot).challenge(challenge))
        await pilot.press(*"pw", "enter", *"123456")
        text = shown(pilot)
        for part in ("cluster asks:", "Two-factor", "Open your app.", "Password:", "Code:", "123456"):
            assert part in text
        await pilot.press("enter")
        secrets = await answer
        assert [secret.reveal() for secret in secrets] == ["pw", "123456"]


@pytest.mark.parametrize(
    ("host", "told"),
    [("gate", "logging in as mara, on the way to app"), ("mara@gate", "on the way to app")],
)
async def test_a_servers_questions_say_whose_login_it_is_as_its_own_words_do_not(
    fake_app: FakeApp, host: str, told: str
) -> None:
    async with fake_app((80, 24)) as pilot:
        challenge = Challenge(host, "mara", "", "", (Prompt("Password: ", False),), attempt=2, on_the_way_to="app")
        answer = await asked(pilot, person(pilot).challenge(challenge))
        lines = [line.strip(" │") for line in shown(pilot).splitlines()]
        assert told in lines
        assert "The login was not accepted. This is try 2." in lines
        await pilot.press("escape")
        await answer


async def test_a_challenge_without_questions_is_read_and_confirmed(fake_app: FakeApp) -> None:
    async with fake_app() as pilot:
        challenge = Challenge("cluster", "mara", "", "Maintenance tonight at ten.", ())
        answer = await asked(pilot, person(pilot).challenge(challenge))
        assert "cluster says:" in shown(pilot)
        assert "Maintenance tonight" in shown(pilot)
        await pilot.press("enter")
        assert await answer == ()


async def test_a_servers_words_are_never_markup(fake_app: FakeApp) -> None:
    async with fake_app() as pilot:
        words = "[blink]hello[/blink] [@click=app.quit]x[/]"
        answer = await asked(pilot, person(pilot).challenge(Challenge("h", "u", words, words, (Prompt(words, True),))))
        assert shown(pilot).count(words) == 3
        await pilot.press("escape")
        assert await answer is None


@pytest.mark.parametrize(
    ("key", "decision"),
    [("t", HostKeyDecision.REMEMBER), ("o", HostKeyDecision.ONCE), ("escape", HostKeyDecision.REFUSE)],
)
async def test_an_unknown_key_has_three_answers(fake_app: FakeApp, key: str, decision: HostKeyDecision) -> None:
    async with fake_app((80, 24)) as pilot:
        answer = await asked(pilot, person(pilot).host_key(UNKNOWN))
        text = shown(pilot)
        for part in ("[10.0.4.7]:2222", "ssh-ed25519", FINGERPRINT, "~/.ssh/known_hosts", "+----[SHA256]-----+"):
            assert part in text
        await pilot.press(key)
        assert await answer is decision


async def test_enter_is_no_answer_to_an_unknown_key(fake_app: FakeApp) -> None:
    async with fake_app() as pilot:
        answer = await asked(pilot, person(pilot).host_key(UNKNOWN))
        await pilot.press("enter", "space", "y")
        assert not answer.done()
        await pilot.press("escape")
        assert await answer is HostKeyDecision.REFUSE


async def test_a_letter_typed_as_the_prompt_appears_is_no_answer(
    fake_app: FakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.prompts.base.ARMED_AFTER", 3600.0)
    async with fake_app() as pilot:
        answer = await asked(pilot, person(pilot).host_key(UNKNOWN))
        prompt = pilot.app.screen
        assert isinstance(prompt, UnknownKeyPrompt)
        prompt.armed = False
        await pilot.press("t", "o")
        assert not answer.done()
        await pilot.press("escape")
        await answer


async def test_a_prompt_arms_itself_after_a_moment(fake_app: FakeApp) -> None:
    async with fake_app() as pilot:
        answer = asyncio.ensure_future(person(pilot).host_key(UNKNOWN))
        async with asyncio.timeout(20):
            while not (isinstance(pilot.app.screen, UnknownKeyPrompt) and pilot.app.screen.armed):
                await pilot.pause(0.02)
        await pilot.press("o")
        assert await answer is HostKeyDecision.ONCE


async def test_a_key_that_cannot_be_written_down_cannot_be_remembered(fake_app: FakeApp) -> None:
    async with fake_app() as pilot:
        question = HostKeyQuestion(
            "web-1", "web-1", HostKeyState.UNKNOWN, "ssh-ed25519", FINGERPRINT, "", can_remember=False
        )
        answer = await asked(pilot, person(pilot).host_key(question))
        assert "trust and remember" not in shown(pilot)
        await pilot.press("t")
        assert not answer.done()
        await pilot.press("escape")
        await answer


async def test_a_changed_key_wants_its_end_typed_back(fake_app: FakeApp) -> None:
    async with fake_app((80, 24)) as pilot:
        answer = await asked(pilot, person(pilot).host_key(CHANGED))
        assert isinstance(pilot.app.screen, ChangedKeyPrompt)
        text = shown(pilot)
        for part in ("THE HOST KEY HAS CHANGED", "known until now", "shown now", "~/.ssh/known_hosts:7", "esc refuse"):
            assert part in text
        await pilot.press("enter", *"yes", "enter")
        assert not answer.done()
        assert "not what the host shows" in shown(pilot)
        await pilot.press("ctrl+u")
        await settled(pilot)
        assert "type the last eight characters" in shown(pilot), "what is wanted is said again while it is mended"
        await pilot.press(*FINGERPRINT[-8:], "enter")
        assert await answer is HostKeyDecision.ONCE


async def test_a_changed_key_can_replace_the_old_one_only_when_typed_back(fake_app: FakeApp) -> None:
    async with fake_app() as pilot:
        answer = await asked(pilot, person(pilot).host_key(CHANGED))
        await pilot.press("ctrl+r")
        assert not answer.done()
        await pilot.press(*FINGERPRINT[-8:], "ctrl+r")
        assert await answer is HostKeyDecision.REMEMBER


async def test_no_single_key_accepts_a_changed_key(fake_app: FakeApp) -> None:
    async with fake_app() as pilot:
        answer = await asked(pilot, person(pilot).host_key(CHANGED))
        for key in ("enter", "y", "t", "o", "space", "tab", "enter", "ctrl+r"):
            await pilot.press(key)
        assert not answer.done()
        await pilot.press("escape")
        assert await answer is HostKeyDecision.REFUSE


@pytest.mark.parametrize(("key", "said"), [("y", True), ("n", False), ("escape", False)])
async def test_a_confirmation_is_y_or_nothing(fake_app: FakeApp, key: str, said: bool) -> None:
    async with fake_app() as pilot:
        question = Confirmation("run on production?", "`reboot` changes web-1.", "Run it", danger=True)
        answer = await asked(pilot, person(pilot).confirm(question))
        assert "Run it?" in shown(pilot)
        await pilot.press(key)
        assert await answer is said


async def test_enter_does_not_confirm(fake_app: FakeApp) -> None:
    async with fake_app() as pilot:
        answer = await asked(pilot, person(pilot).confirm(Confirmation("sure?", "Really?")))
        await pilot.press("enter")
        assert not answer.done()
        await pilot.press("escape")
        assert await answer is False


async def test_questions_come_one_after_another(fake_app: FakeApp) -> None:
    async with fake_app() as pilot:
        first = await asked(pilot, person(pilot).secret(PASSWORD))
        second = asyncio.ensure_future(person(pilot).secret(SecretRequest(SecretKind.PASSWORD, "db-2", "deploy")))
        await pilot.pause()
        assert "web-1 asks:" in shown(pilot)
        await pilot.press(*"one", "enter")
        answered: Secret = await first
        await asked_next(pilot, "db-2")
        await pilot.press(*"two", "enter")
        other = await second
        assert other is not None
        assert (answered.reveal(), other.reveal()) == ("one", "two")


async def asked_next(pilot: Pilot[Any], host: str) -> None:
    """Wait for the prompt of `host`."""
    async with asyncio.timeout(20):
        while f"{host} asks:" not in shown(pilot):
            await pilot.pause()


async def test_a_prompt_goes_when_nobody_waits_for_its_answer_any_more(fake_app: FakeApp) -> None:
    async with fake_app() as pilot:
        answer = await asked(pilot, person(pilot).secret(PASSWORD))
        answer.cancel()
        async with asyncio.timeout(20):
            while isinstance(pilot.app.screen, SecretPrompt):
                await pilot.pause()
        assert answer.cancelled() or answer.done()
        again = await asked(pilot, person(pilot).secret(PASSWORD))
        await pilot.press("escape")
        assert await again is None


async def test_a_question_that_nobody_waits_for_goes_from_below_another(fake_app: FakeApp) -> None:
    async with fake_app() as pilot:
        asking = asyncio.create_task(person(pilot).secret(PASSWORD))
        await asked_next(pilot, "web-1")
        await pilot.press("f1")
        await settled(pilot)
        above = pilot.app.screen
        assert isinstance(above, HelpPrompt)
        asking.cancel()
        await settled(pilot)
        assert pilot.app.screen is above
        await pilot.press("escape")
        await settled(pilot)
        assert not pilot.app.screen.is_modal


async def test_only_keys_that_work_are_shown_under_a_question(fake_app: FakeApp) -> None:
    async with fake_app() as pilot:
        assert "f1 help" in shown(pilot)
        answer = await asked(pilot, person(pilot).secret(PASSWORD))
        assert "f1 help" not in shown(pilot)
        await pilot.press("escape")
        await answer
        await settled(pilot)
        assert "f1 help" in shown(pilot)


async def test_the_keys_of_a_question_are_told_and_nothing_typed_is_lost(fake_app: FakeApp) -> None:
    async with fake_app() as pilot:
        answer = await asked(pilot, person(pilot).secret(PASSWORD))
        await pilot.press(*"one", "f1")
        await settled(pilot)
        assert "Hand over what is typed." in shown(pilot)
        await pilot.press("f1")
        await settled(pilot)
        await pilot.press(*"two", "enter")
        told: Secret = await answer
        assert told.reveal() == "onetwo"


async def test_a_question_waits_until_the_person_has_stopped_typing_elsewhere(fake_app: FakeApp) -> None:
    async with fake_app() as pilot:
        moment = 100.0
        guard = TypingGuard(lambda: moment)
        workbench(pilot).interaction.guard = guard
        await pilot.press("slash", *"we")
        answer = asyncio.ensure_future(person(pilot).secret(PASSWORD))
        await pilot.pause()
        await pilot.press(*"b-1")
        assert pilot.app.screen.query_one("#filter", Input).value == "web-1"
        assert workbench(pilot).interaction.holding_back == "web-1"
        workbench(pilot).front.update_header()  # type: ignore[union-attr]  # a screen is in front
        assert "web-1 asks" in shown(pilot).splitlines()[0]
        moment += 1.0
        async with asyncio.timeout(20):
            while not isinstance(pilot.app.screen, SecretPrompt):
                await pilot.pause()
        assert workbench(pilot).interaction.holding_back == ""
        await pilot.press("escape")
        assert await answer is None


async def test_keys_that_steer_a_list_do_not_hold_a_question_back(fake_app: FakeApp) -> None:
    async with fake_app() as pilot:
        await pilot.press("down", "up", "enter")
        assert workbench(pilot).interaction.guard.wait == 0.0


async def test_a_banner_is_shown_and_nobody_waits_for_it(fake_app: FakeApp) -> None:
    async with fake_app() as pilot:
        person(pilot).announce("bastion", "Authorised [red]people[/] only.")
        await settled(pilot)
        toasts = list(pilot.app._notifications)
        assert [(toast.title, toast.message, toast.markup) for toast in toasts] == [
            ("bastion says", "Authorised [red]people[/] only.", False)
        ]


@pytest.mark.parametrize(("columns", "has"), [(80, "-narrow"), (120, "-wide")])
async def test_a_question_has_the_size_of_its_window_before_it_has_parts(
    fake_app: FakeApp, columns: int, has: str
) -> None:
    """Else each of them would be styled once more with the first resize."""
    seen: list[frozenset[str]] = []

    class Watched(ConfirmPrompt):
        def compose(self) -> ComposeResult:
            seen.append(self.classes)
            yield from super().compose()

    async with fake_app((columns, 24)) as pilot:
        pilot.app.push_screen(Watched(Confirmation("sure?", "Really?")))
        await settled(pilot)
        assert [classes & {"-narrow", "-wide"} for classes in seen] == [{has}]
        await pilot.resize_terminal(200 - columns, 24)
        await settled(pilot)
        assert pilot.app.screen.has_class("-wide" if has == "-narrow" else "-narrow")
        assert not pilot.app.screen.has_class(has)
