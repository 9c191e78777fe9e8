"""The shell: screens, current host, header, footer, palette, help, leaving."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest
from textual.command import CommandPalette
from textual.pilot import Pilot
from textual.widgets import Input

from backend import garbage
from backend.commands.executor import CommandState
from backend.connection.interaction import Challenge, Interaction, Prompt
from backend.connection.state import SessionState
from backend.errors import Code, ConfigError, ConnectError, FairleadError
from backend.files.transfer import TransferState
from tests.tui.conftest import FakeApp, settled, shown, workbench
from tests.tui.fakes import FACTS, FakeServices
from tui.app import EXIT_CONFIG, WorkbenchApp, WorkbenchOptions, run_workbench
from tui.glyphs import ASCII
from tui.messages import Notice, OperationFailed
from tui.prompts.confirm import ConfirmPrompt
from tui.prompts.failure import FailurePrompt
from tui.prompts.forwards import ForwardsPanel
from tui.prompts.help import HelpPrompt
from tui.prompts.switcher import HostChoices, HostSwitcher
from tui.widgets.footer import Footer
from tui.widgets.header import Header


class _Item:
    """A transfer or command of which only the state matters."""

    def __init__(self, state: object) -> None:
        self.state = state


async def test_the_connections_are_shown_first(fake_app: FakeApp) -> None:
    async with fake_app() as pilot:
        front = workbench(pilot).front
        assert front is not None
        assert front.NAME == "connections"


@pytest.mark.parametrize("key", ["4", "alt+4"])
async def test_a_screen_is_a_key_away(fake_app: FakeApp, key: str) -> None:
    async with fake_app() as pilot:
        await pilot.press(key)
        await settled(pilot)
        assert "4 Diagnostics" in shown(pilot)
        front = workbench(pilot).front
        assert front is not None
        assert front.NAME == "diagnostics"


async def test_while_a_line_is_typed_digits_belong_to_it_and_alt_digits_do_not(fake_app: FakeApp) -> None:
    async with fake_app() as pilot:
        await pilot.press("slash", "4")
        assert pilot.app.screen.query_one("#filter", Input).value == "4"
        await pilot.press("alt+4")
        await settled(pilot)
        front = workbench(pilot).front
        assert front is not None
        assert front.NAME == "diagnostics"


async def test_the_header_says_which_host_and_how_it_is(fake_app: FakeApp, services: FakeServices) -> None:
    session = services.sessions.get("web-1")
    session.become(SessionState.READY, ago=60)
    session.facts = FACTS
    session.latencies.append(0.012)
    services.transfers.items.append(_Item(TransferState.COPYING))
    services.transfers.items.append(_Item(TransferState.DONE))
    async with fake_app() as pilot:
        top = shown(pilot).splitlines()[0]
        for part in ("fairlead", "PRODUCTION", "● web-1", "12 ms", "via bastion", "⇅ 1", "09:41"):
            assert part in top


async def test_a_host_that_answers_late_has_no_latency_in_the_header(fake_app: FakeApp, services: FakeServices) -> None:
    session = services.sessions.get("web-1")
    session.latencies.append(0.012)
    session.become(SessionState.DEGRADED, reason="no answer for 3 s", ago=40)
    async with fake_app((80, 24)) as pilot:
        top = shown(pilot).splitlines()[0]
        assert "◌ web-1  answers late" in top
        assert "12 ms" not in top


async def test_the_band_goes_when_the_host_is_not_a_production_host(fake_app: FakeApp) -> None:
    async with fake_app() as pilot:
        header = pilot.app.screen.query_one(Header)
        assert header.has_class("-production")
        await pilot.press("down", "down")
        await settled(pilot)
        assert not header.has_class("-production")
        assert "PRODUCTION" not in shown(pilot)


async def test_a_change_of_a_session_reaches_the_screen_over_the_bus(fake_app: FakeApp, services: FakeServices) -> None:
    async with fake_app() as pilot:
        services.sessions.get("web-1").become(SessionState.READY)
        await settled(pilot)
        assert "● web-1" in shown(pilot).splitlines()[0]


async def test_a_burst_of_events_is_merged(fake_app: FakeApp, services: FakeServices) -> None:
    async with fake_app() as pilot:
        posted: list[object] = []
        bridge = workbench(pilot).bridge
        assert bridge is not None
        bridge._post = posted.append
        for _ in range(500):
            services.sessions.get("web-1").become(SessionState.CONNECTING)
        await settled(pilot)
        assert 1 <= len(posted) <= 2


async def test_the_footer_shows_only_what_can_be_done_now(fake_app: FakeApp, services: FakeServices) -> None:
    async with fake_app() as pilot:
        footer = pilot.app.screen.query_one(Footer)
        assert "connect" in footer.render().plain
        assert "disconnect" not in footer.render().plain
        services.sessions.get("web-1").become(SessionState.READY)
        await settled(pilot)
        assert "disconnect" in footer.render().plain


async def test_a_click_on_the_footer_presses_the_key(fake_app: FakeApp) -> None:
    async with fake_app() as pilot:
        column = pilot.app.screen.query_one(Footer).render().plain.index("forwards")
        await pilot.click(Footer, offset=(column + 1, 0))
        await settled(pilot)
        assert isinstance(pilot.app.screen, ForwardsPanel)


async def test_a_click_on_a_tab_goes_to_its_screen(fake_app: FakeApp) -> None:
    async with fake_app() as pilot:
        await pilot.click(Header, offset=(shown(pilot).splitlines()[1].index("Diagnostics") + 2, 1))
        await settled(pilot)
        front = workbench(pilot).front
        assert front is not None
        assert front.NAME == "diagnostics"


async def test_the_palette_offers_what_can_be_done_now_by_name(fake_app: FakeApp) -> None:
    async with fake_app() as pilot:
        await pilot.press("ctrl+p")
        await pilot.pause()
        assert isinstance(pilot.app.screen, CommandPalette)
        await pilot.press(*"diagnose", "enter")
        await settled(pilot)
        front = workbench(pilot).front
        assert front is not None
        assert front.NAME == "diagnostics"


async def test_help_lists_the_keys_that_work_here(fake_app: FakeApp) -> None:
    async with fake_app((80, 24)) as pilot:
        await pilot.press("f1")
        await pilot.pause()
        assert isinstance(pilot.app.screen, HelpPrompt)
        text = shown(pilot)
        assert "Narrow the list." in text
        assert "config.toml" in text
        assert "esc close" in text
        await pilot.press("escape")
        assert not pilot.app.screen.is_modal


async def test_the_switcher_changes_the_host_of_the_whole_workbench(fake_app: FakeApp) -> None:
    async with fake_app() as pilot:
        await pilot.press("4", "ctrl+o")
        await settled(pilot)
        assert isinstance(pilot.app.screen, HostSwitcher)
        await pilot.press(*"gpu", "enter")
        await settled(pilot)
        assert workbench(pilot).host == "gpu-7"
        assert "gpu-7" in shown(pilot).splitlines()[0]


async def test_the_switcher_takes_an_address_that_is_in_no_file(fake_app: FakeApp) -> None:
    async with fake_app() as pilot:
        await pilot.press("ctrl+o")
        await settled(pilot)
        await pilot.press(*"me@10.1.1.1", "enter")
        await settled(pilot)
        assert workbench(pilot).host == "me@10.1.1.1"


async def test_the_switchers_cursor_moves_while_the_line_keeps_the_keys(fake_app: FakeApp) -> None:
    async with fake_app() as pilot:
        await pilot.press("ctrl+o")
        await settled(pilot)
        await pilot.press("down", "down", "up", "enter")
        await settled(pilot)
        assert workbench(pilot).host == "db-2"


async def test_a_host_list_that_cannot_be_read_is_told_in_the_switcher(
    fake_app: FakeApp, services: FakeServices
) -> None:
    async with fake_app() as pilot:
        services.book.problem = ConfigError(Code.CONFIG_INVALID, evidence={"problem": "line 3"})
        await pilot.press("ctrl+o")
        await settled(pilot)
        assert "cannot be used: line 3" in shown(pilot)
        assert not pilot.app.screen.query_one(HostChoices).rows


async def test_a_failure_is_told_with_evidence_advice_and_code(fake_app: FakeApp) -> None:
    async with fake_app((80, 24)) as pilot:
        error = ConnectError(Code.TCP_REFUSED, host="web-1", evidence={"address": "10.0.4.7", "port": 22})
        pilot.app.screen.post_message(OperationFailed(error, "connecting to web-1"))
        await settled(pilot)
        assert isinstance(pilot.app.screen, FailurePrompt)
        text = shown(pilot)
        for part in ("connecting to web-1", "nothing listens", "10.0.4.7", "TCP_REFUSED", "Check the port"):
            assert part in text
        await pilot.press("c")
        assert "TCP_REFUSED" in pilot.app.clipboard
        await pilot.press("escape")
        assert not pilot.app.screen.is_modal


async def test_words_of_a_server_are_never_markup(fake_app: FakeApp) -> None:
    async with fake_app() as pilot:
        hostile = "[red]boom[/red] [@click=app.quit]here[/]"
        pilot.app.screen.post_message(OperationFailed(FairleadError(Code.INTERNAL, hostile), "[bold]title"))
        await settled(pilot)
        assert hostile in shown(pilot)
        assert "[bold]title" in shown(pilot)
        await pilot.press("escape")
        pilot.app.post_message(Notice(hostile, title="[x]"))
        await settled(pilot)
        assert any(toast.message == hostile and not toast.markup for toast in pilot.app._notifications)


async def test_leaving_asks_first_while_work_is_running(fake_app: FakeApp, services: FakeServices) -> None:
    services.commands.items.append(_Item(CommandState.RUNNING))
    services.transfers.items += [_Item(TransferState.COPYING), _Item(TransferState.SCANNING)]
    async with fake_app() as pilot:
        await pilot.press("ctrl+q")
        await settled(pilot)
        assert isinstance(pilot.app.screen, ConfirmPrompt)
        assert "2 transfers and 1 command" in shown(pilot)
        await pilot.press("escape")
        await settled(pilot)
        assert pilot.app.is_running
        await pilot.press("ctrl+q")
        await settled(pilot)
        prompt = pilot.app.screen
        assert isinstance(prompt, ConfirmPrompt)
        prompt.armed = True
        await pilot.press("y")
        await pilot.pause()
    assert pilot.app.return_code == 0


async def test_leaving_with_nothing_running_does_not_ask(fake_app: FakeApp, services: FakeServices) -> None:
    async with fake_app() as pilot:
        await pilot.press("ctrl+q")
        await pilot.pause()
    assert pilot.app.return_code == 0
    assert services.closed == 1


async def test_the_services_are_closed_when_the_app_ends_in_another_way(
    fake_app: FakeApp, services: FakeServices
) -> None:
    async with fake_app():
        assert (services.opened, services.closed) == (1, 0)
    assert services.closed == 1


async def test_ctrl_c_explains_itself(fake_app: FakeApp) -> None:
    async with fake_app() as pilot:
        await pilot.press("ctrl+c")
        await pilot.pause()
        assert any("ctrl+q" in toast.message for toast in pilot.app._notifications)


async def test_services_that_cannot_open_end_the_program_with_the_reason() -> None:
    def broken(interaction: Interaction) -> Any:
        raise ConfigError(Code.CONFIG_INVALID, evidence={"problem": "the state directory is read-only"})

    app = WorkbenchApp(broken)
    async with app.run_test() as pilot:
        while app.return_code is None:
            await pilot.pause()
    assert app.return_code == EXIT_CONFIG


async def test_a_worker_that_breaks_is_told_and_nothing_else_stops(fake_app: FakeApp) -> None:
    async with fake_app() as pilot:
        front = workbench(pilot).front
        assert front is not None

        async def broken() -> None:
            raise LookupError("no such wire")

        front.run_worker(broken(), exit_on_error=False)
        await settled(pilot)
        assert isinstance(pilot.app.screen, FailurePrompt)
        assert "LookupError: no such wire" in shown(pilot)


async def test_keys_can_be_remapped_by_the_id_of_their_action(fake_app: FakeApp) -> None:
    async with fake_app(keymap={"app.diagnostics": "f9"}) as pilot:
        await pilot.press("f9")
        await settled(pilot)
        front = workbench(pilot).front
        assert front is not None
        assert front.NAME == "diagnostics"


@pytest.mark.parametrize("theme", ["dark", "light", "ansi", "nord"])
async def test_every_theme_can_be_drawn(fake_app: FakeApp, theme: str) -> None:
    async with fake_app((80, 24), theme=theme) as pilot:
        assert "web-1" in shown(pilot)


async def test_a_theme_that_does_not_exist_is_told_and_the_dark_one_taken(fake_app: FakeApp) -> None:
    async with fake_app(theme="plaid") as pilot:
        assert pilot.app.theme == "fairlead-dark"
        assert any("plaid" in toast.message for toast in pilot.app._notifications)


async def test_without_utf_8_everything_we_draw_is_ascii(services: FakeServices) -> None:
    app = WorkbenchApp(services.open, WorkbenchOptions(glyphs=ASCII))
    services.sessions.get("web-1").become(SessionState.READY)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert shown(pilot).isascii()
        question = asyncio.ensure_future(
            app.interaction.challenge(Challenge("h", "u", "", "Hello.", (Prompt("?", True),)))
        )
        app.interaction.announce("h", "Welcome.")
        async with asyncio.timeout(20):
            while not app.screen.is_modal:
                await pilot.pause()
        await pilot.pause()
        assert shown(pilot).isascii()
        await pilot.press("escape")
        await question


async def test_a_terminal_of_another_size_is_filled(fake_app: FakeApp) -> None:
    async with fake_app((120, 36)) as pilot:
        await pilot.resize_terminal(80, 24)
        await settled(pilot)
        lines = shown(pilot).splitlines()
        assert len(lines) == 24
        assert all(len(line) <= 80 for line in lines)
        assert "f1 help" in lines[-1]


def _front(pilot: Pilot[Any]) -> str:
    front = workbench(pilot).front
    return "" if front is None else front.NAME


async def test_a_prompt_cannot_be_left_by_changing_the_screen(fake_app: FakeApp) -> None:
    async with fake_app() as pilot:
        await pilot.press("ctrl+o")
        await settled(pilot)
        await pilot.press("alt+4")
        await settled(pilot)
        assert isinstance(pilot.app.screen, HostSwitcher)
        assert _front(pilot) == "connections"


def test_a_workbench_that_runs_searches_for_garbage_but_not_in_what_is_loaded(
    services: FakeServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program holds it back while it loads (`backend.garbage`); a workbench may run for days."""
    monkeypatch.setattr(WorkbenchApp, "run", lambda app: asyncio.run(_start_and_leave(app)))
    garbage.hold()
    try:
        run_workbench(services.open)
        assert gc.isenabled()
        assert gc.get_freeze_count() > 0
    finally:
        gc.enable()
        gc.unfreeze()


async def _start_and_leave(app: WorkbenchApp) -> None:
    async with app.run_test() as pilot:
        await settled(pilot)
