"""Looking at a machine from inside for why it refuses a login: asks which way in to take, and keeps what was found."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import ClassVar
from weakref import WeakKeyDictionary

from textual import work
from textual.binding import BindingType
from textual.suggester import SuggestFromList
from textual.worker import Worker

from backend.diagnostics.rungs import Diagnosis, RungId
from backend.diagnostics.server_side.findings import NotSeen
from backend.errors import FairleadError
from backend.text import clean_line
from tui.actions import Action, bindings_of
from tui.ladder import Ladder
from tui.prompts.line import LinePrompt
from tui.screens.base import WorkbenchScreen
from tui.widgets.server_side_view import Story

ACTIONS = (
    Action("diagnostics.inside", "i", "inside", "Look at the machine from inside, over another way in.", "Diagnostics",
           "diagnostics", rank=5),
)  # fmt: skip
_REFUSED = frozenset({RungId.AUTH, RungId.SESSION})
"""Rungs whose reasons are on the server."""


class LooksInside(WorkbenchScreen):
    """A screen with a ladder. Subclasses say which one, and draw it with its story."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(ACTIONS)]

    def __init__(self) -> None:
        super().__init__()
        self.stories: MutableMapping[Ladder, Story | str] = WeakKeyDictionary()
        """What was found for a ladder; the name under which the machine is looked at, while that is under way."""
        self._looks: MutableMapping[Ladder, Worker[None]] = WeakKeyDictionary()

    @property
    def ladder(self) -> Ladder | None:
        """The one that is shown."""
        raise NotImplementedError

    def ladder_changed(self, ladder: Ladder) -> None:
        """There is something new to show of it."""
        raise NotImplementedError

    def story_of(self, ladder: Ladder) -> Story | None:
        """What was found for it; None where nobody has looked, or is still looking."""
        story = self.stories.get(ladder)
        return None if isinstance(story, str) else story

    def may_look_inside(self) -> bool:
        """Whether there is a refused login, and nobody is looking yet."""
        ladder = self.ladder
        broken = None if ladder is None or ladder.climbing else ladder.broken
        return broken is not None and broken.id in _REFUSED and not self.is_looking

    @property
    def is_looking(self) -> bool:
        return self.ladder is not None and isinstance(self.stories.get(self.ladder), str)

    def stop_looking(self) -> None:
        if self.ladder is not None and (look := self._looks.get(self.ladder)) is not None:
            look.cancel()

    @work(group="inside", exit_on_error=False)
    async def action_inside(self) -> None:
        """Ask for the way in, the best known one filled in, and look."""
        ladder = self.ladder
        if ladder is None or not self.may_look_inside():
            return
        diagnosis = Diagnosis(ladder.host, ladder.rungs)
        ways = await self.services.server_sides.ways_in(diagnosis)
        names = ", ".join(clean_line(way) for way in ways)
        detail = f"At the same address: {names}." if names else "No other host of that address is known yet."
        detail = f"{detail} Its log and the account's state are read there; nothing is changed."
        by = await self.workbench.push_screen_wait(
            LinePrompt(
                f"look at {clean_line(ladder.host)} from inside, as",
                detail,
                value=ways[0] if ways else "",
                placeholder=f"root@{clean_line(ladder.host)}",
                suggester=SuggestFromList(ways),
                replaced=True,
            )
        )
        if by is not None and by.strip():
            self._looks[ladder] = self._look(ladder, diagnosis, by.strip())

    @work(group="look", exit_on_error=False)
    async def _look(self, ladder: Ladder, diagnosis: Diagnosis, by: str) -> None:
        self.stories[ladder] = by
        self.ladder_changed(ladder)
        try:
            self.stories[ladder] = await self.services.server_sides.look(diagnosis, by)
        except FairleadError as error:
            self.stories[ladder] = NotSeen(by, error)
        finally:
            if isinstance(self.stories.get(ladder), str):
                del self.stories[ladder]
            self.ladder_changed(ladder)
