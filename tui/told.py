"""What the screens say of failures that they show in place: the backend's explanation, looked up once for each.

Until it is known the failure is told as it is; then whoever shows it draws itself anew.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, runtime_checkable
from weakref import WeakKeyDictionary

from textual.dom import DOMNode

from backend.errors import FairleadError

Explain = Callable[[FairleadError, str | None], Awaitable[FairleadError]]
Run = Callable[[Awaitable[None]], object]


@runtime_checkable
class TellsMore(Protocol):
    """An app that knows more about failures than they say."""

    def told(self, error: FairleadError, host: str | None, redraw: Callable[[], object]) -> FairleadError:
        """As `ToldFailures.of`."""
        ...


def told_at(node: DOMNode, error: FairleadError, host: str | None, redraw: Callable[[], object]) -> FairleadError:
    """What the app of `node` knows about `error`, for what is shown there."""
    return node.app.told(error, host, redraw) if isinstance(node.app, TellsMore) else error


class ToldFailures:
    """Failures by identity: an attempt that fails again is another failure, and is explained anew."""

    def __init__(self, explain: Explain, run: Run) -> None:
        self._explain = explain
        self._run = run
        self._known: WeakKeyDictionary[FairleadError, FairleadError | None] = WeakKeyDictionary()
        """None while it is being looked up."""

    def of(self, error: FairleadError, host: str | None, redraw: Callable[[], object]) -> FairleadError:
        """`error` with all that is known of it by now; `redraw` is called when that is more."""
        if error not in self._known:
            self._known[error] = None
            self._run(self._look_up(error, host, redraw))
        return self._known[error] or error

    async def _look_up(self, error: FairleadError, host: str | None, redraw: Callable[[], object]) -> None:
        self._known[error] = await self._explain(error, host)
        redraw()
