"""The workbench: opens the services with its own prompts, holds the current host, and switches between the screens.

What a screen shows and does is the screen's own; what the program does is the services'. This file only wires.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from textual import events, work
from textual.app import App
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive
from textual.screen import Screen
from textual.widgets import Input

from backend import garbage
from backend.connection.interaction import Confirmation, Interaction
from backend.dataclass import dataclass
from backend.errors import Code, ConfigError, FairleadError
from backend.requests.model import OPEN
from backend.text import clean_line
from tui import glyphs as signs
from tui.actions import ALT_ACTIONS, SHELL_ACTIONS, WAYS, bindings
from tui.bridge import Bridge
from tui.detail.waiting import request_look, waiting_words
from tui.failing import TellsFailures
from tui.format import clock_text
from tui.keyboard import read_alt_keys, takes_all_keys
from tui.messages import Hears, HostSelected, Notice, RequestEnded, TerminalUpdated
from tui.prompts.interaction import ModalInteraction
from tui.screens.base import WorkbenchScreen
from tui.screens.opening import OpeningScreen
from tui.status import kept_open, latency_of, work_under_way
from tui.styles import KeptStyles
from tui.theme import ANSI, DARK, DEFAULT_VARIABLES, LIGHT, textual_name
from tui.transfer_looks import cut_off_words
from tui.widgets.header import HeaderFacts

if TYPE_CHECKING:
    from backend.container import Container

OpenServices = Callable[[Interaction], AbstractAsyncContextManager["Container"]]
"""Opens the services; questions go to the given interaction."""

_HERE = Path(__file__).parent

EXIT_CONFIG = 2
"""The exit status when the services cannot be opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkbenchOptions:
    """What the person, or the settings, want of the workbench."""

    theme: str = "dark"
    """`dark`, `light`, `ansi`, or a theme of Textual's own."""
    keymap: Mapping[str, str] = field(default_factory=dict)
    """Keys by action id, in place of the usual ones."""
    host: str | None = None
    """The host to begin with."""
    demo: bool = False
    """The services are those of the simulated world; the header says so."""
    open_demo: OpenServices | None = None
    """Opens the simulated world, where that can be offered."""
    config_file: Path | None = None
    """Where own hosts are written; named when there are none."""
    glyphs: signs.Glyphs | None = None
    """The signs to draw with; None asks the environment."""


_MOST_NAMED = 6
"""Sessions and forwards that are named before they are ended."""
_GO_ON = " Transfers go on where they stopped when Fairlead runs again and their host is connected."


def _connections() -> Screen[Any]:
    from tui.screens.connections import ConnectionsScreen

    return ConnectionsScreen()


def _commands() -> Screen[Any]:
    from tui.screens.commands import CommandsScreen

    return CommandsScreen()


def _files() -> Screen[Any]:
    from tui.screens.files import FilesScreen

    return FilesScreen()


def _terminals() -> Screen[Any]:
    from tui.screens.terminals import TerminalsScreen

    return TerminalsScreen()


def _diagnostics() -> Screen[Any]:
    from tui.screens.diagnostics import DiagnosticsScreen

    return DiagnosticsScreen()


