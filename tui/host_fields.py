"""The lines of the form for an own entry: texts in and out. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence

from backend.hosts.book import HostEntry, HostSource
from backend.hosts.draft import HostDraft, routes_in
from backend.hosts.names import read_spec
from tui.form_fields import ALL, BY_KEY, Section

_ASSIGNMENTS = ("env", "roots")
"""Fields of NAME=VALUE, with blanks between."""
_SAFE = re.compile(r"[^\s'\"\\\\]+")


def text_of(draft: HostDraft, key: str) -> str:
    """A field's value as it stands in its line."""
    value = draft.said(key)
    if choices := BY_KEY[key].choices:
        return next((word for word, meant in choices if meant == value), str(value))
    if isinstance(value, Mapping):
        return " ".join(_word(f"{name}={text}") for name, text in value.items())
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _word(text: str) -> str:
    return text if _SAFE.fullmatch(text) else shlex.quote(text)


def draft_of(said: Mapping[str, object], before: HostDraft) -> HostDraft:
    """What the form says: by field a text, or what was chosen. A line that was not touched keeps its value, whatever
    characters are in it; so does one that cannot be read (`unreadable`)."""
    values: dict[str, object] = {}
    for key, value in said.items():
        if not isinstance(value, str) or BY_KEY[key].choices:
            values[key] = value
        elif value != text_of(before, key) and not _objection(key, value):
            values[key] = _value(key, value, before)
    return before.saying(values)


def _value(key: str, text: str, before: HostDraft) -> object:
    if key == "routes":
        return routes_in(text)
    if key in _ASSIGNMENTS:
        return dict(_assignments(text))
    return parts_of(text) if isinstance(before.said(key), tuple) else text.strip()


def _assignments(text: str) -> Iterable[tuple[str, str]]:
    """Raises ValueError with what is wrong."""
    try:
        words = shlex.split(text)
    except ValueError:
        raise ValueError("a quotation mark has no second one") from None
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise ValueError(f"{word} has no '=': write NAME=VALUE, in quotes where there are blanks in it")
        yield name, value


def _objection(key: str, text: str) -> str:
    if key not in _ASSIGNMENTS:
        return ""
    try:
        dict(_assignments(text))
    except ValueError as problem:
        return str(problem)
    return ""


def unreadable(texts: Mapping[str, object], before: HostDraft) -> Mapping[str, str]:
    """The lines that no value can be made of, with what is wrong."""
    typed = {key: text for key, text in texts.items() if isinstance(text, str) and text != text_of(before, key)}
    return {key: problem for key, text in typed.items() if (problem := _objection(key, text))}


def parts_of(text: str) -> tuple[str, ...]:
    """`a, b` as ("a", "b"), each once."""
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def taken_apart(texts: Mapping[str, str]) -> Mapping[str, str]:
    """`user@address:port` in the address, as far as user and port are still empty: what the three fields become."""
    try:
        spec = read_spec(texts["address"].strip())
    except ValueError:
        return {}
    user, port = spec.user or "", str(spec.port or "")
    if not (user or port) or (user and texts["user"]) or (port and texts["port"]):
        return {}
    return {"address": spec.host, "user": user or texts["user"], "port": port or texts["port"]}


def begun_with(entry: HostEntry) -> HostDraft:
    """The own entry that says about `entry` what is said now: by its alias, or by what was typed."""
    if entry.source is HostSource.SSH_CONFIG:
        return HostDraft(name=entry.name, ssh_host=entry.name)
    try:
        spec = read_spec(entry.name)
    except ValueError:
        return HostDraft(name=entry.name)
    name = spec.host.partition(".")[0] if not spec.host.replace(".", "").isdigit() and ":" not in spec.host else ""
    return HostDraft(name=name, address=spec.host, user=spec.user or "", port=str(spec.port or ""))


def unknown_jumps(text: str, known: Sequence[str]) -> tuple[str, ...]:
    """The jump hosts that are in no file: they are taken for DNS names, which a slip of the finger would be, too."""
    return tuple(part for part in parts_of(text) if not set(part) & set("@.:[]") and part not in known)


def difference(one: HostDraft, other: HostDraft) -> tuple[str, ...]:
    """The labels of the fields that differ."""
    return tuple(field.label for field in ALL if one.said(field.key) != other.said(field.key))


def filled_in(section: Section, draft: HostDraft) -> tuple[str, ...]:
    """The labels of the fields of a section that say something."""
    return tuple(field.label for field in section.fields if draft.said(field.key) not in ("", None, (), {}))
