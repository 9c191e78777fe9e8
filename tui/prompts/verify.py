"""Verifying a connection: what people do with a host, tried one thing after the other, with a tick for each."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from contextlib import aclosing
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.binding import BindingType
from textual.content import Content
from textual.worker import Worker

from backend.dataclass import dataclass
from backend.diagnostics.checks import Check, CheckId, CheckStatus
from backend.errors import FairleadError
from backend.text import clean_line
from tui.actions import Action, bindings_of, key_shown
from tui.format import latency_text
from tui.glyphs import Glyphs
from tui.messages import Notice
from tui.prompts.panel import Panel, PanelList
from tui.remedy_words import AppliedBy, applied_by, choices, fixes
from tui.widgets.explanation import explain

if TYPE_CHECKING:
    from backend.container import Container
    from backend.diagnostics.explain import Explanation
    from backend.diagnostics.remedies.model import Remedy

_GROUP = "Verify"
_WORDS = {
    CheckId.EXEC: "run a command",
    CheckId.SHELL: "login shell",
    CheckId.HOME: "home directory",
    CheckId.SFTP: "files (SFTP)",
    CheckId.WRITE: "write a file",
    CheckId.SPACE: "free space",
    CheckId.FORWARD: "pass through",
    CheckId.CLOCK: "clock difference",
    CheckId.MODULES: "modules",
}
_WORD_WIDTH = max(map(len, _WORDS.values()))
_TIME_WIDTH = 7

ACTIONS = (
    Action("verify.again", "r", "run again", "Try everything once more.", _GROUP, "verify", rank=1),
    Action("verify.stop", "x", "stop", "Stop; what was written for the test is removed.", _GROUP, "verify", rank=1),
    Action("verify.fix", "f", "do it", "Do what is marked with this key, after a question.", _GROUP, "verify", rank=2),
    Action("verify.choose_key", "k", "another key", "Choose another key for this host.", _GROUP, "verify", rank=3),
    Action("verify.copy", "c", "copy", "Copy the list.", _GROUP, "verify", rank=4),
)


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One thing to try."""

    id: CheckId
    check: Check | None
    """Its verdict; None while it is under way or still to come."""
    under_way: bool = False


class CheckList(PanelList[CheckRow]):
    """The checks, one line each."""

    HELP = """
    Small things, one after the other, over the connection that is there: each with what was found and how long it
    took. A file is written in the home directory and removed again. Closing this stops it.
    """

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(id="panel-list")
        self._glyphs = glyphs

    def key_of(self, row: CheckRow) -> Hashable:
        return row.id

    def draw(self, row: CheckRow, width: int) -> Content:
        return check_line(row, width, self._glyphs)


