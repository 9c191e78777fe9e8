"""Changing one table of a TOML document and nothing else: every other byte stays, comments and order included. Pure.

The document is cut into statements; only those of the table at hand are written anew. What comes out is read again and
compared with what was wanted: a document in a shape that cannot be edited so is refused, never bent.
"""

from __future__ import annotations

import copy
import json
import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime, time
from typing import Any

from backend.dataclass import dataclass
from backend.settings.lines import HEADER, Key, header_path, statements, value_paths

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SEGMENT = re.compile(r"""\s*(?:"(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+)\s*""")


class CannotEdit(Exception):
    """The document is in a shape that only a person can edit."""

    def __init__(self) -> None:
        super().__init__("it is written in a way that only a person can change")


def set_values(text: str, table: Key, values: Mapping[str, object]) -> str:
    """`text` with these keys of `table` set; None takes one away. A table that is not there is made at the end.

    Raises CannotEdit.
    """
    document = _Document(text)
    document.make(table)
    for name, value in values.items():
        if value is None:
            document.drop((*table, name))
        else:
            document.put(table, name, value)

    def change(data: dict[str, Any]) -> None:
        place = _table(data, table)
        for name, value in values.items():
            place.pop(name, None)
            if value is not None:
                place[name] = value

    return _proven(text, document.text, table, change)


def add_tables(text: str, tables: Mapping[Key, Mapping[str, object]]) -> str:
    """`text` with new tables at its end, all in one go. Raises CannotEdit, also where one is there already."""
    newline = "\r\n" if "\r\n" in text else "\n"
    blocks = [text] if not text or text.endswith("\n") else [text + newline]
    for table, values in tables.items():
        lines = [f"{_key(name)} = {shown(value)}{newline}" for name, value in values.items()]
        blocks.append(f"[{'.'.join(map(_key, table))}]{newline}{''.join(lines)}")

    def change(data: dict[str, Any]) -> None:
        for table, values in tables.items():
            _table(data, table).update(values)

    return _proven(text, newline.join(blocks) if text else newline.join(blocks[1:]), (), change)


def remove_table(text: str, table: Key) -> str:
    """`text` without `table` and all below it; comments around it stay. Raises CannotEdit."""
    return remove_tables(text, [table])


def remove_tables(text: str, tables: Collection[Key]) -> str:
    """As `remove_table`, for several of the same depth at once."""
    document = _Document(text)
    for table in tables:
        document.drop(table)

    def change(data: dict[str, Any]) -> None:
        for table in tables:
            _table(data, table[:-1]).pop(table[-1], None)

    return _proven(text, document.text, next(iter(tables)), change) if tables else text


def rename_table(text: str, table: Key, name: str) -> str:
    """`text` with the last name of `table` changed. Raises CannotEdit."""
    document = _Document(text)
    document.rename(table, name)

    def change(data: dict[str, Any]) -> None:
        outer = _table(data, table[:-1])
        outer[name] = outer.pop(table[-1])

    return _proven(text, document.text, table, change)


@dataclass(slots=True)
class _Statement:
    """Some lines that belong together, with their line ends."""

    text: str
    key: Key | None = None
    """The whole path of what it defines, the table for a header; None for comments and blank lines."""
    table: Key = ()
    """The table in force."""
    paths: frozenset[Key] = frozenset()
    """The key, and what is inside an inline table."""
    is_header: bool = False

    def is_within(self, path: Key) -> bool:
        return self.key is not None and self.key[: len(path)] == path

    def holds(self, path: Key) -> bool:
        """Whether it is an inline table with `path` in it."""
        return not self.is_header and not self.is_within(path) and path in self.paths


class _Document:
    """A document as statements."""

    def __init__(self, text: str) -> None:
        self._newline = "\r\n" if "\r\n" in text else "\n"
        self._statements = _cut(text)

    @property
    def text(self) -> str:
        return "".join(statement.text for statement in self._statements)

    def put(self, table: Key, name: str, value: object) -> None:
        path = (*table, name)
        for statement in self._statements:
            inline = not statement.is_header and (statement.key == table or statement.holds(table))
            if (statement.key == path and not statement.is_header) or inline:
                _rewrite(statement, path, value)
                return
        self.drop(path)  # where it is spread over several statements
        at = self._last_of(table)
        self._end_line(at)
        key = ".".join(map(_key, path[len(self._statements[at].table) :]))
        line = f"{key} = {shown(value)}{self._newline}"
        self._statements.insert(at + 1, _Statement(line, path, self._statements[at].table, frozenset({path})))

    def make(self, table: Key) -> None:
        """Where nothing says anything about `table`: its header, before what is below it, or at the end."""
        if any(self._belongs(one, table) or one.key == table or one.holds(table) for one in self._statements):
            return
        places = (at for at, one in enumerate(self._statements) if one.is_header and one.is_within(table))
        at = next(places, len(self._statements))
        blank = ""
        if at:
            self._end_line(at - 1)
            blank = self._newline if self._statements[at - 1].text.strip() else ""
        header = f"{blank}[{'.'.join(map(_key, table))}]{self._newline}"
        self._statements.insert(at, _Statement(header, table, table, frozenset({table}), is_header=True))

    def drop(self, path: Key) -> None:
        """Take `path` away, and the comments between its parts."""
        for statement in self._statements:
            if statement.holds(path):
                _rewrite(statement, path, None)
        gone = [one.is_within(path) for one in self._statements]
        for start, end in _gaps([one.key is None for one in self._statements]):
            if start and end < len(gone) and gone[start - 1] and gone[end]:
                gone[start:end] = [True] * (end - start)
        for start, end in _gaps(gone):
            blank_after = end >= len(gone) or not self._statements[end].text.strip()
            if start and blank_after and not self._statements[start - 1].text.strip():
                gone[start - 1] = True
        self._statements = [one for one, is_gone in zip(self._statements, gone, strict=True) if not is_gone]

    def rename(self, table: Key, name: str) -> None:
        for statement in self._statements:
            depth = len(table) - 1 - (0 if statement.is_header else len(statement.table))
            if depth >= 0 and (statement.is_within(table) or statement.holds(table)):
                statement.text = _renamed(statement, depth, name)

    def _last_of(self, table: Key) -> int:
        """The last statement after which a key of `table` can stand. There is one after `make`."""
        return max(at for at, one in enumerate(self._statements) if self._belongs(one, table))

    @staticmethod
    def _belongs(statement: _Statement, table: Key) -> bool:
        if statement.is_header:
            return statement.key == table
        return (
            statement.is_within(table) and statement.key != table and table[: len(statement.table)] == statement.table
        )

    def _end_line(self, at: int) -> None:
        if not self._statements[at].text.endswith("\n"):
            self._statements[at].text += self._newline


