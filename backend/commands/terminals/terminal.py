"""One terminal: a program on a PTY of a host, the emulator that keeps its screen, and its life from opening to end.

It belongs to its service, whatever screen shows it. What arrives is fed to the emulator in slices, while the host is
held back; what is typed is sent in order. A lost link ends it and keeps its screen, under which it can be opened again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from backend.clock import Clock
from backend.commands.pulse import Pulse
from backend.commands.terminals.emulator import Emulator
from backend.commands.terminals.slices import Slicer
from backend.commands.terminals.typed import TypedAhead
from backend.commands.terminals.values import AT_REST, TerminalChanged, TerminalOutput, TerminalState
from backend.commands.verdict import judge
from backend.commands.workplace import placed, shell_command
from backend.connection.connector import ExitReport, PtyRequest, PtySize, RemoteProcess
from backend.connection.session import Session
from backend.errors import Code, FairleadError, LinkLost, SessionError
from backend.events import EventBus
from backend.tasks import cancel_all, closing
from backend.text import clean_line

log = logging.getLogger(__name__)

Consent = Callable[[], Awaitable[None]]
"""Asks the person where the host is production; raises FairleadError PRODUCTION_HOST."""
Tap = Callable[[bytes], Awaitable[None]]
"""Takes output as it came, after the emulator; what it waits for holds back the host."""

TERM = "xterm-256color"
_WINDOW = 64 << 10
"""Bytes of output under way: what was poured out before a ctrl+c is on the screen soon."""
_CLOSE_LIMIT = 5.0


class Terminal:
    """A terminal of the service. `emulator` has its screen and history."""

    def __init__(
        self,
        *,
        terminal_id: str,
        number: int,
        session: Session,
        command: bytes | None,
        emulator: Emulator,
        consent: Consent,
        bus: EventBus,
        clock: Clock,
    ) -> None:
        """`command` is run by the login shell; None is the login shell itself."""
        self.id = terminal_id
        self.number = number
        """From 1, for people; never given twice."""
        self.host = session.host
        self.command = command
        self.emulator = emulator
        self.opened_at = clock.now()
        self.state = TerminalState.OPENING
        self.report: ExitReport | None = None
        """How the program ended, once it has."""
        self.error: FairleadError | None = None
        """Why it was not started, or LinkLost."""
        self.ran = False
        """Its program has been started, so that there is something to be seen."""
        self.fresh = False
        """Something was written since `seen`."""
        self.bells = 0
        """Bells since `seen`."""
        self._session = session
        self._consent = consent
        self._bus = bus
        self._pulse = Pulse(lambda: bus.publish(TerminalOutput(self.host, self.id)), clock)
        self._slicer = Slicer()
        self._typed = TypedAhead()
        self._clipboard: list[str] = []
        self._process: RemoteProcess | None = None
        self._tap: Tap | None = None
        self._begin()

    # --- what people see -----------------------------------------------------------------------------------------

    @property
    def title(self) -> str:
        """What the program calls its window, else what was run: one clean line."""
        said = self.emulator.title
        if said or self.command is None:
            return said or "shell"
        return clean_line(self.command.decode("utf-8", "replace"))

    def seen(self) -> None:
        """The person looks at it: what was new is not any more."""
        self.fresh, self.bells = False, 0

    def take_clipboard(self) -> tuple[str, ...]:
        """Texts that the program wants in the person's clipboard, each handed out once."""
        texts, self._clipboard = tuple(self._clipboard), []
        return texts

    # --- what people do ------------------------------------------------------------------------------------------

    def type(self, data: bytes) -> bool:
        """Send `data` after all that was typed before. False where it was not taken: nothing runs, or the host takes
        no more and very much is waiting."""
        return self.state not in AT_REST and self._typed.put(data)

    def resize(self, columns: int, rows: int) -> None:
        """Both at least 1."""
        if (columns, rows) == (self.emulator.columns, self.emulator.rows):
            return
        self.emulator.resize(columns, rows)
        if self._process is not None:
            self._process.resize(self._size)

    def reopen(self) -> None:
        """Where it has ended or was lost: open it again, under what is on its screen. Waits for the session's link."""
        if self.state not in AT_REST:
            return
        self.report = self.error = None
        self.emulator.feed(_under_the_screen(self.emulator))
        self._typed.clear()
        self._begin()
        self._pulse.touch()

    @contextmanager
    def tapped(self, tap: Tap) -> Iterator[None]:
        """While inside, `tap` gets the output as well, and answers what the program asks of its terminal."""
        self._tap = tap
        try:
            yield
        finally:
            self._tap = None

    async def wait(self) -> None:
        """Return when it is at rest."""
        await asyncio.wait([self._task])

    async def close(self) -> None:
        """Hang up; bounded, never raises."""
        await cancel_all([self._task])

    # --- its life ------------------------------------------------------------------------------------------------

    @property
    def _size(self) -> PtySize:
        return PtySize(self.emulator.columns, self.emulator.rows)

    def _begin(self) -> None:
        self._enter(TerminalState.OPENING)
        self._task = asyncio.create_task(self._live(), name=f"terminal {self.id} on {self.host}")

    async def _live(self) -> None:
        try:
            self.report = await self._run()
        except asyncio.CancelledError:
            self._end(TerminalState.ENDED)
            raise
        except LinkLost as lost:
            self._end(TerminalState.LOST, lost.located(host=self.host))
        except FairleadError as failure:
            self._end(TerminalState.ENDED, failure.located(host=self.host))
        except Exception as bug:
            log.exception("terminal %s failed inside Fairlead", self.id)
            error = FairleadError(Code.INTERNAL, evidence={"reason": type(bug).__name__}, host=self.host)
            self._end(TerminalState.ENDED, error)
        else:
            self._end(TerminalState.ENDED)

    async def _run(self) -> ExitReport:
        await self._consent()
        link = await self._session.link()
        target = self._session.target
        command = shell_command(target) if self.command is None else placed(self.command, target)
        asked = self._size
        process = await link.open_process(command, pty=PtyRequest(TERM, asked, _WINDOW))
        try:
            self._process = process
            if self._size != asked:
                process.resize(self._size)
            self.ran = True
            self._enter(TerminalState.RUNNING)
            return await self._accompany(process)
        finally:
            self._process = None
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.close(), _CLOSE_LIMIT)

    async def _accompany(self, process: RemoteProcess) -> ExitReport:
        typing = asyncio.create_task(self._send_typed(process))
        try:
            async with closing(process.output()) as chunks:
                async for chunk in chunks:
                    await self._slicer.feed(self.emulator, chunk.data, self._after_slice)
                    if self._tap is not None:
                        await self._tap(chunk.data)
            return judge(await process.wait(), self.host)
        finally:
            await cancel_all([typing])

    async def _send_typed(self, process: RemoteProcess) -> None:
        with contextlib.suppress(SessionError, LinkLost):  # its output tells how it ended
            while True:
                await process.write(await self._typed.take())

    def _after_slice(self) -> None:
        wishes = self.emulator.take_wishes()
        self.fresh = True
        if self._tap is None:  # else the real terminal has rung, answered, and taken what was copied
            self.bells += wishes.bells
            self._typed.put(wishes.replies)
            self._clipboard.extend(wishes.clipboard)
        self._pulse.touch()

    def _enter(self, state: TerminalState) -> None:
        self.state = state
        self._bus.publish(TerminalChanged(self.host, self.id, state))

    def _end(self, state: TerminalState, error: FairleadError | None = None) -> None:
        self.error = error
        self.fresh = True
        self._pulse.stop()
        self._enter(state)


def _under_the_screen(emulator: Emulator) -> bytes:
    """What makes an emulator ready for another program: modes as at first, and the last screen moved up out of the way.

    The alternate screen is left, which shows what was there before it (ctlseqs: DECSTR, DECSET 1049, 1000 to 1006).
    """
    modes = b"".join(b"\x1b[?%dl" % mode for mode in (1049, 9, 1000, 1002, 1003, 1004, 1005, 1006, 1015, 1016, 2004))
    last_row = b"\x1b[%d;1H" % emulator.rows
    return modes + b"\x1b[!p\x1b[?7h" + last_row + b"\r\n" * emulator.rows + b"\x1b[H"
