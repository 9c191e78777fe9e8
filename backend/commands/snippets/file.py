"""The file of snippets, `snippets.toml` beside `config.toml`: read whole, changed in one step, comments kept.

```toml
[disk]
command = "du -xsh {dir}/* | sort -h"
description = "what takes the room"
variables.dir = { default = "/var", description = "where to look" }
```
Everything here blocks; call it in a thread.
"""

from __future__ import annotations

import re
import stat
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from backend.commands.snippets.template import Snippet, Variable
from backend.dataclass import dataclass
from backend.errors import Advice, Code, ConfigError
from backend.own_file import locked, place
from backend.settings.paths import short

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class SnippetFile:
    """Where the snippets are."""

    path: Path

    @classmethod
    def beside(cls, config: Path) -> SnippetFile:
        """The one that belongs to this `config.toml`."""
        return cls(config.with_name("snippets.toml"))

    def load(self) -> tuple[Snippet, ...]:
        """All of them, in the order of the file; none where there is no file. Raises ConfigError CONFIG_INVALID."""
        with self._told():
            try:
                text = self.path.read_text()
            except FileNotFoundError:
                return ()
        return self._read(text)

    def get(self, name: str) -> Snippet:
        """The one of this name. Raises ConfigError: USAGE where there is none."""
        found = {snippet.name: snippet for snippet in self.load()}
        if name not in found:
            known = f"there is: {', '.join(found)}" if found else "none is kept yet"
            problem = f"there is no snippet {name!r}; {known}."
            advice = (Advice("See which there are.", "fairlead snippets list"),)
            raise ConfigError(Code.USAGE, evidence={"problem": problem}, advice=advice)
        return found[name]

    def add(self, snippet: Snippet) -> None:
        """Put a snippet in, in the place of one of the same name. Raises ConfigError."""
        if not _NAME.fullmatch(snippet.name):
            problem = f"{snippet.name!r} cannot be the name of a snippet: letters, digits, dots, dashes."
            raise ConfigError(Code.USAGE, evidence={"problem": problem})

        def put(tables: Any) -> None:
            import tomlkit

            table = tomlkit.table()
            table.add("command", snippet.command)
            if snippet.description:
                table.add("description", snippet.description)
            told = snippet.told or {}
            if told:
                table.add("variables", {name: _said(variable) for name, variable in told.items()})
            tables[snippet.name] = table

        self._edit(put)

    def remove(self, name: str) -> None:
        """Take it out. Raises ConfigError: USAGE where there is none."""
        self.get(name)
        self._edit(lambda tables: tables.remove(name))

    def _edit(self, change: Callable[[Any], object]) -> None:
        import tomlkit

        with self._told():
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = self.path.resolve()
            with locked(path):
                text = path.read_text()
                self._read(text)
                tables = tomlkit.parse(text)
                change(tables)
                new = tomlkit.dumps(tables)
                self._read(new)
                place(path, new.encode(), stat.S_IMODE(path.stat().st_mode))

    def _read(self, text: str) -> tuple[Snippet, ...]:
        try:
            tables = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise self._invalid(str(error)) from error
        return tuple(self._snippet(name, table) for name, table in tables.items())

    def _snippet(self, name: str, table: Any) -> Snippet:
        if not isinstance(table, dict) or not isinstance(table.get("command"), str):
            raise self._invalid(f"[{name}] needs a command")
        if unknown := sorted(set(table) - {"command", "description", "variables"}):
            raise self._invalid(f"[{name}] has {', '.join(unknown)}; it can have command, description, variables")
        told = table.get("variables", {})
        if not isinstance(told, dict) or not all(_is_variable(said) for said in told.values()):
            raise self._invalid(f"[{name}] variables: each is a default, or default and description")
        variables = {word: _variable(word, said) for word, said in told.items()}
        return Snippet(name, table["command"], str(table.get("description", "")), variables)

    def _invalid(self, problem: str) -> ConfigError:
        told = f"{short(self.path)}: {problem}"
        return ConfigError(Code.CONFIG_INVALID, evidence={"problem": told, "file": self.path})

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise ConfigError(
                Code.CONFIG_INVALID,
                f"{short(self.path)} cannot be used: {reason}.",
                evidence={"problem": reason, "file": self.path},
                advice=(Advice("Change the file in an editor."),),
            ) from error


def _is_variable(said: object) -> bool:
    if isinstance(said, dict):
        return set(said) <= {"default", "description"} and all(isinstance(value, str) for value in said.values())
    return isinstance(said, str)


def _variable(name: str, said: str | Mapping[str, str]) -> Variable:
    if isinstance(said, str):
        return Variable(name, said)
    return Variable(name, said.get("default"), said.get("description", ""))


def _said(variable: Variable) -> Any:
    import tomlkit

    table = tomlkit.inline_table()
    if variable.default is not None:
        table.append("default", variable.default)
    if variable.description:
        table.append("description", variable.description)
    return table
