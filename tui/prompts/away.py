"""A host is not there and something is asked of it: connect and do it now, or queue it until the host is there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from enum import Enum

from textual import work
from textual.app import ComposeResult
from textual.content import Content

from backend.connection.state import SessionState
from backend.dataclass import dataclass
from backend.files.model import UNATTENDED
from backend.priority import Priority
from backend.requests.model import Action as Asked
from backend.requests.model import CopyFiles, RunCommand
from backend.text import clean_line
from tui.actions import Action, bindings_of
from tui.detail.table import TableRow, table
from tui.detail.waiting import conflict_words
from tui.format import moment_text
from tui.prompts.base import Prompt
from tui.prompts.deadline import ask_deadline
from tui.widgets.flow import Flow

ACTIONS = (
    Action("away.now", "enter,c", "connect and do it now", "Connect to the host first, then do it.", scope="prompts",
           rank=1),
    Action("away.queue", "q", "queue it", "Do it as soon as the host is there, whenever that is.", scope="prompts",
           rank=2),
    Action("away.deadline", "d", "deadline", "Say after which time it is not to be begun.", scope="prompts", rank=4),
    Action("away.priority", "p", "priority", "Low, normal or high: higher ones go first.", scope="prompts", rank=5),
    Action("away.repeat", "t", "repeat", "Whether it may be begun again when it was cut off.", scope="prompts"),
    Action("away.conflict", "k", "names taken", "What becomes of names that are taken then.", scope="prompts"),
    Action("away.decline", "escape", "leave", "Do nothing.", scope="prompts", rank=3, key_display="esc"),
)  # fmt: skip


class Choice(Enum):
    """What the person wants."""

    NOW = 1
    QUEUE = 2


@dataclass(frozen=True, slots=True)
class AwayAnswer:
    """What the person wants, and how it is queued."""

    choice: Choice
    action: Asked
    priority: Priority = Priority.NORMAL
    deadline: datetime | None = None
    repeatable: bool = False


class AwayPrompt(Prompt[AwayAnswer | None]):
    """Asks what becomes of `action`. None does nothing."""

    BINDINGS = bindings_of(ACTIONS)

    def __init__(self, host: str, state: SessionState, action: Asked, now: Callable[[], datetime]) -> None:
        super().__init__(f"{clean_line(host)} is {away_words(state)}")
        self._host = host
        self._state = state
        self._now = now
        self._wanted = AwayAnswer(Choice.NOW, action)

    def compose_body(self) -> ComposeResult:
        yield Flow(self._content)

    def _content(self, width: int) -> Content:
        wanted, action, until = self._wanted, self._wanted.action, self._wanted.deadline
        deadline = "none" if until is None else f"not after {moment_text(until, self._now())}"
        rows: list[TableRow] = [
            ("what", Content.styled(clean_line(action.words), "bold")),
            ("now", _now_words(self._state)),
            ("queued", "it waits, over a restart too, until the host is connected; then it is done once"),
            ("deadline", _changed_by("d", deadline)),
            ("priority", _changed_by("p", wanted.priority.name.lower())),
        ]
        if isinstance(action, CopyFiles):
            rows.append(("names", _changed_by("k", conflict_words(action.on_conflict))))
        else:
            again = "it is begun again" if wanted.repeatable else "it is told as unknown, not done twice"
            rows.append(("cut off", _changed_by("t", again)))
        return table(rows, width)

    def _change(self, wanted: AwayAnswer) -> None:
        self._wanted = wanted
        self.query_one(Flow).show(self._content)

    # --- the answers ---------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "repeat":
            return isinstance(self._wanted.action, RunCommand)
        if action == "conflict":
            return isinstance(self._wanted.action, CopyFiles)
        return None if action in {"now", "queue"} and not self.armed else True

    def action_now(self) -> None:
        self.dismiss(self._wanted)

    def action_queue(self) -> None:
        self.dismiss(replace(self._wanted, choice=Choice.QUEUE))

    def action_priority(self) -> None:
        priorities = list(Priority)
        following = priorities[(priorities.index(self._wanted.priority) + 1) % len(priorities)]
        self._change(replace(self._wanted, priority=following))

    def action_repeat(self) -> None:
        self._change(replace(self._wanted, repeatable=not self._wanted.repeatable))

    def action_conflict(self) -> None:
        action = self._wanted.action
        if isinstance(action, CopyFiles):
            policies = UNATTENDED
            following = policies[(policies.index(action.on_conflict) + 1) % len(policies)]
            self._change(replace(self._wanted, action=replace(action, on_conflict=following)))

    @work(group="deadline", exclusive=True, exit_on_error=False)
    async def action_deadline(self) -> None:
        if (wanted := await ask_deadline(self.app, self._now, self._wanted.deadline)) is not None:
            self._change(replace(self._wanted, deadline=wanted.until))


def _changed_by(key: str, words: str) -> Content:
    return Content.assemble(f"{words}  ", (key, "bold $accent"))


def away_words(state: SessionState) -> str:
    """How a host is away."""
    return "being reconnected" if state is SessionState.RECONNECTING else "not connected"


def _now_words(state: SessionState) -> str:
    if state is SessionState.RECONNECTING:
        return "another try is made at once; it is done when one succeeds, as long as this program runs"
    return "the host is connected first; it is done when that succeeds, and fails with it"
