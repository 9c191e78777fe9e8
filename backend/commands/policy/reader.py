"""The commands in a shell text: through pipes, lists, loops, substitutions, `sudo`, `env`, `sh -c` …. Pure."""

from __future__ import annotations

import re

from backend.commands.policy.lexer import Operator, Token, lex
from backend.commands.policy.starters import started_by
from backend.commands.policy.values import Reading, Simple, Unreadable, Word

_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:\[[^]]*\])?\+?=")
_LOADING = re.compile(r"PATH|IFS|ENV|BASH_ENV|SHELL|LD_\w+|DYLD_\w+|PYTHON\w+|PERL\w+|RUBY\w+|NODE_\w+|CDPATH|PS4")
"""Variables that make other programs of the names that stand there."""
_PASSED = frozenset({"if", "then", "elif", "else", "fi", "do", "done", "while", "until", "{", "}", "!", "time"})
_NOT_READ = frozenset({"case", "coproc", "function"})


def read(command: bytes) -> Reading:
    """All that `command`, a line for a POSIX shell, starts. Raises Unreadable."""
    text = command.decode("utf-8", "surrogateescape")
    if "\0" in text:
        raise Unreadable("there is a zero byte in it")
    return Reading(tuple(commands_of(text)))


def commands_of(text: str, depth: int = 0) -> list[Simple]:
    """The commands of one script. Raises Unreadable."""
    return _Reader(lex(text, depth), depth).commands()


class _Reader:
    def __init__(self, tokens: list[Token], depth: int) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = depth
        self._found: list[Simple] = []

    def commands(self) -> list[Simple]:
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            if isinstance(token, Word) or token.redirects:
                self._command()
            else:
                self._at += 1  # a connector, or a parenthesis: whatever comes after it may run
        return self._found

    def _command(self) -> None:
        while isinstance(token := self._peek(), Word) and token.bare in _PASSED:
            self._at += 1
        keyword = token.bare if isinstance(token, Word) else ""
        if keyword in _NOT_READ or (keyword.startswith("((")):
            raise Unreadable(f"'{keyword}' is not read here")
        if keyword in ("for", "select"):
            self._for()
        elif keyword == "[[":
            self._test()
        else:
            self._simple()

    def _peek(self) -> Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _take_word(self) -> Word:
        token = self._peek()
        if not isinstance(token, Word):
            raise Unreadable("a word is missing")
        self._at += 1
        self._inside(token)
        return token

    def _inside(self, word: Word) -> None:
        """The commands whose output goes into a word."""
        for script in word.scripts:
            self._found += commands_of(script, self._depth + 1)

    def _for(self) -> None:
        self._at += 1
        self._take_word()
        while isinstance(self._peek(), Word):
            if self._tokens[self._at] == Word("do"):
                return
            self._take_word()

    def _test(self) -> None:
        """`[[ … ]]` of bash: it starts nothing but what is in its words."""
        while (token := self._peek()) is not None and token != Word("]]"):
            self._at += 1
            if isinstance(token, Word):
                self._inside(token)
        self._at += 1

    def _simple(self) -> None:
        words: list[Word] = []
        begins = self._at
        while (token := self._peek()) is not None:
            if isinstance(token, Operator):
                if not token.redirects:
                    break
                self._redirect(token)
                continue
            word = self._take_word()
            if not words and (assignment := _ASSIGNMENT.match(word.text)) and not word.text.startswith("="):
                if _LOADING.fullmatch(assignment[1]):
                    raise Unreadable(f"it sets {assignment[1]}")
                continue
            words.append(word)
        if words and isinstance(token, Operator) and token.text == "(":
            raise Unreadable("it defines a function")
        if self._at == begins:
            self._at += 1
        if words:
            self._found.append(simple(tuple(words), self._depth))

    def _redirect(self, operator: Operator) -> None:
        self._at += 1
        sign = operator.text.lstrip("0123456789")
        if sign in ("<<", "<<-"):
            return  # its end went with the operator
        target = self._take_word()
        writes = ">" in sign and not (sign in (">&", "<&") and re.fullmatch(r"\d+|-", target.text))
        if writes and target.text != "/dev/null":
            self._found.append(Simple((Word(">"), target)))


def simple(words: tuple[Word, ...], depth: int = 0) -> Simple:
    """The command of these words, with what it starts. Raises Unreadable."""
    deeper = depth + 1
    return Simple(words, started_by(words, lambda text: commands_of(text, deeper), lambda some: simple(some, deeper)))
