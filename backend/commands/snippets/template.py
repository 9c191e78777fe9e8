"""A command line with variables, and how it is filled in: each value arrives as it was typed, whatever it holds. Pure.

`{name}` is a variable, `{name=default}` one with a default; `{{` and `}}` are braces. What a shell itself reads as
braces stays: `${HOME}`, `{a,b}`, `{ cmd; }`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from backend.commands.quoting import posix_quote
from backend.dataclass import dataclass
from backend.errors import Code, ConfigError

_TOKEN = re.compile(
    r"(?P<open>\{\{)|(?P<close>\}\})|(?P<theirs>\$\{)|\{(?P<name>[A-Za-z_][A-Za-z0-9_-]*)(?:=(?P<default>[^{}]*))?\}"
)
_IN_DOUBLE = re.compile(r'([\\"$`])')


@dataclass(frozen=True, slots=True)
class Variable:
    """What is asked for."""

    name: str
    default: str | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class Snippet:
    """A command line with a name."""

    name: str
    command: str
    description: str = ""
    told: Mapping[str, Variable] | None = None
    """What is said about variables apart from the line itself."""

    @property
    def variables(self) -> tuple[Variable, ...]:
        """Those of the line, each once, in their order; what is said in the line wins."""
        found: dict[str, Variable] = {}
        for piece in _pieces(self.command):
            if isinstance(piece, Variable):
                told = (self.told or {}).get(piece.name, Variable(piece.name))
                before = found.get(piece.name, told)
                default = piece.default if piece.default is not None else before.default
                found[piece.name] = Variable(piece.name, default, told.description)
        return tuple(found.values())

    def fill(self, values: Mapping[str, str]) -> str:
        """The line for a POSIX shell, with each value quoted for the place where it stands.

        Outside quotes a value is one word, and `~/` at its beginning still means the home directory. Raises ConfigError
        (USAGE) for a variable without value or default, for a value that is no variable, and for a zero byte.
        """
        known = {variable.name: variable.default for variable in self.variables}
        if unknown := sorted(set(values) - set(known)):
            raise _usage(f"the snippet {self.name} has no variable {', '.join(unknown)}.")
        if missing := [name for name, default in known.items() if name not in values and default is None]:
            raise _usage(f"the snippet {self.name} needs a value for {', '.join(missing)}.")
        line, quotes = [], _Quotes()
        for piece in _pieces(self.command):
            if isinstance(piece, Variable):
                value = values.get(piece.name, known[piece.name]) or ""
                line.append(_quoted(value, quotes.open))
            else:
                quotes.read(piece)
                line.append(piece)
        return "".join(line)


def _pieces(command: str) -> Iterator[str | Variable]:
    """The parts of a line: text as it stands, and variables."""
    at = 0
    for match in _TOKEN.finditer(command):
        yield command[at : match.start()]
        at = match.end()
        if match["name"] is not None:
            yield Variable(match["name"], match["default"])
        elif match["theirs"] is not None:
            yield match[0]
        else:
            yield "{" if match["open"] else "}"
    yield command[at:]


class _Quotes:
    """Which quotes of a POSIX shell (XCU 2.2) a place in a line stands in."""

    def __init__(self) -> None:
        self.open = ""
        self._escaped = False

    def read(self, text: str) -> None:
        for character in text:
            if self._escaped:
                self._escaped = False
            elif character == "\\" and self.open != "'":
                self._escaped = True
            elif character == self.open:
                self.open = ""
            elif character in "'\"" and not self.open:
                self.open = character


def _quoted(value: str, quotes: str) -> str:
    if "\0" in value:
        raise _usage("a value cannot hold a zero byte.")
    if quotes == "'":
        return value.replace("'", "'\\''")
    if quotes == '"':
        return _IN_DOUBLE.sub(r"\\\1", value)
    home = "~/" if value.startswith("~/") else ""
    rest = value.removeprefix(home)
    if home and not rest:
        return home
    return home + posix_quote(rest.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")


def _usage(problem: str) -> ConfigError:
    return ConfigError(Code.USAGE, evidence={"problem": problem})
