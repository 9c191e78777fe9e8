"""What was read of a command. Frozen values only."""

from __future__ import annotations

from collections.abc import Sequence

from backend.dataclass import dataclass


class Unreadable(Exception):
    """A command whose meaning is not known before it runs; `str()` says why."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word."""

    text: str
    """What stands there literally; what a shell puts in is left out."""
    sure: bool = True
    """Whether the shell passes on just that."""
    quoted: bool = False
    scripts: tuple[str, ...] = ()
    """Scripts whose output goes into it."""

    @property
    def bare(self) -> str:
        """The word as keywords are written; empty where it is quoted or not sure."""
        return self.text if self.sure and not self.quoted else ""


@dataclass(frozen=True, slots=True)
class Simple:
    """One program, or builtin, with its arguments; or a redirection, whose name is its operator."""

    words: tuple[Word, ...]
    starts: tuple[Simple, ...] | None = ()
    """The commands that it starts, as sudo(8), env(1) and `sh -c` do; None where they are not known."""

    @property
    def name(self) -> str | None:
        """Without its directory; None where it is not known."""
        first = self.words[0]
        return first.text.rpartition("/")[2] or first.text if first.sure else None

    @property
    def shown(self) -> str:
        """For people, not cleaned."""
        return " ".join(word.text if word.sure else f"{word.text}…" for word in self.words)


@dataclass(frozen=True, slots=True)
class Reading:
    """All commands that a text starts, in the order in which they stand there."""

    commands: tuple[Simple, ...]

    def all(self) -> Sequence[Simple]:
        """With those that they start themselves."""
        found: list[Simple] = []
        waiting = list(reversed(self.commands))
        while waiting:
            command = waiting.pop()
            found.append(command)
            waiting += reversed(command.starts or ())
        return found
