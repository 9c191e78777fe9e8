"""The shell's grammar: text in, a tree of frozen values out. A part of POSIX's shell command language (XCU chapter 2).

Known: `; & && || |`, `!`, quoting, `$name ${name:-word} $(…)`, redirections, `( )`, `{ }`, `if`, `while`, `until`,
`for`. Not known, and said so: here-documents, functions, `case`, arithmetic.
"""

from __future__ import annotations

from backend.dataclass import dataclass


class ShellSyntaxError(Exception):
    """The text is not a command; `str()` is what a shell would say."""


@dataclass(frozen=True, slots=True)
class Text:
    """Characters as they stand."""

    value: str
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Variable:
    """`$name`, `${name}` or `${name:-word}`."""

    name: str
    quoted: bool = False
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Substitution:
    """`$(script)`."""

    script: str
    quoted: bool = False


Part = Text | Variable | Substitution


@dataclass(frozen=True, slots=True)
class Word:
    """One word before expansion."""

    parts: tuple[Part, ...]

    @property
    def bare(self) -> str:
        """The word where it is plain and unquoted, as keywords are; else empty."""
        if len(self.parts) == 1 and isinstance(self.parts[0], Text) and not self.parts[0].quoted:
            return self.parts[0].value
        return ""


@dataclass(frozen=True, slots=True)
class Redirect:
    """`2> word`, `< word`, `2>&1`."""

    descriptor: int
    operator: str
    """`<`, `>`, `>>`, `>&` or `<&`"""
    target: Word


@dataclass(frozen=True, slots=True)
class Simple:
    """Assignments, a command and its arguments."""

    assignments: tuple[tuple[str, Word], ...]
    words: tuple[Word, ...]
    redirects: tuple[Redirect, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """`( list )` or `{ list; }`."""

    body: Script
    subshell: bool
    redirects: tuple[Redirect, ...] = ()


@dataclass(frozen=True, slots=True)
class If:
    """`if list; then list; elif …; else list; fi`"""

    branches: tuple[tuple[Script, Script], ...]
    otherwise: Script | None
    redirects: tuple[Redirect, ...] = ()


@dataclass(frozen=True, slots=True)
class Loop:
    """`while list; do list; done`, `until …`"""

    condition: Script
    until: bool
    body: Script
    redirects: tuple[Redirect, ...] = ()


@dataclass(frozen=True, slots=True)
class For:
    """`for name in words; do list; done`"""

    name: str
    words: tuple[Word, ...]
    body: Script
    redirects: tuple[Redirect, ...] = ()


Command = Simple | Group | If | Loop | For


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Commands joined by `|`."""

    commands: tuple[Command, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Script:
    """Pipelines, each with the operator before it: `;`, `&&` or `||`."""

    steps: tuple[tuple[str, Pipeline], ...]
