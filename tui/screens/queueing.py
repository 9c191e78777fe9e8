"""What is asked of a host that is not there: done now, after connecting, or queued; never without saying which."""

from __future__ import annotations

from backend.connection.state import BUSY, CONNECTED, SessionState
from backend.errors import FairleadError
from backend.requests.model import Action
from backend.text import clean_line
from tui.format import moment_text
from tui.messages import Notice, OperationFailed
from tui.prompts.away import AwayAnswer, AwayPrompt, Choice
from tui.screens.base import WorkbenchScreen

_THERE = (CONNECTED | BUSY) - {SessionState.RECONNECTING}
"""Connected, or being connected because somebody asked for that."""


def is_away(screen: WorkbenchScreen, host: str) -> bool:
    """Whether it has to be asked what becomes of something that `host` is to do."""
    return screen.services.sessions.get(host).state not in _THERE


async def ask_about(screen: WorkbenchScreen, host: str, action: Action) -> AwayAnswer | None:
    """What the person wants; what is to be queued has been queued then. None is nothing. Call it from a worker."""
    session, clock = screen.services.sessions.get(host), screen.services.clock
    answer = await screen.workbench.push_screen_wait(AwayPrompt(host, session.state, action, clock.now))
    if answer is None:
        return None
    if answer.choice is Choice.NOW:
        session.retry_now()
    elif not await _queue(screen, host, answer):
        return None
    return answer


async def _queue(screen: WorkbenchScreen, host: str, answer: AwayAnswer) -> bool:
    """Keep it until the host is there; False where that failed, which is told."""
    try:
        request = await screen.services.requests.submit(
            host, answer.action, priority=answer.priority, deadline=answer.deadline, repeatable=answer.repeatable
        )
    except FairleadError as error:
        screen.post_message(OperationFailed(error, f"queueing for {clean_line(host)}"))
        return False
    until = f", not after {moment_text(answer.deadline, screen.services.clock.now())}" if answer.deadline else ""
    words = f"{clean_line(request.action.words)}{until}. w on Connections shows what waits."
    screen.post_message(Notice(words, title=f"queued for {clean_line(host)}"))
    return True
