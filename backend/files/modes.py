"""Modes and owners as people write them: `644`, `u+x,go-w`, `deploy:www-data`. Pure (chmod(1), chown(1))."""

from __future__ import annotations

import re

from backend.dataclass import dataclass
from backend.errors import Code, ConfigError

_OCTAL = re.compile(r"[0-7]{1,4}")
_CLAUSE = re.compile(r"(?P<who>[ugoa]*)(?P<steps>(?:[-+=](?:[ugo]|[rwxXst]*))+)")
_STEP = re.compile(r"(?P<operator>[-+=])(?P<what>[ugo]|[rwxXst]*)")
_SHIFTS = {"u": 6, "g": 3, "o": 0}
_BITS = {"r": 4, "w": 2, "x": 1}
_USUAL_UMASK = 0o022
"""What `+w` without a whom leaves alone; the host's own mask is not known here."""


@dataclass(frozen=True, slots=True)
class _Step:
    who: str
    operator: str
    what: str
    masked: bool
    """Nobody was named: the usual umask holds some bits back."""


@dataclass(frozen=True, slots=True)
class ModeChange:
    """What is to become of a mode."""

    text: str
    """As it was written."""
    exact: int | None = None
    """For an octal mode: permission bits, `0o7777` at most."""
    steps: tuple[_Step, ...] = ()

    @property
    def needs_old(self) -> bool:
        """Whether the new mode depends on the old one."""
        return self.exact is None

    def applied(self, mode: int, *, is_directory: bool) -> int:
        """The new mode for a file that has `mode`."""
        if self.exact is not None:
            return self.exact
        for step in self.steps:
            mode = _stepped(mode, step, is_directory=is_directory)
        return mode


def parse_mode(text: str) -> ModeChange:
    """`644`, `0755`, `u+x,go-w`, `a=rX`, `g=u`, `+t`. Raises ConfigError (USAGE)."""
    if _OCTAL.fullmatch(text):
        return ModeChange(text, exact=int(text, 8))
    steps: list[_Step] = []
    for clause in text.split(","):
        match = _CLAUSE.fullmatch(clause)
        if match is None:
            problem = f"{text} is no mode: write it as 640, or as u+x,go-w"
            raise ConfigError(Code.USAGE, evidence={"problem": problem})
        who = "ugo" if not match["who"] or "a" in match["who"] else match["who"]
        steps += [_Step(who, step["operator"], step["what"], not match["who"]) for step in _STEP.finditer(clause)]
    return ModeChange(text, steps=tuple(steps))


def _stepped(mode: int, step: _Step, *, is_directory: bool) -> int:
    wanted = _wanted(mode, step, is_directory=is_directory)
    if step.masked:
        wanted &= ~_USUAL_UMASK
    if step.operator == "+":
        return mode | wanted
    if step.operator == "-":
        return mode & ~wanted
    return mode & ~_reach(step, is_directory=is_directory) | wanted


def _wanted(mode: int, step: _Step, *, is_directory: bool) -> int:
    """The bits that a step speaks of."""
    if step.what in _SHIFTS:
        copied = mode >> _SHIFTS[step.what] & 7
        return sum(copied << _SHIFTS[who] for who in set(step.who))
    bits = sum({_BITS[letter] for letter in step.what if letter in _BITS})
    if "X" in step.what and (is_directory or mode & 0o111):
        bits |= 1
    wanted = sum(bits << _SHIFTS[who] for who in set(step.who))
    if "s" in step.what:
        wanted |= (0o4000 if "u" in step.who else 0) | (0o2000 if "g" in step.who else 0)
    return wanted | (0o1000 if "t" in step.what else 0)


def _reach(step: _Step, *, is_directory: bool) -> int:
    """The bits that `=` takes away first. The set-id bits of a directory stay, as chmod(1) of GNU has it."""
    reach = sum(7 << _SHIFTS[who] for who in set(step.who))
    if not is_directory:
        reach |= (0o4000 if "u" in step.who else 0) | (0o2000 if "g" in step.who else 0)
    return reach | (0o1000 if step.who == "ugo" and not is_directory else 0)


@dataclass(frozen=True, slots=True)
class OwnerChange:
    """Who is to own a file; None leaves it as it is. Names, or numbers as text."""

    user: str | None
    group: str | None


def parse_owner(text: str) -> OwnerChange:
    """`USER`, `USER:GROUP` or `:GROUP`. Raises ConfigError (USAGE)."""
    user, colon, group = text.partition(":")
    if (not user and not group) or (colon and not group) or any(c.isspace() or c in "/\0" for c in text):
        problem = f"{text!r} names no owner: write USER, USER:GROUP or :GROUP"
        raise ConfigError(Code.USAGE, evidence={"problem": problem})
    return OwnerChange(user or None, group or None)
