"""Word expansion (XCU 2.6): variables, substitutions, field splitting, names that match wildcards."""

from __future__ import annotations

import asyncio
import fnmatch
from typing import TYPE_CHECKING, Final

from backend.errors import FileError
from mocks.shell.run import decode
from mocks.shell.syntax import Part, Text, Variable, Word

if TYPE_CHECKING:
    from mocks.shell.interpreter import Shell

_GLOB: Final = frozenset("*?[")


async def expand(shell: Shell, words: tuple[Word, ...]) -> list[str]:
    """Words as a command gets them (XCU 2.6)."""
    expanded: list[str] = []
    for word in words:
        if [part for part in word.parts if part != Text("", quoted=True)] == [Variable("@", quoted=True)]:
            expanded += shell.arguments[1:]
            continue
        fields = await _fields(shell, word)
        for text, pattern in fields:
            expanded += (await _glob(shell, pattern) or [text]) if pattern else [text]
    return expanded


async def _fields(shell: Shell, word: Word) -> list[tuple[str, str]]:
    """Each field as text, with its pattern where unquoted wildcards make it one."""
    fields = _Fields()
    for index, part in enumerate(word.parts):
        value = await _value(shell, part, first=index == 0)
        if isinstance(part, Text) or part.quoted:
            fields.add(value, quoted=part.quoted)
        else:
            fields.split(value)
    return fields.finished()


async def pieces(shell: Shell, word: Word) -> list[str]:
    """The parts of a word, expanded and not split: joined, it is what an assignment or redirection takes."""
    return [await _value(shell, part, first=index == 0) for index, part in enumerate(word.parts)]


async def _value(shell: Shell, part: Part, *, first: bool) -> str:
    if isinstance(part, Text):
        return shell.tilde(part.value) if first and not part.quoted else part.value
    if isinstance(part, Variable):
        return shell.value_of(part.name) or (part.default or "")
    return await shell.substitute(part.script)


async def _glob(shell: Shell, pattern: str) -> list[str]:
    """Paths that match, sorted; wildcards work in the last component and in those before it."""
    found = ["/" if pattern.startswith("/") else ""]
    for component in [part for part in pattern.split("/") if part]:
        found = [match for base in found for match in await _matches(shell, base, component)]
    return sorted(found)


async def _matches(shell: Shell, base: str, component: str) -> list[str]:
    joined = base if base in ("", "/") else base + "/"
    tree = shell.host.tree
    if not _GLOB & set(component):
        return [joined + component] if tree.exists(shell.path(joined + component)) else []
    try:
        names = tree.directory(shell.path(base), shell.user.actor).names()
    except FileError:
        return []
    found, hidden = [], component.startswith(".")
    for number, raw in enumerate(names):
        name = decode(raw)
        if fnmatch.fnmatchcase(name, component) and (hidden or not name.startswith(".")):
            found.append(joined + name)
        if number % 2000 == 1999:
            await asyncio.sleep(0)
    return found


class _Fields:
    """Field splitting (XCU 2.6.5): white space in what was expanded without quotes parts fields."""

    def __init__(self) -> None:
        self._done: list[tuple[str, str]] = []
        self._text = ""
        self._pattern = ""
        self._wild = False
        self._begun = False

    def add(self, text: str, *, quoted: bool) -> None:
        """More of the field under way."""
        self._begun = True
        self._text += text
        self._pattern += _escaped(text) if quoted else text
        self._wild = self._wild or (not quoted and bool(_GLOB & set(text)))

    def split(self, value: str) -> None:
        """The value of an expansion without quotes."""
        if value[:1].isspace():
            self._end()
        for position, piece in enumerate(value.split()):
            if position:
                self._end()
            self.add(piece, quoted=False)
        if value[-1:].isspace():
            self._end()

    def finished(self) -> list[tuple[str, str]]:
        self._end()
        return self._done

    def _end(self) -> None:
        if self._begun:
            self._done.append((self._text, self._pattern if self._wild else ""))
        self._text, self._pattern, self._wild, self._begun = "", "", False, False


def _escaped(text: str) -> str:
    return "".join(f"[{character}]" if character in _GLOB else character for character in text)
