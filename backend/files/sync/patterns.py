r"""Include and exclude patterns, as rsync(1) reads them ("FILTER RULES", "PATTERN MATCHING RULES"). Pure, on bytes.

`*` and `?` match no slash, `**` matches anything, `[...]` is one character of a class. A pattern that begins with a
slash is anchored at the top of what is synced; one that ends in a slash means directories only; one with a slash
inside, or with `**`, is compared with the end of the whole path, every other with the name alone. `DIR/***` is a
directory and all that is in it. The first rule that matches decides; where none does, the name is included. A backslash
takes the meaning from the character after it, in patterns that have a wildcard.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import field

from backend.dataclass import dataclass

Parts = tuple[bytes, ...]

_WILDCARD = re.compile(rb"[*?\[]")
_CLASSES = {
    b"alnum": rb"0-9A-Za-z",
    b"alpha": rb"A-Za-z",
    b"blank": rb" \t",
    b"cntrl": rb"\x00-\x1f\x7f",
    b"digit": rb"0-9",
    b"graph": rb"!-~",
    b"lower": rb"a-z",
    b"print": rb" -~",
    b"punct": rb"!-/:-@\[-`{-~",
    b"space": rb" \t-\r",
    b"upper": rb"A-Z",
    b"xdigit": rb"0-9A-Fa-f",
}
_NEVER = rb"(?!)"
_ONE, _MANY, _ANY = object(), object(), object()
Token = object
"""One of the three wildcards, or a piece of a regular expression that matches exactly one byte."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One `--include` or `--exclude`."""

    pattern: bytes
    include: bool = False
    _matcher: _Matcher = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_matcher", _Matcher.of(self.pattern))

    def matches(self, parts: Parts, *, directory: bool) -> bool:
        """Whether it is about the path `parts`, from the top of what is synced."""
        return self._matcher.matches(parts, directory=directory)


@dataclass(frozen=True, slots=True)
class Rules:
    """Rules in their order."""

    rules: tuple[Rule, ...] = ()

    def excluding(self, parts: Parts, *, directory: bool) -> Rule | None:
        """The rule that keeps the path out; None for what is included.

        Of the path alone: what lies in an excluded directory is excluded with it, and is not asked about.
        """
        for rule in self.rules:
            if rule.matches(parts, directory=directory):
                return None if rule.include else rule
        return None


@dataclass(frozen=True, slots=True)
class _Matcher:
    expression: re.Pattern[bytes]
    names: int | None
    """How many of the last names are compared; None for the whole path."""
    directories_only: bool
    slash_first: bool
    """The path is read with a slash before it: a leading `**/` then matches at the top as well."""
    slash_last: bool
    """A directory is read with a slash behind it: `dir/***` then matches the directory, too."""

    @classmethod
    def of(cls, pattern: bytes) -> _Matcher:
        directories_only = len(pattern) > 1 and pattern.endswith(b"/")
        text = pattern[:-1] if directories_only else pattern
        wild = _WILDCARD.search(text) is not None
        double = wild and b"**" in text
        anchored = text.startswith(b"/")
        prefixed = double and text.startswith(b"**")
        body = _expression(text[1:] if anchored else text, wild=wild)
        start = rb"(?:.*/)?" if double and not anchored and not prefixed else b""
        return cls(
            re.compile(start + body, re.DOTALL),
            names=None if anchored or double else text.count(b"/") + 1,
            directories_only=directories_only,
            slash_first=prefixed,
            slash_last=wild and text.endswith(b"***"),
        )

    def matches(self, parts: Parts, *, directory: bool) -> bool:
        if len(parts) < (self.names or 1) or (self.directories_only and not directory):
            return False
        path = b"/".join(parts if self.names is None else parts[-self.names :])
        if self.slash_first:
            path = b"/" + path
        if self.slash_last and directory:
            path += b"/"
        return self.expression.fullmatch(path) is not None


