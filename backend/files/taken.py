"""Asking about names that are taken: one question at a time, and none after one was answered for all names."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from backend.connection.interaction import Interaction
from backend.files.model import ConflictPolicy, NameTaken

NOT_ANSWERED = "it is there already, and nobody has said what to do"


class Questions:
    """The questions of one transfer."""

    def __init__(self, person: Interaction, settled: Callable[[ConflictPolicy], None]) -> None:
        """`settled` hears of an answer that goes for all names."""
        self._person = person
        self._settled = settled
        self._turn = asyncio.Lock()
        self._for_all: ConflictPolicy | None = None

    async def about(self, question: NameTaken) -> ConflictPolicy | None:
        """What is to be done; None when the person declined, or nobody is there."""
        async with self._turn:
            if self._for_all is not None:
                return self._for_all
            answer = await self._person.name_taken(question)
            if answer is None:
                return None
            if answer.for_all:
                self._for_all = answer.policy
                self._settled(answer.policy)
            return answer.policy


def comparison(question: NameTaken) -> str:
    """How what is there compares with what is to be copied: `what is there is older and smaller`."""
    words = [
        _compared(question.there_modified, question.modified, ("older", "of the same time", "newer")),
        _compared(question.there_size, question.size, ("smaller", "of the same size", "larger")),
    ]
    known = [word for word in words if word]
    return f"what is there is {' and '.join(known)}" if known else "they cannot be compared"


def _compared(there: float | None, here: float | None, words: tuple[str, str, str]) -> str:
    if there is None or here is None:
        return ""
    difference = int(there) - int(here)
    return words[(difference > 0) - (difference < 0) + 1]