def shown(value: object) -> str:
    """`value` as TOML writes it, on one line."""
    if isinstance(value, str):
        import tomlkit

        return tomlkit.item(value).as_string()
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(str(name))} = {shown(inner)}" for name, inner in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(shown, value)) + "]"
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return str(value).lower() if isinstance(value, bool | float) else str(value)


def _cut(text: str) -> list[_Statement]:
    lines = [line for line in re.split(r"(?<=\n)", text) if line]
    found: list[_Statement] = []
    table: Key = ()
    done = 0
    for number, statement in statements(text):
        found += [_Statement(line) for line in lines[done : number - 1]]
        done = number + statement.count("\n")
        whole, content = "".join(lines[number - 1 : done]), tomllib.loads(statement)
        if not content:
            found.append(_Statement(whole))
        elif HEADER.match(statement):
            table = header_path(content)
            found.append(_Statement(whole, table, table, frozenset({table}), is_header=True))
        else:
            paths = frozenset((*table, *path) for path in value_paths(content))
            found.append(_Statement(whole, (*table, *_own_key(statement, content)), table, paths))
    return found + [_Statement(line) for line in lines[done:]]


def _own_key(statement: str, content: Mapping[str, Any]) -> Key:
    """The dotted key in front of the `=`."""
    start, path, inner = 0, [], content
    while (match := _SEGMENT.match(statement, start)) is not None:
        name = next(iter(inner))
        path.append(name)
        inner, start = inner[name], match.end() + 1
        if statement[match.end() : start] != ".":
            break
    return tuple(path)


def _rewrite(statement: _Statement, path: Key, value: object) -> None:
    """Set what one statement says, or take it away (None), with its comment kept."""
    import tomlkit

    document = tomlkit.parse(statement.text)
    place: Any = document
    for part in path[len(statement.table) : -1]:
        place = place[part]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = tomlkit.parse(f"value = {shown(value)}\n")["value"]
    statement.text = tomlkit.dumps(document)
    statement.paths = statement.paths - {path} if value is None else statement.paths | {path}


def _renamed(statement: _Statement, depth: int, name: str) -> str:
    """The statement with one name of its dotted key changed."""
    text = statement.text
    start = text.index("[") + 1 if statement.is_header else 0
    for _ in range(depth):
        match = _SEGMENT.match(text, start)
        if match is None or text[match.end() : match.end() + 1] != ".":
            raise CannotEdit
        start = match.end() + 1
    match = _SEGMENT.match(text, start)
    if match is None:
        raise CannotEdit
    return text[:start] + match[0].replace(match[0].strip(), _key(name)) + text[match.end() :]


def _gaps(flags: list[bool]) -> list[tuple[int, int]]:
    """Where `flags` is true without a break: begin and end (exclusive) of each stretch."""
    found: list[tuple[int, int]] = []
    start = None
    for at, flag in enumerate([*flags, False]):
        if flag and start is None:
            start = at
        elif not flag and start is not None:
            found.append((start, at))
            start = None
    return found


def _key(name: str) -> str:
    # A basic string of TOML is written as in JSON, but for DEL.
    return name if _BARE.fullmatch(name) else json.dumps(name, ensure_ascii=False).replace("\x7f", "\\u007f")


def _proven(old: str, new: str, table: Key, change: Callable[[dict[str, Any]], object]) -> str:
    """`new`, when it says what `old` said with `change` made to it."""
    wanted = copy.deepcopy(tomllib.loads(old))
    change(wanted)
    try:
        said = tomllib.loads(new)
    except tomllib.TOMLDecodeError as error:
        raise CannotEdit from error
    if _pruned(said, table) != _pruned(wanted, table):
        raise CannotEdit
    return new


def _pruned(data: dict[str, Any], table: Key) -> dict[str, Any]:
    """Without empty tables around `table`: nobody may have written `a` where only `[a.b]` stood."""
    for depth in range(len(table) - 1, 0, -1):
        outer = _table(data, table[: depth - 1])
        if outer.get(table[depth - 1]) == {}:
            del outer[table[depth - 1]]
    return data


def _table(data: dict[str, Any], path: Key) -> dict[str, Any]:
    for part in path:
        data = data.setdefault(part, {})
    return data
