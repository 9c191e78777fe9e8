"""Shell text into words and operators (POSIX XCU 2.3, and of bash what is common). Pure.

Of a word is known what it says literally, and whether a shell may make something else of it: variables, patterns,
braces and the output of commands are not known before they run. The scripts of `$(…)` are handed out.
"""

from __future__ import annotations

import re
from dataclasses import field

from backend.commands.policy.values import Unreadable, Word
from backend.dataclass import dataclass

_OPERATORS = re.compile(r"\d*(?:<<<|<<-|<<|<>|<&|>>|>\||>&|<(?!\()|>(?!\())|&>>|&>|;;&|;;|;&|&&|\|\||\|&|[;&|()\n]")
_BREAKS = frozenset(" \t\n;|&()<>")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[?$#@*!0-9-]")
_BRACES = re.compile(r"\{[^{}]*(?:,|\.\.)[^{}]*\}")
_MOST = 64 << 10
"""Characters; more is not read."""
_DEEPEST = 20


@dataclass(frozen=True, slots=True)
class Operator:
    """`;`, `&&`, `2>`, a line's end, …"""

    text: str

    @property
    def redirects(self) -> bool:
        return any(sign in self.text for sign in "<>")


Token = Word | Operator


def lex(text: str, depth: int = 0) -> list[Token]:
    """The tokens of `text`. Raises Unreadable."""
    if len(text) > _MOST:
        raise Unreadable("it is too long")
    if depth > _DEEPEST:
        raise Unreadable("it is nested too deeply")
    return _Lexer(text.replace("\\\n", "")).tokens()


@dataclass
class _Part:
    """A word while it is read."""

    text: list[str] = field(default_factory=list)
    bare: list[str] = field(default_factory=list)
    """The same, with what is quoted left out."""
    scripts: list[str] = field(default_factory=list)
    computed: bool = False
    quoted: bool = False

    def literal(self, text: str) -> None:
        self.text.append(text)
        self.bare.append("\0" * bool(text))
        self.quoted = True

    def word(self) -> Word:
        bare = "".join(self.bare)
        globs = any(sign in bare for sign in "*?[") or _BRACES.search(bare) is not None
        return Word("".join(self.text), not (self.computed or globs), self.quoted, tuple(self.scripts))


class _Lexer:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._documents: list[tuple[str, bool, bool]] = []
        """Here-documents that begin after this line: their end, whether tabs go, whether they are literal."""

    def tokens(self) -> list[Token]:
        found: list[Token] = []
        while self._at < len(self._text):
            character = self._text[self._at]
            if character in " \t":
                self._at += 1
            elif character == "#":
                self._at = _index(self._text, "\n", self._at)
            elif operator := _OPERATORS.match(self._text, self._at):
                self._at = operator.end()
                found.append(Operator(operator[0]))
                if operator[0] == "\n":
                    self._pass_documents()
                self._note_document(operator[0])
            else:
                found.append(self._word())
        if self._documents:
            raise Unreadable("a here-document does not end")
        return found

    # --- here-documents ------------------------------------------------------------------------------------------

    def _note_document(self, operator: str) -> None:
        if operator.lstrip("0123456789") not in ("<<", "<<-"):
            return
        while self._text[self._at : self._at + 1] in (" ", "\t"):
            self._at += 1
        end = self._word()
        self._documents.append((end.text, operator.endswith("-"), end.quoted))

    def _pass_documents(self) -> None:
        for end, tabs, literal in self._documents:
            lines = []
            while True:
                if self._at >= len(self._text):
                    raise Unreadable("a here-document does not end")
                stop = _index(self._text, "\n", self._at)
                line, self._at = self._text[self._at : stop], stop + 1
                if (line.lstrip("\t") if tabs else line) == end:
                    break
                lines.append(line)
            body = "\n".join(lines)
            if not literal and ("`" in body or "$(" in body):
                raise Unreadable("a here-document runs commands")
        self._documents.clear()

    # --- words ---------------------------------------------------------------------------------------------------

    def _word(self) -> Word:
        part = _Part()
        begin = self._at
        while self._at < len(self._text):
            character = self._text[self._at]
            if character in "<>" and self._text[self._at + 1 : self._at + 2] == "(":
                self._at += 1
                self._substitution(part)
            elif character in _BREAKS:
                break
            else:
                self._step(part, character)
        if self._at == begin:
            raise Unreadable("a word is missing")
        return part.word()

    def _step(self, part: _Part, character: str) -> None:
        self._at += 1
        if character == "'":
            part.literal(self._until("'"))
        elif character == '"':
            self._double(part)
        elif character == "\\":
            part.literal(self._text[self._at : self._at + 1])
            self._at += 1
        elif character == "`":
            part.scripts.append(re.sub(r"\\([`\\$])", r"\1", self._until_bare("`")))
            part.computed = True
        elif character == "$":
            self._dollar(part)
        else:
            part.text.append(character)
            part.bare.append(character)

    def _double(self, part: _Part) -> None:
        part.literal("")
        while True:
            character = self._text[self._at : self._at + 1]
            if not character:
                raise Unreadable("a quoted text does not end")
            if character == '"':
                self._at += 1
                return
            if character in "\\`$":
                if character == "\\" and self._text[self._at + 1 : self._at + 2] not in ("$", "`", '"', "\\"):
                    part.literal("\\")
                    self._at += 1
                else:
                    self._step(part, character)
            else:
                part.literal(character)
                self._at += 1

    def _dollar(self, part: _Part) -> None:
        following = self._text[self._at : self._at + 1]
        if following == "(":
            self._substitution(part)
        elif following == "{":
            self._at += 1
            part.computed = True
            inner = self._balanced("{", "}")
            if "`" in inner or "$(" in inner:
                raise Unreadable("a variable's default runs commands")
        elif following in ("'", '"'):
            self._at += 1
            part.computed = True
            if following == "'":
                self._until_bare("'")
            else:
                self._double(part)
        elif name := _NAME.match(self._text, self._at):
            self._at = name.end()
            part.computed = True
        else:
            part.text.append("$")

    def _substitution(self, part: _Part) -> None:
        """`(` comes next: a script, or a sum."""
        self._at += 1
        script = self._balanced("(", ")")
        part.computed = True
        if script.startswith("(") and script.endswith(")"):
            if "`" in script or "$(" in script:
                raise Unreadable("a sum runs commands")
        else:
            part.scripts.append(script)

    # --- ends ----------------------------------------------------------------------------------------------------

    def _until(self, end: str) -> str:
        stop = self._text.find(end, self._at)
        if stop < 0:
            raise Unreadable("a quoted text does not end")
        value, self._at = self._text[self._at : stop], stop + 1
        return value

    def _until_bare(self, end: str) -> str:
        """Up to an `end` without a backslash before it."""
        begin = self._at
        while self._at < len(self._text):
            if self._text[self._at] == "\\":
                self._at += 1
            elif self._text[self._at] == end:
                self._at += 1
                return self._text[begin : self._at - 1]
            self._at += 1
        raise Unreadable("a quoted text does not end")

    def _balanced(self, opening: str, closing: str) -> str:
        """Up to the `closing` that belongs to an `opening` before; quoted ones do not count."""
        begin, level = self._at, 1
        while self._at < len(self._text):
            character = self._text[self._at]
            self._at += 1
            if character == "\\":
                self._at += 1
            elif character == "'":
                self._until("'")
            elif character == '"':
                self._double(_Part())
            elif character == opening:
                level += 1
            elif character == closing:
                level -= 1
                if not level:
                    return self._text[begin : self._at - 1]
        raise Unreadable(f"a {closing} is missing")


def _index(text: str, what: str, start: int) -> int:
    found = text.find(what, start)
    return len(text) if found < 0 else found
