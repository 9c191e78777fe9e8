"""Advice with a key: on the ladder and in the dialog of a failure; and the way from a failure to its rung."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from backend.diagnostics.explain import Explanation
from backend.diagnostics.ladder import Rung, RungId, RungStatus
from backend.diagnostics.remedies.case import Case
from backend.diagnostics.remedies.derive import remedies_for
from backend.diagnostics.remedies.keys import KeyAtHand
from backend.diagnostics.remedies.model import RemedyId
from backend.diagnostics.remedies.space import Big, Room
from backend.errors import AuthError, Code, ConnectError, FairleadError, FileError
from tests.support.scripted import hop
from tests.tui.conftest import FakeApp, settled, shown, workbench
from tests.tui.fakes import FakeServices
from tui.messages import OperationFailed
from tui.prompts.choice import ChoicePrompt
from tui.prompts.confirm import ConfirmPrompt
from tui.prompts.failure import FailurePrompt
from tui.prompts.key_choice import KeyPrompt
from tui.prompts.room import RoomPrompt
from tui.screens.diagnostics import DiagnosticsScreen

KEY = Path("/keys/id_ed25519")
HOP = hop("web-1", identity_files=(KEY,))
OPEN_KEY = AuthError(Code.AUTH_KEY_PERMISSIONS, evidence={"path": KEY, "mode": "0644"}, host="web-1")


def explained(error: FairleadError, *, near: tuple[str, ...] = ()) -> Explanation:
    """As the backend explains it, without looking at this machine."""
    remedies = remedies_for(Case(error, error.host or "", HOP, near))
    told = {remedy.told.text: remedy.told for remedy in remedies}
    usual = [told.pop(advice.text, advice) for advice in error.advice]
    return Explanation(error.evidence, (*usual, *told.values()), remedies)


def broken(error: FairleadError, rung: RungId) -> list[Rung]:
    """A ladder that breaks with `error`."""
    told = explained(error)
    failed = Rung(
        rung,
        RungStatus.FAIL,
        "web-1",
        error.code,
        error.message,
        40.0,
        told.evidence,
        told.advice,
        error,
        told.remedies,
    )
    return [passed(RungId.CONFIG), passed(RungId.TCP), failed, Rung(RungId.FILES, RungStatus.SKIP, "web-1")]


def passed(rung: RungId) -> Rung:
    return Rung(rung, RungStatus.PASS, "web-1", summary="fine", ms=3.0)


GREEN = [passed(rung) for rung in (RungId.CONFIG, RungId.TCP, RungId.AUTH, RungId.SESSION, RungId.FILES)]


async def armed(pilot: Pilot[Any], *keys: str) -> None:
    """Answer the prompt in front, after the moment in which stray keys do nothing."""
    screen = pilot.app.screen
    assert hasattr(screen, "armed")
    screen.armed = True
    await pilot.pause()
    await pilot.press(*keys)
    await settled(pilot)


async def climbed(pilot: Pilot[Any]) -> None:
    await pilot.press("4", "r")
    await settled(pilot)


async def failed(pilot: Pilot[Any], error: FairleadError, title: str = "copying") -> None:
    pilot.app.post_message(OperationFailed(error, title))
    await settled(pilot)


def rung_under(pilot: Pilot[Any]) -> tuple[str, RungId]:
    """Where on the ladder the cursor is."""
    screen = pilot.app.screen
    assert isinstance(screen, DiagnosticsScreen)
    assert screen.rung is not None
    return screen.rung.hop, screen.rung.id


def toasts(pilot: Pilot[Any]) -> str:
    return "\n".join(toast.message for toast in pilot.app._notifications)


async def test_where_the_host_key_is_asked_about_no_toast_covers_the_question(
    fake_app: FakeApp, services: FakeServices
) -> None:
    services.diagnostics.rungs = broken(ConnectError(Code.HOST_KEY_CHANGED, host="web-1"), RungId.HOST_KEY)
    async with fake_app() as pilot:
        await climbed(pilot)
        await pilot.press("f")
        await settled(pilot)
        assert [remedy.id for remedy, _ in services.remedies.applied] == [RemedyId.SHOW_HOST_KEY]
        assert toasts(pilot) == ""


# --- on the ladder ---------------------------------------------------------------------------------------------------


async def test_advice_that_can_be_applied_shows_its_key(fake_app: FakeApp, services: FakeServices) -> None:
    services.diagnostics.rungs = broken(OPEN_KEY, RungId.AUTH)
    async with fake_app() as pilot:
        await climbed(pilot)
        text = shown(pilot)
        assert "chmod 600 /keys/id_ed25519" in text
        assert "f  do it and try again" in text
        assert "k  choose another key" in text
        footer = text.splitlines()[-1]
        assert "f do it" in footer
        assert "k another key" in footer


async def test_keys_that_do_nothing_are_not_shown(fake_app: FakeApp, services: FakeServices) -> None:
    services.diagnostics.rungs = GREEN
    async with fake_app() as pilot:
        await climbed(pilot)
        assert "do it" not in shown(pilot).splitlines()[-1]
        await pilot.press("f", "k")
        await settled(pilot)
        assert services.remedies.applied == []
        assert not pilot.app.screen.is_modal


async def test_what_it_will_do_is_asked_first_then_done_then_climbed_once(
    fake_app: FakeApp, services: FakeServices
) -> None:
    services.diagnostics.rungs = broken(OPEN_KEY, RungId.AUTH)
    async with fake_app() as pilot:
        await climbed(pilot)
        await pilot.press("f")
        await settled(pilot)
        assert isinstance(pilot.app.screen, ConfirmPrompt)
        asked = " ".join(shown(pilot).replace("│", " ").split())
        for part in ("0644 becomes 0600", "chmod 600 /keys/id_ed25519", "a file of this machine", "chmod 644"):
            assert part in asked
        assert services.remedies.applied == []
        services.diagnostics.rungs = GREEN
        await armed(pilot, "y")
        assert [remedy.id for remedy, _ in services.remedies.applied] == [RemedyId.FIX_MODE]
        assert services.diagnostics.climbed == [("web-1", None), ("web-1", None)]
        assert "all is well" in shown(pilot)
        assert "To take it back: chmod 644" in toasts(pilot)


async def test_a_no_changes_nothing_and_climbs_nothing(fake_app: FakeApp, services: FakeServices) -> None:
    services.diagnostics.rungs = broken(OPEN_KEY, RungId.AUTH)
    async with fake_app() as pilot:
        await climbed(pilot)
        await pilot.press("f")
        await settled(pilot)
        await armed(pilot, "escape")
        assert services.remedies.applied == []
        assert len(services.diagnostics.climbed) == 1


async def test_a_remedy_that_fails_is_told_and_nothing_is_climbed(fake_app: FakeApp, services: FakeServices) -> None:
    services.diagnostics.rungs = broken(OPEN_KEY, RungId.AUTH)
    services.remedies.failure = FileError(Code.FILE_FAILED, "It is a symbolic link.", evidence={"path": "x"})
    async with fake_app() as pilot:
        await climbed(pilot)
        await pilot.press("f")
        await settled(pilot)
        await armed(pilot, "y")
        assert isinstance(pilot.app.screen, FailurePrompt)
        assert "It is a symbolic link." in shown(pilot)
        assert len(services.diagnostics.climbed) == 1


@pytest.mark.parametrize(("answer", "keep"), [("w", True), ("o", False)])
async def test_another_key_is_chosen_by_its_fingerprint_for_good_or_once(
    fake_app: FakeApp, services: FakeServices, answer: str, *, keep: bool
) -> None:
    services.diagnostics.rungs = broken(OPEN_KEY, RungId.AUTH)
    services.remedies.at_hand = (
        KeyAtHand(Path("/keys/id_b"), "SHA256:bbbb", "ssh-ed25519", encrypted=True),
        KeyAtHand(KEY, "SHA256:aaaa", "ssh-ed25519", named=True),
    )
    async with fake_app() as pilot:
        await climbed(pilot)
        await pilot.press("k")
        await settled(pilot)
        assert isinstance(pilot.app.screen, KeyPrompt)
        assert "SHA256:bbbb" in shown(pilot)
        assert "tried already" in shown(pilot)
        await armed(pilot, "enter")
        assert 'identity_files = ["/keys/id_b"]' in shown(pilot)
        await armed(pilot, answer)
        [(remedy, choice)] = services.remedies.applied
        assert choice is not None
        assert (remedy.id, choice.key, choice.keep) == (RemedyId.CHOOSE_KEY, Path("/keys/id_b"), keep)
        assert len(services.diagnostics.climbed) == 2


async def test_each_key_has_one_line_and_the_one_under_the_cursor_is_told_in_full(
    fake_app: FakeApp, services: FakeServices
) -> None:
    services.diagnostics.rungs = broken(OPEN_KEY, RungId.AUTH)
    prints = ["SHA256:" + letter * 43 for letter in "abc"]
    services.remedies.at_hand = tuple(
        KeyAtHand(Path(f"/keys/id_{number}"), fingerprint, "ssh-rsa", encrypted=True)
        for number, fingerprint in enumerate(prints)
    )
    async with fake_app((80, 24)) as pilot:
        await climbed(pilot)
        await pilot.press("k")
        await settled(pilot)
        first, second, third = (line for line in shown(pilot).splitlines() if "rsa, asks for a passphrase, SHA" in line)
        assert all("…" in line for line in (first, second, third)), "cut, and on one line each"
        assert prints[0] in shown(pilot)
        await pilot.press("down")
        await settled(pilot)
        assert prints[0] not in shown(pilot)
        assert prints[1] in shown(pilot), "in full below"


async def test_without_any_key_the_next_step_is_said(fake_app: FakeApp, services: FakeServices) -> None:
    services.diagnostics.rungs = broken(OPEN_KEY, RungId.AUTH)
    async with fake_app() as pilot:
        await climbed(pilot)
        await pilot.press("k")
        await settled(pilot)
        assert "ssh-keygen makes one" in toasts(pilot)


# --- in the dialog of a failure --------------------------------------------------------------------------------------


async def test_a_failure_shows_the_same_advice_with_the_same_keys(fake_app: FakeApp, services: FakeServices) -> None:
    services.explanations[OPEN_KEY.code] = explained(OPEN_KEY)
    async with fake_app() as pilot:
        await failed(pilot, OPEN_KEY)
        text = shown(pilot)
        assert isinstance(pilot.app.screen, FailurePrompt)
        for part in ("f  do it and try again", "k  choose another key", "d diagnose", "AUTH_KEY_PERMISSIONS"):
            assert part in text
        services.diagnostics.rungs = GREEN
        await armed(pilot, "f")
        await armed(pilot, "y")
        assert [remedy.id for remedy, _ in services.remedies.applied] == [RemedyId.FIX_MODE]
        assert workbench(pilot).front is workbench(pilot).get_screen("diagnostics")
        assert services.diagnostics.climbed == [("web-1", None)]


async def test_letters_that_were_typed_for_something_else_do_nothing(
    fake_app: FakeApp, services: FakeServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.prompts.base.ARMED_AFTER", 3600.0)
    services.explanations[OPEN_KEY.code] = explained(OPEN_KEY)
    async with fake_app() as pilot:
        pilot.app.post_message(OperationFailed(OPEN_KEY, "copying"))
        await settled(pilot)
        screen = pilot.app.screen
        await pilot.press("f", "d", "k")
        assert pilot.app.screen is screen


async def test_of_several_near_names_one_is_chosen_and_gone_on_with(fake_app: FakeApp, services: FakeServices) -> None:
    unknown = ConnectError(Code.NAME_NOT_FOUND, evidence={"address": "wbe-1"}, host="wbe-1")
    services.explanations[unknown.code] = explained(unknown, near=("web-1", "db-2"))
    services.diagnostics.rungs = GREEN
    async with fake_app() as pilot:
        await failed(pilot, unknown)
        await armed(pilot, "f")
        assert isinstance(pilot.app.screen, ChoicePrompt)
        await armed(pilot, "b")
        assert workbench(pilot).host == "db-2"
        assert services.diagnostics.climbed == [("db-2", None)]


@pytest.mark.parametrize("code", [Code.PRODUCTION_HOST, Code.COMMAND_DANGEROUS, Code.DECLINED])
async def test_a_no_of_one_s_own_is_noted_and_not_told_in_a_dialog(fake_app: FakeApp, code: Code) -> None:
    async with fake_app() as pilot:
        await failed(pilot, FairleadError(code, "Nothing was done.", host="web-1"))
        assert not pilot.app.screen.is_modal
        assert "Nothing was done." in toasts(pilot)


async def test_what_the_ladder_has_no_place_for_is_not_led_there(fake_app: FakeApp) -> None:
    async with fake_app() as pilot:
        await failed(pilot, FileError(Code.CHECKSUM_DIFFERS, evidence={"path": "/x"}, host="web-1"))
        assert "d diagnose   c copy" not in shown(pilot)
        await armed(pilot, "d")
        assert isinstance(pilot.app.screen, FailurePrompt)


# --- from a failure to its rung ---------------------------------------------------------------------------------------


async def test_diagnose_climbs_and_puts_the_cursor_on_the_rung_that_the_failure_belongs_to(
    fake_app: FakeApp, services: FakeServices
) -> None:
    services.diagnostics.rungs = GREEN
    async with fake_app() as pilot:
        await failed(pilot, OPEN_KEY, "copying")
        await armed(pilot, "d")
        assert rung_under(pilot) == ("web-1", RungId.AUTH)
        text = shown(pilot)
        assert "from copying at 09:41" in text
        assert "It works now." in text
        assert "AUTH_KEY_PERMISSIONS" in text


async def test_a_failure_that_is_still_there_is_told_once(fake_app: FakeApp, services: FakeServices) -> None:
    services.diagnostics.rungs = broken(OPEN_KEY, RungId.AUTH)
    async with fake_app() as pilot:
        await failed(pilot, OPEN_KEY)
        await armed(pilot, "d")
        text = shown(pilot)
        assert "It is still so." in text
        assert text.count("chmod 600") == 1


async def test_of_a_full_disk_the_ladder_does_not_say_that_all_is_well(
    fake_app: FakeApp, services: FakeServices
) -> None:
    full = FileError(Code.DISK_FULL, evidence={"path": "/srv/data/x"}, host="web-1")
    services.explanations[full.code] = explained(full)
    services.diagnostics.rungs = GREEN
    services.remedies.room = Room(b"/srv", 5_000_000, (Big(b"data/old.tar", 4_000_000),), partial=True)
    async with fake_app() as pilot:
        await failed(pilot, full)
        await armed(pilot, "d")
        assert rung_under(pilot) == ("web-1", RungId.FILES)
        text = " ".join(shown(pilot).split())
        assert "says nothing about that place" in text
        assert "It works now" not in text
        assert "f show what takes the room" in text
        await pilot.press("f")
        await settled(pilot)
        assert isinstance(pilot.app.screen, RoomPrompt)
        assert "data/old.tar" in shown(pilot)
        assert "Not everything could be counted." in shown(pilot)
        assert len(services.diagnostics.climbed) == 1


async def test_a_failure_of_a_jump_host_leads_to_the_rung_of_that_machine(
    fake_app: FakeApp, services: FakeServices
) -> None:
    denied = AuthError(Code.AUTH_DENIED, host="web-1", hop="bastion", evidence={"user": "me"})
    services.diagnostics.rungs = [replace(passed(RungId.AUTH), hop="bastion"), *GREEN]
    async with fake_app() as pilot:
        await failed(pilot, denied)
        await armed(pilot, "d")
        assert rung_under(pilot) == ("bastion", RungId.AUTH)


async def test_k_moves_up_where_there_is_no_key_to_choose(fake_app: FakeApp, services: FakeServices) -> None:
    services.diagnostics.rungs = GREEN
    async with fake_app() as pilot:
        await climbed(pilot)
        assert rung_under(pilot)[1] is RungId.FILES
        await pilot.press("k")
        assert rung_under(pilot)[1] is RungId.SESSION