def _expression(text: bytes, *, wild: bool) -> bytes:
    if not wild:
        return re.escape(text)
    tokens = list(_tokens(text))
    return _NEVER if None in tokens else _joined(tokens)


def _tokens(text: bytes) -> Iterator[Token | None]:
    """What a pattern is made of; None for what can match nothing."""
    at = 0
    while at < len(text):
        character = text[at : at + 1]
        if character == b"*":
            end = at
            while text[end : end + 1] == b"*":
                end += 1
            yield _ANY if end - at > 1 else _MANY
            at = end
        elif character == b"[":
            end, one = _character_class(text, at + 1)
            yield one
            at = end
        elif character == b"\\":
            yield re.escape(text[at + 1 : at + 2]) if at + 1 < len(text) else None
            at += 2
        else:
            yield rb"[^/]" if character == b"?" else re.escape(character)
            at += 1


def _character_class(text: bytes, at: int) -> tuple[int, bytes | None]:
    """The end of the class that begins at `at`, behind its bracket, and the expression for it."""
    negated = text[at : at + 1] in (b"!", b"^")
    at += negated
    inside, first = b"", True
    while first or text[at : at + 1] != b"]":
        if at >= len(text):
            return at, None
        first = False
        at, more = _class_member(text, at)
        if more is None:
            return len(text), None
        inside += more
    if not inside:
        return at + 1, rb"[^/]" if negated else None
    return at + 1, rb"(?!/)[" + (b"^" if negated else b"") + inside + b"]"


def _class_member(text: bytes, at: int) -> tuple[int, bytes | None]:
    """The end of one member of a class (a character, a range, `[:name:]`), and how an expression writes it."""
    if text[at : at + 2] == b"[:":
        end = text.find(b":]", at + 2)
        if end != -1:
            return end + 2, _CLASSES.get(text[at + 2 : end])
    at, low = _class_character(text, at)
    if text[at : at + 1] != b"-" or text[at + 1 : at + 2] in (b"", b"]"):
        return at, _in_class(low)
    at, high = _class_character(text, at + 1)
    return at, _in_class(low) + b"-" + _in_class(high) if low <= high else b""


def _class_character(text: bytes, at: int) -> tuple[int, bytes]:
    at += text[at : at + 1] == b"\\"
    return at + 1, text[at : at + 1]


def _in_class(character: bytes) -> bytes:
    return b"\\x%02x" % character[0] if character else b""


def _joined(tokens: Sequence[Token | None]) -> bytes:
    """One expression whose time does not explode, whatever names a host has.

    What lies between two wildcards is best found as early as it can be: the first find is kept (an atomic group), and
    only the last wildcard of each kind tries again.
    """
    pieces = _split(tokens, _ANY)
    head, *rest = pieces
    text = _segments(head, final=not rest)
    for number, piece in enumerate(rest):
        last = number == len(rest) - 1
        body = _segments(piece, final=last)
        text += rb".*" + body if last and _MANY not in piece else _searched(rb".*?", body, last=last)
    return text


def _segments(tokens: Sequence[Token | None], *, final: bool) -> bytes:
    head, *rest = _split(tokens, _MANY)
    text = _plain(head)
    for number, piece in enumerate(rest):
        last = final and number == len(rest) - 1
        text += rb"[^/]*" + _plain(piece) if last else _searched(rb"[^/]*?", _plain(piece), last=False)
    return text


def _searched(wildcard: bytes, body: bytes, *, last: bool) -> bytes:
    return wildcard + body if last else b"(?>" + wildcard + body + b")"


def _plain(tokens: Sequence[Token | None]) -> bytes:
    return b"".join(token for token in tokens if isinstance(token, bytes))


def _split(tokens: Sequence[Token | None], mark: Token) -> list[list[Token | None]]:
    pieces: list[list[Token | None]] = [[]]
    for token in tokens:
        if token is mark:
            pieces.append([])
        else:
            pieces[-1].append(token)
    return pieces
