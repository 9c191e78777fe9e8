"""What is wrong with the draft of an own entry, a sentence for each field.

Pure: the disk is asked through a callback.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from backend.hosts.draft import FIELDS, HostDraft, field_of
from backend.hosts.names import Spec, is_plain_name, read_jumps, read_spec
from backend.hosts.through import circle
from backend.settings.model import FileSettings
from backend.text import clean_line

KeyProblem = Callable[[Path], str | None]
"""What is wrong with a key file, as a sentence; None where nothing is."""


def key_problem(path: Path) -> str | None:
    """Whether a key file is there and readable. Looks at the disk."""
    path = path.expanduser()
    if not path.exists():
        return "there is no such file"
    if not path.is_file():
        return "this is no file"
    return None if os.access(path, os.R_OK) else "this file may not be read"


def check_fields(
    draft: HostDraft, settings: FileSettings, *, replaces: str | None = None, key_problem: KeyProblem = key_problem
) -> Mapping[str, str]:
    """What is wrong, a sentence for each field (`backend.hosts.draft.FIELDS`) that is; empty when the entry can be
    written.

    `replaces` is the name of the entry that is changed; left out for a new one. Where nothing else is wrong, the
    entry is checked as the file is: whatever is written can be read.
    """
    found: dict[str, str] = {}
    for field, problem in _problems(draft, settings, replaces, key_problem):
        found.setdefault(field, problem)
    return found


def _problems(
    draft: HostDraft, settings: FileSettings, replaces: str | None, key_problem: KeyProblem
) -> Iterator[tuple[str, str]]:
    if not draft.name:
        yield "name", "a name is missing"
    elif not is_plain_name(draft.name):
        yield "name", "a name has no spaces, '@', ':', '/' or control codes, and no '-' in front"
    elif draft.name != replaces and draft.name in settings.hosts:
        yield "name", f"there is an entry called {draft.name} already"
    yield from _place(draft)
    if draft.port and not (draft.port.isascii() and draft.port.isdigit() and 1 <= int(draft.port) <= 65535):
        yield "port", "a port is a number from 1 to 65535"
    for key in draft.identity_files:
        if (problem := key_problem(Path(key)) if key else "a path is missing") is not None:
            yield "identity_files", f"{clean_line(key)}: {problem}"
    yield from _profile(draft, settings)
    yield from _jump(draft, settings)
    for field in FIELDS:
        if any(clean_line(text) != text for text in _texts(draft.said(field))):
            yield field, "there are characters in it that cannot be shown"
    yield from _as_the_file_is_checked(draft, settings)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from (*value, *value.values())
    elif isinstance(value, tuple):
        yield from value
    else:
        yield str(value)


def _as_the_file_is_checked(draft: HostDraft, settings: FileSettings) -> Iterator[tuple[str, str]]:
    from backend.settings.reading import check_entry  # pydantic, which nobody without a file should wait for

    for path, told in check_entry(draft.table(), settings):
        field = field_of(path)
        part = ".".join(path)[len(field) + 1 :]  # what is told of has a name of its own within the field
        yield field, f"{clean_line(part)} {told}" if part and not told.startswith("'") else told


def _place(draft: HostDraft) -> Iterator[tuple[str, str]]:
    if draft.address and draft.ssh_host:
        yield "ssh_host", "an entry has an address or an alias of ~/.ssh/config, not both"
    for field in ("address", "ssh_host", "tailscale", "cloudflare"):
        if (text := getattr(draft, field)) and (problem := _no_host(text)):
            yield field, problem
    if draft.user:
        try:
            read_spec(f"{draft.user}@host")
        except ValueError as error:
            yield "user", str(error)
        else:
            if "@" in draft.user:
                yield "user", "the user stands here without the host"


def _no_host(text: str) -> str | None:
    try:
        spec = read_spec(text)
    except ValueError as error:
        return str(error)
    return None if spec == Spec(text) else "user and port have fields of their own"


def _profile(draft: HostDraft, settings: FileSettings) -> Iterator[tuple[str, str]]:
    if draft.profile and draft.profile not in settings.profiles:
        close = difflib.get_close_matches(draft.profile, settings.profiles, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        yield "profile", f"there is no profile called {clean_line(draft.profile)}{hint}"


def _jump(draft: HostDraft, settings: FileSettings) -> Iterator[tuple[str, str]]:
    try:
        read_jumps(draft.jump)
    except ValueError as error:
        yield "jump", str(error)
        return
    if (way := circle(draft, settings)) is not None:
        field = "jump" if draft.jump or not any(route.startswith("jump:") for route in draft.routes) else "routes"
        yield field, f"the jump hosts go round in a circle: {' → '.join(way)}"
