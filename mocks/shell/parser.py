"""Reads shell text into `mocks.shell.syntax`, character by character, as nested quoting wants it."""

from __future__ import annotations

from typing import Final

from mocks.shell.syntax import (
    Command,
    For,
    Group,
    If,
    Loop,
    Part,
    Pipeline,
    Redirect,
    Script,
    ShellSyntaxError,
    Simple,
    Substitution,
    Text,
    Variable,
    Word,
)

_BREAKS: Final = frozenset(" \t\n;|&()<>")
_SPECIAL: Final = frozenset("?$#@*0123456789!")
_RESERVED: Final = frozenset({"then", "elif", "else", "fi", "do", "done", "}"})
_NESTING: Final = 50


def parse(text: str) -> Script:
    """The script that `text` is. Raises ShellSyntaxError."""
    parser = _Parser(text.replace("\\\n", ""))
    script = parser.script(frozenset())
    if not parser.at_end:
        raise parser.unexpected()
    return script


class _Parser:
    def __init__(self, text: str, depth: int = 0) -> None:
        self._text = text
        self._at = 0
        self._depth = depth

    # --- characters ------------------------------------------------------------------------------------------

    @property
    def at_end(self) -> bool:
        self._skip()
        return self._at >= len(self._text)

    def unexpected(self) -> ShellSyntaxError:
        rest = self._text[self._at :].split(maxsplit=1)
        return ShellSyntaxError(f'syntax error: unexpected "{rest[0] if rest else "end of file"}"')

    def _peek(self, count: int = 1) -> str:
        return self._text[self._at : self._at + count]

    def _take(self, text: str) -> bool:
        if self._text.startswith(text, self._at):
            self._at += len(text)
            return True
        return False

    def _skip(self, *, lines: bool = False) -> None:
        while (character := self._peek()) and (character in " \t" or (lines and character == "\n")):
            self._at += 1
        if self._peek() == "#":
            end = self._text.find("\n", self._at)
            self._at = len(self._text) if end < 0 else end
            if lines:
                self._skip(lines=True)

    def _keyword(self) -> str:
        """The bare word that comes next, not taken."""
        self._skip()
        end = self._at
        while end < len(self._text) and self._text[end] not in _BREAKS:
            end += 1
        return self._text[self._at : end]

    def _expect(self, word: str) -> None:
        self._skip(lines=True)
        if self._keyword() != word and self._peek() != word:
            raise self.unexpected()
        self._at += len(word)

    # --- lists -----------------------------------------------------------------------------------------------

    def script(self, ends: frozenset[str]) -> Script:
        """A list up to one of the words `ends`, a closing parenthesis or the end."""
        self._depth += 1
        if self._depth > _NESTING:
            raise ShellSyntaxError("syntax error: nested too deeply")
        steps: list[tuple[str, Pipeline]] = []
        operator = ";"
        while True:
            self._skip(lines=True)
            if not self._peek() or self._peek() == ")" or self._keyword() in ends:
                break
            steps.append((operator, self._pipeline()))
            operator = self._separator()
            if not operator:
                break
        if operator in ("&&", "||"):
            raise self.unexpected()
        self._depth -= 1
        return Script(tuple(steps))

    def _separator(self) -> str:
        """The operator after a pipeline; empty where the list ends. `&` runs in turn, as `;`: there are no jobs."""
        self._skip()
        for operator in ("&&", "||"):
            if self._take(operator):
                return operator
        if self._peek() in (";", "\n", "&") and self._peek():
            self._at += 1
            return ";"
        return ""

    def _pipeline(self) -> Pipeline:
        negated = self._keyword() == "!"
        if negated:
            self._at += 1
        commands = [self._command()]
        while True:
            self._skip()
            if self._peek(2) == "||" or not self._take("|"):
                return Pipeline(tuple(commands), negated)
            self._skip(lines=True)
            commands.append(self._command())

    def _command(self) -> Command:
        self._skip()
        if self._take("("):
            body = self.script(frozenset())
            self._expect(")")
            return Group(body, subshell=True, redirects=self._redirects())
        keyword = self._keyword()
        if keyword in _RESERVED:
            raise self.unexpected()
        if keyword == "{":
            self._at += 1
            body = self.script(frozenset({"}"}))
            self._expect("}")
            return Group(body, subshell=False, redirects=self._redirects())
        if keyword == "if":
            return self._if()
        if keyword in ("while", "until"):
            return self._loop(keyword)
        return self._for() if keyword == "for" else self._simple()

    def _if(self) -> If:
        branches: list[tuple[Script, Script]] = []
        otherwise = None
        self._expect("if")
        while True:
            condition = self.script(frozenset({"then"}))
            self._expect("then")
            branches.append((condition, self.script(frozenset({"elif", "else", "fi"}))))
            if self._keyword() != "elif":
                break
            self._expect("elif")
        if self._keyword() == "else":
            self._expect("else")
            otherwise = self.script(frozenset({"fi"}))
        self._expect("fi")
        return If(tuple(branches), otherwise, self._redirects())

    def _loop(self, keyword: str) -> Loop:
        self._expect(keyword)
        condition = self.script(frozenset({"do"}))
        return Loop(condition, keyword == "until", self._body(), self._redirects())

    def _for(self) -> For:
        self._expect("for")
        name = self._keyword()
        self._expect(name)
        words: list[Word] = []
        if self._keyword() == "in":
            self._expect("in")
            while (word := self._word()) is not None:
                words.append(word)
        self._separator()
        return For(name, tuple(words), self._body(), self._redirects())

    def _body(self) -> Script:
        self._expect("do")
        body = self.script(frozenset({"done"}))
        self._expect("done")
        return body

    # --- commands --------------------------------------------------------------------------------------------

    def _simple(self) -> Simple:
        assignments: list[tuple[str, Word]] = []
        words: list[Word] = []
        redirects: list[Redirect] = []
        while True:
            if (redirect := self._redirect()) is not None:
                redirects.append(redirect)
            elif not words and (name := self._assignment()):
                assignments.append((name, self._word(spaced=False) or Word(())))
            elif (word := self._word()) is not None:
                words.append(word)
            else:
                break
        if not (assignments or words or redirects):
            raise self.unexpected()
        return Simple(tuple(assignments), tuple(words), tuple(redirects))

    def _assignment(self) -> str:
        """The name, when `name=` comes next; it is taken."""
        self._skip()
        name, equals, _ = self._text[self._at :].partition("=")
        if equals and name.isidentifier() and name.isascii():
            self._at += len(name) + 1
            return name
        return ""

    def _redirects(self) -> tuple[Redirect, ...]:
        found = []
        while (redirect := self._redirect()) is not None:
            found.append(redirect)
        return tuple(found)

    def _redirect(self) -> Redirect | None:
        self._skip()
        start = self._at
        descriptor = int(self._peek()) if self._peek() in tuple("0123456789") and self._peek() else None
        self._at += descriptor is not None
        for operator in (">>", ">&", ">|", "<<", "<&", "<", ">"):
            if self._take(operator):
                if operator == "<<":
                    raise ShellSyntaxError("syntax error: here-documents are not part of this shell")
                target = self._word()
                if target is None:
                    raise self.unexpected()
                default = 0 if operator in ("<", "<&") else 1
                return Redirect(default if descriptor is None else descriptor, operator.replace("|", ""), target)
        self._at = start
        return None

    # --- words -----------------------------------------------------------------------------------------------

    def _word(self, *, spaced: bool = True) -> Word | None:
        """The next word; None when an operator comes. Not `spaced`: it must begin right here."""
        if spaced:
            self._skip()
        parts: list[Part] = []
        begun = False
        while (character := self._peek()) and character not in _BREAKS:
            begun = True
            self._at += 1
            if character == "'":
                parts.append(Text(self._until("'"), quoted=True))
            elif character == '"':
                parts += self._double()
            elif character == "\\":
                parts.append(Text(self._peek(), quoted=True))
                self._at += 1
            elif character in "$`":
                parts.append(self._dollar(character, quoted=False))
            else:
                parts.append(Text(character))
        return Word(_merged(parts)) if begun else None

    def _until(self, end: str) -> str:
        stop = self._text.find(end, self._at)
        if stop < 0:
            raise ShellSyntaxError("syntax error: unterminated quoted string")
        value, self._at = self._text[self._at : stop], stop + 1
        return value

    def _double(self) -> list[Part]:
        parts: list[Part] = [Text("", quoted=True)]
        while True:
            character = self._peek()
            self._at += 1
            if not character:
                raise ShellSyntaxError("syntax error: unterminated quoted string")
            if character == '"':
                return parts
            if character == "\\" and self._peek() and self._peek() in '$`"\\':
                parts.append(Text(self._peek(), quoted=True))
                self._at += 1
            elif character in "$`":
                parts.append(self._dollar(character, quoted=True))
            else:
                parts.append(Text(character, quoted=True))

    def _dollar(self, opener: str, *, quoted: bool) -> Part:
        if opener == "`":
            return Substitution(self._until("`"), quoted)
        if self._take("(("):
            raise ShellSyntaxError("syntax error: arithmetic is not part of this shell")
        if self._take("("):
            return self._substitution(quoted)
        if self._take("{"):
            name, operator, default = self._until("}").partition(":-")
            return Variable(name, quoted, default if operator else None)
        if self._peek() in _SPECIAL and self._peek():
            self._at += 1
            return Variable(self._text[self._at - 1], quoted)
        start = self._at
        while self._peek() and (self._peek() == "_" or (self._peek().isalnum() and self._peek().isascii())):
            self._at += 1
        return Variable(self._text[start : self._at], quoted) if self._at > start else Text("$", quoted)

    def _substitution(self, quoted: bool) -> Substitution:
        """`$(` has been taken: whatever parses as a list up to `)` belongs to it."""
        inner = _Parser(self._text[self._at :], self._depth)
        inner.script(frozenset())
        if inner._peek() != ")":
            raise ShellSyntaxError("syntax error: unterminated command substitution")
        script = self._text[self._at : self._at + inner._at]
        self._at += inner._at + 1
        return Substitution(script, quoted)


def _merged(parts: list[Part]) -> tuple[Part, ...]:
    """`parts` with neighbouring texts of one kind joined."""
    merged: list[Part] = []
    for part in parts:
        last = merged[-1] if merged else None
        if isinstance(part, Text) and isinstance(last, Text) and last.quoted == part.quoted:
            merged[-1] = Text(last.value + part.value, part.quoted)
        else:
            merged.append(part)
    return tuple(merged)