class WorkbenchApp(TellsFailures):
    """Four screens, and one for terminals, over one container of services."""

    TITLE = "Fairlead"
    CSS_PATH: ClassVar[list[Path]] = [_HERE / "theme.tcss", _HERE / "prompts" / "prompts.tcss"]  # type: ignore[assignment]
    ENABLE_COMMAND_PALETTE = False  # ours is opened by `action_palette`
    SCREENS: ClassVar[dict[str, Callable[[], Screen[Any]]]] = {
        "connections": _connections,
        "commands": _commands,
        "files": _files,
        "diagnostics": _diagnostics,
        "terminals": _terminals,
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(*(action.id for action in SHELL_ACTIONS)),
        *bindings(*(action.id for action in ALT_ACTIONS)),
    ]
    host: reactive[str | None] = reactive(None, init=False)
    """The current host, for all screens."""

    def __init__(
        self,
        open_services: OpenServices,
        options: WorkbenchOptions | None = None,
        *,
        opened: Callable[[], object] = lambda: None,
    ) -> None:
        """`opened` is called when the first screen is there."""
        read_alt_keys()
        super().__init__()
        self.stylesheet = KeptStyles(variables=self.get_css_variables())
        self.options = options or WorkbenchOptions()
        self.glyphs = self.options.glyphs or signs.for_environment(os.environ)
        self.demo = self.options.demo
        self.wants_demo = False
        """The person left for the simulated world."""
        self.interaction = ModalInteraction(self)
        self._open_services = open_services
        self._opened = opened
        self._touched = time.monotonic()
        self._services: Container | None = None
        self._stack = AsyncExitStack()
        self.file_operations: set[asyncio.Task[object]] = set()
        """Deletions and the like that are under way, whether somebody looks or not."""
        self.handed_over = False
        """Another program has the person's terminal."""
        self.bridge: Bridge | None = None
        self.production_hosts: frozenset[str] = frozenset()
        """Names of the book that carry the production flag; sets the band before a host is resolved."""
        self.set_reactive(WorkbenchApp.host, self.options.host)
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.register_theme(ANSI)
        wanted = textual_name(self.options.theme)
        self.theme = wanted if wanted in self.available_themes else DARK.name
        self.set_keymap(self.options.keymap)

    # --- services ----------------------------------------------------------------------------------------------

    @property
    def services(self) -> Container:
        """The services; screens exist only while they are open."""
        assert self._services is not None, "the services are not open"
        return self._services

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return DEFAULT_VARIABLES

    def get_key_display(self, binding: Binding) -> str:
        if self.glyphs.utf8 or binding.key_display:
            return super().get_key_display(binding)
        return binding.key.replace("ctrl+", "^").replace("_", " ")

    def get_default_screen(self) -> Screen[Any]:
        return OpeningScreen()

    def on_mount(self) -> None:
        self.set_class(not self.glyphs.utf8, "-ascii")
        if self.theme != textual_name(self.options.theme):
            self.notify(f"There is no theme called {self.options.theme}.", severity="warning", markup=False)
        self.call_after_refresh(self._open)  # first a picture, then what takes a while to load

    @work(exclusive=True, group="services")
    async def _open(self) -> None:
        """Open the services, then show the first screen."""
        try:
            self._services = await self._stack.enter_async_context(self._open_services(self.interaction))
        except FairleadError as error:
            self.exit(EXIT_CONFIG, return_code=EXIT_CONFIG, message=_plain(error))
            return
        self.bridge = Bridge(self.services.bus, self._to_front)
        self._stack.callback(self.bridge.close)
        await self.push_screen("connections")
        self._opened()
        self._tell_of_waiting()

    @work(exclusive=True, group="waiting", exit_on_error=False)
    async def _tell_of_waiting(self) -> None:
        """Serve what waits for hosts that come, and say how much there is from the last time."""
        try:
            waiting = [request for request in await self.services.requests.all() if request.state in OPEN]
            cut_off = await self.services.transfers.serve()
        except FairleadError as error:
            self.notify(error.message, title="waiting requests", severity="warning", markup=False)
            return
        if waiting:
            self.notify(waiting_words([request.host for request in waiting]), title="waiting", markup=False)
        if cut_off:
            self.notify(cut_off_words(cut_off), title="transfers", markup=False)

    async def on_unmount(self) -> None:
        await self._stack.aclose()

    def _to_front(self, message: Message) -> None:
        if self.front is not None:
            self.front.post_message(message)
        if self.screen_stack and isinstance(self.screen, Hears):
            self.screen.hear(message)

    # --- what all screens share ----------------------------------------------------------------------------------

    @property
    def front(self) -> WorkbenchScreen | None:
        """The screen that is seen, perhaps behind a prompt."""
        return next((screen for screen in reversed(self.screen_stack) if isinstance(screen, WorkbenchScreen)), None)

    def header_facts(self, tab: str) -> HeaderFacts:
        """What the header of the screen `tab` tells now."""
        under_way = work_under_way(self.services)
        facts = HeaderFacts(
            tab,
            clock_text(self.services.clock.now()),
            transfers=under_way.transfers,
            commands=under_way.commands,
            terminals=under_way.terminals,
            demo=self.demo,
            asking=self.interaction.holding_back,
            typing=self.front is not None and isinstance(self.front.focused, Input),
        )
        if self.host is None:
            return facts
        session = self.services.sessions.get(self.host)
        return replace(
            facts,
            host=self.host,
            state=session.state,
            latency=latency_of(session),
            route=session.facts.route if session.facts else (),
            over=session.target.route if session.facts and session.target and session.target.route != "direct" else "",
            production=session.target.production if session.target else self.host in self.production_hosts,
        )

    def watch_host(self) -> None:
        if self.front is not None:
            self.front.follow_host()

    def on_host_selected(self, message: HostSelected) -> None:
        self.host = message.host

    def on_request_ended(self, message: RequestEnded) -> None:
        request = message.request
        shown = request_look(request, self.glyphs)
        severity: Literal["information", "warning"] = "information" if shown.style == "$success" else "warning"
        words = f"{shown.word}: {clean_line(request.action.words)}"
        self.notify(words, title=clean_line(request.host), severity=severity, markup=False)

    def on_terminal_updated(self, message: TerminalUpdated) -> None:
        if self.handed_over:
            return  # what is written for the person's terminal now would wait for ever
        if (terminal := self.services.terminals.find(message.terminal_id)) is not None:
            for text in terminal.take_clipboard():
                self.copy_to_clipboard(text)
                words = f"A program copied {len(text):,} characters to your clipboard."
                self.notify(words, title=clean_line(message.host), markup=False)

    def on_notice(self, message: Notice) -> None:
        self.notify(message.text, title=message.title, severity=message.severity, markup=False)

    def quiet(self) -> float:
        """Seconds since a key or the mouse was used."""
        return time.monotonic() - self._touched

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.InputEvent):
            self._touched = time.monotonic()
        if isinstance(event, events.Key) and not event.is_forwarded:
            if self._typing_elsewhere():
                self.interaction.guard.typed()
            elif await self._went(event.key):
                return
        if isinstance(event, events.Key) and not event.is_forwarded and takes_all_keys(focused := self.focused):
            focused._forward_event(event)  # a terminal's program may need any of ours
        else:
            await super().on_event(event)

    async def _went(self, key: str) -> bool:
        """Whether the key leads to another screen. That is gone to at once: keys that come right behind are for it."""
        active = self.active_bindings.get(key) if isinstance(self.screen, WorkbenchScreen) else None
        if active is None or active.binding.id not in WAYS:
            return False
        return await self.run_action(active.binding.action, active.node)

    def _typing_elsewhere(self) -> bool:
        """Whether keys now go to a line of text that is not a prompt's."""
        focused = self.focused
        if focused is None or self.screen.is_modal:
            return False
        return takes_all_keys(focused) or focused.check_consume_key("a", "a")

    # --- actions of the shell ------------------------------------------------------------------------------------

    async def action_show(self, name: str) -> None:
        """Go to a screen. From a prompt there is no way round the question."""
        if isinstance(self.screen, WorkbenchScreen):
            await self.switch_screen(name)
            if isinstance(self.screen, WorkbenchScreen):
                self.screen.take_focus()

    async def action_terminal(self, *, anew: bool = False) -> None:
        """Go to the terminals: to that of the current host, which is opened where there is none, or `anew`."""
        from tui.screens.terminals import TerminalsScreen

        before = self.screen.NAME if isinstance(self.screen, WorkbenchScreen) else ""
        await self.action_show("terminals")
        if isinstance(self.screen, TerminalsScreen):
            self.screen.came_from = before if before != TerminalsScreen.NAME else self.screen.came_from
            self.screen.enter(anew=anew)

    async def action_new_terminal(self) -> None:
        await self.action_terminal(anew=True)

    async def diagnose(self) -> None:
        """Go to the diagnostics and climb the ladder of the current host."""
        from tui.screens.diagnostics import DiagnosticsScreen

        await self.action_show("diagnostics")
        if isinstance(self.screen, DiagnosticsScreen):
            self.screen.action_climb()

    def open_demo(self) -> None:
        """Leave these services for the simulated world."""
        self.wants_demo = True
        self.exit(0)

    @contextmanager
    def hand_over(self) -> Iterator[None]:
        """The terminal is somebody else's; nothing is drawn meanwhile, and all goes on.

        Raises SuspendNotSupported where it cannot be handed over.
        """
        with self.batch_update(), self.suspend():
            self.handed_over = True
            try:
                yield
            finally:
                self.handed_over = False

    async def run_editor(self, command: list[str], path: str) -> int:
        """Hand the terminal to an editor until it ends; its status. Nothing is drawn meanwhile, and all goes on.

        Raises ConfigError (USAGE) where the terminal cannot be handed over or the editor not started.
        """
        from textual.app import SuspendNotSupported

        from backend.files.editor import run_editor

        try:
            with self.hand_over():
                return await run_editor(command, path)
        except SuspendNotSupported as error:
            problem = "this terminal cannot be handed to an editor"
            raise ConfigError(Code.USAGE, evidence={"problem": problem}) from error

    def action_press(self, key: str) -> None:
        """A key of the footer was clicked."""
        self.simulate_key(key)

    def action_palette(self) -> None:
        from textual.command import CommandPalette

        from tui.palette import ActionProvider

        if not CommandPalette.is_open(cast("App[object]", self)):
            self.push_screen(CommandPalette(providers=[ActionProvider], placeholder="What do you want to do?"))

    def action_toggle_help(self) -> None:
        from tui.prompts.help import HelpPrompt

        self.push_screen(HelpPrompt(self.screen))

    @work(exclusive=True, group="switcher")
    async def action_switch_host(self) -> None:
        from tui.prompts.switcher import HostSwitcher

        if self._services is None or isinstance(self.screen, HostSwitcher):
            return
        if (host := await self.push_screen_wait(HostSwitcher(self.services, self.glyphs))) is not None:
            self.host = host

    def action_explain_ctrl_c(self) -> None:
        self.notify("ctrl+q leaves Fairlead. A running command is stopped on the commands screen.", markup=False)

    @work(exclusive=True, group="quit")
    async def action_quit(self) -> None:  # type: ignore[override]  # a worker may ask first
        """Leave; asks while work is running, because leaving stops it."""
        if self._services is None:
            self.exit(0)
            return
        if under_way := work_under_way(self.services, operations=len(self.file_operations)):
            from tui.prompts.confirm import ConfirmPrompt

            names = kept_open(self._services, self.glyphs)
            told = [f"{under_way.text} would be stopped.{_GO_ON if under_way.transfers else ''}"]
            told += [f"  {name}" for name in names[:_MOST_NAMED]]
            told += [f"  and {len(names) - _MOST_NAMED} more"] if len(names) > _MOST_NAMED else []
            question = Confirmation(
                "leave Fairlead?",
                "\n".join(told),
                yes="Leave",
                danger=True,
            )
            if not await self.push_screen_wait(ConfirmPrompt(question)):
                return
        self.exit(0)

    def _fatal_error(self) -> None:
        """A bug of ours: told with a traceback that shows no values, since values may be secrets."""
        from rich.segment import Segments
        from rich.traceback import Traceback

        self.bell()
        traceback = Traceback(show_locals=False, width=None)
        self._exit_renderables.append(Segments(self.console.render(traceback, self.console.options)))
        self._close_messages_no_wait()


def _plain(error: FairleadError) -> str:
    steps = "".join(f"\n  {item.text}" + (f" ({item.command})" if item.command else "") for item in error.advice)
    return f"{error.message}{steps}\n[{error.code.value}]"


def run_workbench(open_services: OpenServices, options: WorkbenchOptions | None = None) -> int:
    """Run the workbench on this terminal until the person leaves; the exit status."""

    def opened() -> None:
        garbage.QuietSearch(app.quiet).keep_on(asyncio.get_running_loop())

    app = WorkbenchApp(open_services, options, opened=opened)
    app.run()
    if app.wants_demo and app.options.open_demo is not None:
        return run_workbench(app.options.open_demo, replace(app.options, demo=True, host=None, open_demo=None))
    return app.return_code or 0
