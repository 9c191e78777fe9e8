"""Lists of allowed and denied commands, and what they say about a command that was read. Pure.

A rule is a command with patterns in it: `systemctl restart *`. Its first word is a program's name (or its path, where
there is a slash), the others are `*` and `?` patterns for words (fnmatch(3)); `> /etc/*` stands for output into a file.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from fnmatch import fnmatchcase

from backend.commands.policy.reader import read
from backend.commands.policy.values import Reading, Simple, Unreadable, Word
from backend.dataclass import dataclass

_OTHERS = frozenset({"sudo", "doas", "su", "runuser", "chroot", "nsenter"})
"""What they start runs as somebody else, or elsewhere: a rule has to name them, too."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a list."""

    text: str
    where: str = ""
    """The table that it stands in; for people."""

    @property
    def words(self) -> list[str]:
        return shlex.split(self.text)


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for one host."""

    deny: tuple[Rule, ...] = ()
    """What must not run; it wins over everything."""
    allow: tuple[Rule, ...] | None = None
    """Nothing but this may run; None allows all."""

    def __bool__(self) -> bool:
        return bool(self.deny) or self.allow is not None


@dataclass(frozen=True, slots=True)
class Denial:
    """Why a command may not run."""

    part: str
    """The command within it that is meant, not cleaned."""
    why: str
    """Goes on after the words `may not run:`."""


def denial(command: bytes, rules: Rules, *, through: str | None = None) -> Denial | None:
    """Why `command` may not run under `rules`; None where it may. What cannot be read is not allowed.

    `through`: the program that runs it as another user, as `sudo`.
    """
    if not rules:
        return None
    try:
        reading = read(command)
        if through is not None:
            reading = Reading(tuple(Simple((Word(through), *each.words), (each,)) for each in reading.commands))
    except Unreadable as reason:
        return Denial(command.decode("utf-8", "surrogateescape"), f"what it does cannot be read ({reason})")
    denied = (_denied(each, rules) for each in reading.all())
    if (found := next((one for one in denied if one is not None), None)) is not None or rules.allow is None:
        return found
    parts = (_not_allowed(each, rules.allow) for each in reading.commands)
    part = next((one for one in parts if one is not None), None)
    where = rules.allow[0].where if rules.allow else "the settings"
    return None if part is None else Denial(part.shown, f"it is not among the commands that {where} allows")


def _denied(command: Simple, rules: Rules) -> Denial | None:
    """What the list of denied commands says, and what cannot be known."""
    for rule in rules.deny:
        if _may_be(rule, command):
            return Denial(command.shown, f"the rule '{rule.text}' of {rule.where} denies it")
    if command.name is None:
        return Denial(command.shown, "its name is not known before it runs")
    if command.starts is None and not _allowed(command, rules.allow or ()):
        return Denial(command.shown, "what it starts is not known before it runs")
    return None


def _not_allowed(command: Simple, allow: Sequence[Rule]) -> Simple | None:
    """The part of `command` that no rule allows. What starts others is allowed where they are."""
    if _allowed(command, allow):
        return None
    if not command.starts or command.name in _OTHERS:
        return command
    parts = [_not_allowed(each, allow) for each in command.starts]
    return next((part for part in parts if part is not None), None)


def _allowed(command: Simple, allow: Sequence[Rule]) -> bool:
    return any(_surely_is(rule, command) for rule in allow)


def _surely_is(rule: Rule, command: Simple) -> bool:
    """Whether its words begin as the rule says, whatever a shell makes of them."""
    first, *patterns = rule.words
    if not _is_named(first, command.words[0], may=False) or len(command.words) <= len(patterns):
        return False
    return all(
        pattern == "*" or (word.sure and fnmatchcase(word.text, pattern))
        for pattern, word in zip(patterns, command.words[1:], strict=False)
    )


def _may_be(rule: Rule, command: Simple) -> bool:
    """Whether it may be what the rule says: its words may stand among others, its options in any order and bundle."""
    first, *patterns = rule.words
    if not _is_named(first, command.words[0], may=True):
        return False
    words = command.words[1:]
    options = [pattern for pattern in patterns if pattern.startswith("-") and pattern != "-"]
    operands = [pattern for pattern in patterns if pattern not in options]
    return all(_has_option(option, words) for option in options) and _in_order(operands, words)


def _is_named(pattern: str, word: Word, *, may: bool) -> bool:
    if not word.sure:
        return may
    name = word.text if "/" in pattern else word.text.rpartition("/")[2]
    return fnmatchcase(name, pattern)


def _has_option(option: str, words: Sequence[Word]) -> bool:
    if any(not word.sure for word in words):
        return True
    given = [word.text for word in words if word.text.startswith("-")]
    if option.startswith("--"):
        wanted = option.partition("=")[0]
        return any(_long_is(one, wanted) for one in given)
    letters = {letter for one in given if not one.startswith("--") for letter in one[1:]}
    return set(option[1:]) <= letters or any(fnmatchcase(one, option) for one in given)


def _long_is(given: str, wanted: str) -> bool:
    """As getopt_long(3) takes them: an option may be cut short."""
    name = given.partition("=")[0]
    return fnmatchcase(name, wanted) or (len(name) > 2 and name.startswith("--") and wanted.startswith(name))


def _in_order(patterns: Sequence[str], words: Sequence[Word]) -> bool:
    """Whether the patterns fit words that come in this order."""
    rest = iter(words)
    return all(any(not word.sure or fnmatchcase(word.text, pattern) for word in rest) for pattern in patterns)