class VerifyPanel(Panel[CheckRow]):
    """Opened with `v`; begins at once."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(ACTIONS)]

    def __init__(self, host: str, services: Container, glyphs: Glyphs) -> None:
        super().__init__(host, services, glyphs)
        self._checks: dict[CheckId, Check] = {}
        self._run: Worker[None] | None = None
        self._problem: FairleadError | None = None
        self._told: Explanation | None = None
        """What is known about the problem."""

    @property
    def heading(self) -> str:
        return f"verify {clean_line(self.host)}"

    def make_list(self) -> CheckList:
        return CheckList(self.glyphs)

    def on_mount(self) -> None:
        self.action_again()

    def rows(self) -> list[CheckRow]:
        if self._problem is not None and not self._checks:
            return []
        next_one = next((one for one in CheckId if one not in self._checks), None)
        return [CheckRow(one, self._checks.get(one), under_way=self._under_way and one is next_one) for one in CheckId]

    _under_way = False

    def story(self, row: CheckRow, width: int) -> Content:
        if row.check is None:
            return Content.styled(f"Under way{self.glyphs.ellipsis}" if row.under_way else "Not reached.", "$quiet")
        check = row.check
        return explain(
            clean_line(check.summary), check.code, check.evidence, check.advice, keys=self._keys, width=width
        )

    def nothing(self, width: int) -> Content:
        problem, told = self._problem, self._told
        if problem is None or told is None:
            return Content("")
        return explain(problem.message, problem.code, told.evidence, told.advice, keys=self._keys, width=width)

    @property
    def _remedies(self) -> tuple[Remedy, ...]:
        """What can be done about what is told: of the check under the cursor, or of why nothing could be tried."""
        if self._told is not None and not self._checks:
            return self._told.remedies
        row = self.current
        return row.check.remedies if row is not None and row.check is not None else ()

    @property
    def _keys(self) -> AppliedBy:
        keymap = self.workbench.options.keymap
        return applied_by(self._remedies, key_shown("verify.fix", keymap), key_shown("verify.choose_key", keymap))

    def summary(self) -> str:
        if self._under_way:
            return f"{len(self._checks)} of {len(CheckId)}"
        return verdict(self._checks.values()) if self._checks else ""

    # --- what is done --------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        match action:
            case "again":
                return not self._under_way
            case "stop":
                return self._under_way
            case "fix":
                return not self._under_way and bool(fixes(self._remedies))
            case "choose_key":
                return not self._under_way and bool(choices(self._remedies))
            case "copy":
                return bool(self._checks)
            case _:
                return True

    def action_again(self) -> None:
        self._checks, self._problem, self._told, self._under_way = {}, None, None, True
        self._run = self._verify()
        self.redraw()

    @work(exclusive=True, group="verify", exit_on_error=False)
    async def _verify(self) -> None:
        try:
            async with aclosing(self.services.verification.check(self.host)) as checks:
                async for check in checks:
                    self._checks[check.id] = check
                    self._follow(check)
        except FairleadError as error:
            self._told = await self.services.explain(error, self.host)
            self._problem = error
        finally:
            self._under_way = False
            self.redraw()
            self._to_the_worst()

    def _follow(self, check: Check) -> None:
        self.redraw()
        self.list_.move_to(check.id)

    def _to_the_worst(self) -> None:
        """What needs the person is explained first."""
        worst = (CheckStatus.FAIL, CheckStatus.WARN)
        for status in worst:
            found = next((check for check in self._checks.values() if check.status is status), None)
            if found is not None and self.is_mounted:
                self.list_.move_to(found.id)
                return

    def action_stop(self) -> None:
        if self._run is not None:
            self._run.cancel()

    def action_fix(self) -> None:
        self.workbench.remedy(fixes(self._remedies))

    def action_choose_key(self) -> None:
        self.workbench.remedy(choices(self._remedies))

    def action_copy(self) -> None:
        lines = [
            f"{one.status.value:<5} {_WORDS[one.id]:<{_WORD_WIDTH}}  {one.summary}" for one in self._checks.values()
        ]
        self.app.copy_to_clipboard("\n".join([f"{self.heading}: {verdict(self._checks.values())}", *lines]) + "\n")
        self.workbench.post_message(Notice("The list is on the clipboard."))


def verdict(checks: Iterable[Check]) -> str:
    """One short sentence about all of them."""
    statuses = [check.status for check in checks]
    failed, warned = statuses.count(CheckStatus.FAIL), statuses.count(CheckStatus.WARN)
    parts = [f"{failed} failed"] if failed else []
    parts += [f"{warned} warning{'' if warned == 1 else 's'}"] if warned else []
    skipped = statuses.count(CheckStatus.SKIP)
    words = ", ".join(parts) if parts else "all is well" if len(statuses) == len(CheckId) else "stopped"
    return f"{words}, {skipped} skipped" if skipped else words


def check_line(row: CheckRow, width: int, glyphs: Glyphs) -> Content:
    """One check in `width` cells: sign, what was tried, what was found, how long it took."""
    word = f"{_WORDS[row.id]:<{_WORD_WIDTH}}"
    if row.check is None:
        glyph, style = (glyphs.busy, "$warning") if row.under_way else (glyphs.not_reached, "$faint")
        return Content.assemble((glyph, style), " ", (word, "" if row.under_way else "$quiet"))
    check = row.check
    glyph, style = _look(check.status, glyphs)
    head = Content.assemble((glyph, style), " ", (word, "$quiet" if check.status is CheckStatus.SKIP else ""))
    room = max(8, width - head.cell_length - _TIME_WIDTH - 3)
    said = Content.styled(clean_line(check.summary), style if check.status is CheckStatus.FAIL else "$quiet")
    took = f"{latency_text(check.ms / 1000):>{_TIME_WIDTH}}"
    return Content.assemble(head, "  ", said.truncate(room, ellipsis=True, pad=True), " ", (took, "$quiet"))


def _look(status: CheckStatus, glyphs: Glyphs) -> tuple[str, str]:
    return {
        CheckStatus.PASS: (glyphs.passed, "$success"),
        CheckStatus.WARN: (glyphs.attention, "$warning"),
        CheckStatus.FAIL: (glyphs.failed, "$error"),
        CheckStatus.SKIP: (glyphs.dash, "$quiet"),
    }[status]
