"""Reads `config.toml` and lays the environment and the flags over it; every mistake with file, line and nearest key."""

from __future__ import annotations

import copy
import dataclasses
import difflib
import functools
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.dataclass import dataclass
from backend.settings.lines import Key, key_lines, line_of, syntax_error
from backend.settings.loader import SECTIONS, VARIABLES
from backend.settings.model import FileSettings, HostSettings, Layer, Origin, Settings
from backend.settings.paths import Paths, short
from backend.settings.problems import Problem, as_error, entry_problem, schema_problem
from backend.settings.rules import entry_findings, rule_problems
from backend.text import clean_line

if TYPE_CHECKING:
    from pydantic import TypeAdapter


def read_settings(path: Path | None, environ: Mapping[str, str], flags: Mapping[str, object]) -> Settings:
    """As `load_settings`."""
    settings, problems = _load(path, environ, flags)
    if problems:
        raise as_error(problems)
    return settings


def check_settings(path: Path | None = None, *, environ: Mapping[str, str] | None = None) -> tuple[Problem, ...]:
    """Every mistake in the file and in the environment, in the order of their lines."""
    _, problems = _load(path, os.environ if environ is None else environ, {})
    return tuple(sorted(problems, key=lambda problem: (problem.line is None, problem.line or 0)))


def check_text(path: Path, text: str) -> tuple[Problem, ...]:
    """Every mistake in `text`, told as if it stood in the file `path`; nothing is read."""
    document = _parsed(path, text)
    _, found = _Layered(document).checked()
    return (*document.problems, *found)


def check_entry(table: Mapping[str, object], settings: FileSettings) -> Iterator[tuple[Key, str]]:
    """What is wrong with one `[hosts.NAME]` before it is written: the key path in it, and a sentence without the key.

    `settings` has the profiles that it may name.
    """
    from pydantic import ValidationError

    try:
        entry = _entry_schema().validate_python(table)
    except ValidationError as error:
        wrong = [entry_problem(item) for item in error.errors(include_url=False)]
        yield from wrong
        names = {path[0] for path, _ in wrong}
        yield from check_entry({key: value for key, value in table.items() if key not in names}, settings)
    else:
        yield from ((key, told) for key, told, _ in entry_findings(entry, settings))


@functools.cache
def _entry_schema() -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(HostSettings)


def _load(path: Path | None, environ: Mapping[str, str], flags: Mapping[str, object]) -> tuple[Settings, list[Problem]]:
    document = _read(path or Paths.standard(environ).config, named=path is not None or "FAIRLEAD_CONFIG" in environ)
    problems = list(document.problems)
    layered = _Layered(document)
    for variable, key, value in _environment(environ):
        if key is None:
            problems.append(_unknown_variable(document.path, variable))
        else:
            layered.put(key, value, Origin(Layer.ENVIRONMENT, variable))
    for dotted, given in flags.items():
        layered.put(tuple(dotted.split(".")), given, Origin(Layer.FLAG, dotted))
    settings, found = layered.checked()
    return settings, problems + found


@dataclass(frozen=True, slots=True)
class _Document:
    """A file as it was read."""

    path: Path
    raw: Mapping[str, Any] = field(default_factory=dict)
    lines: Mapping[Key, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


def _read(path: Path, *, named: bool) -> _Document:
    try:
        return _parsed(path, path.read_bytes().decode())
    except FileNotFoundError:
        return _Document(path, problems=(Problem(path, None, "", "there is no such file"),) if named else ())
    except OSError as error:
        return _Document(path, problems=(Problem(path, None, "", f"cannot be read: {error.strerror}"),))
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        return _Document(path, problems=(Problem(path, line, "", "this is not UTF-8 text"),))


def _parsed(path: Path, text: str) -> _Document:
    try:
        return _Document(path, tomllib.loads(text), key_lines(text))
    except tomllib.TOMLDecodeError as error:
        line, message = syntax_error(error, text)
        return _Document(path, problems=(Problem(path, line, "", f"this is not TOML: {clean_line(message)}"),))


class _Layered:
    """Raw values with where each comes from."""

    def __init__(self, document: _Document) -> None:
        self._document = document
        self._raw = copy.deepcopy(dict(document.raw))
        self._origins = {key: self._in_file(key) for key in document.lines}

    def put(self, key: Key, value: object, origin: Origin) -> None:
        table = self._raw
        for part in key[:-1]:
            inner = table.setdefault(part, {})
            if not isinstance(inner, dict):  # a mistake in the file, told by the schema
                return
            table = inner
        table[key[-1]] = value
        self._origins[key] = origin

    def checked(self) -> tuple[Settings, list[Problem]]:
        """The settings, or the defaults and what is wrong."""
        if not self._raw:
            return Settings(), []
        settings, problems = _validated(self._raw)
        if settings is None:
            return Settings(), [self._problem(*problem) for problem in problems]
        problems = list(rule_problems(settings))
        values = {item.name: getattr(settings, item.name) for item in dataclasses.fields(FileSettings)}
        origins = {".".join(key): origin for key, origin in self._origins.items()}
        return Settings(**values, origins=origins), [self._problem(*problem) for problem in problems]

    def _in_file(self, key: Key) -> Origin:
        return Origin(Layer.FILE, f"{short(self._document.path)}:{line_of(self._document.lines, key)}")

    def _problem(self, key: Key, message: str, nearest: str | None) -> Problem:
        origin = self._origins.get(key)
        if origin is not None and origin.layer is not Layer.FILE:
            return Problem(self._document.path, None, origin.where, f"{origin.where}: {message}", nearest)
        line = line_of(self._document.lines, key)
        return Problem(self._document.path, line, clean_line(".".join(key)), message, nearest)


def _validated(raw: Mapping[str, Any]) -> tuple[FileSettings | None, list[tuple[Key, str, str | None]]]:
    from pydantic import ValidationError  # 100 ms that nobody without a file should wait for

    try:
        return _schema().validate_python(raw), []
    except ValidationError as error:
        return None, [schema_problem(item) for item in error.errors(include_url=False)]


@functools.cache
def _schema() -> TypeAdapter[FileSettings]:
    """Made once: that takes 50 ms, and the file may be read again at any time."""
    from pydantic import TypeAdapter

    return TypeAdapter(FileSettings)


def _environment(environ: Mapping[str, str]) -> Iterator[tuple[str, Key | None, str]]:
    """FAIRLEAD_UI_… and FAIRLEAD_TRANSFERS_…; with no key where the name is unknown."""
    known = _variables()
    for variable, value in environ.items():
        if variable in known:
            yield variable, known[variable], value
        elif variable.startswith(VARIABLES):
            yield variable, None, value


def _variables() -> dict[str, Key]:
    return {
        f"FAIRLEAD_{section}_{item.name}".upper(): (section, item.name)
        for section, model in SECTIONS.items()
        for item in dataclasses.fields(model)
    }


def _unknown_variable(path: Path, variable: str) -> Problem:
    close = difflib.get_close_matches(variable, _variables(), n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    message = f"{clean_line(variable)} is not a known variable{hint}"
    return Problem(path, None, variable, message, close[0] if close else None)
