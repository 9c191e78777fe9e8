"""What a host has answered about a refused login, read into frozen values. Pure; every word of it may be hostile.

Unknown stays unknown: a value that was not told is None or empty, and `unseen` says what could not be looked at.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from datetime import UTC, date, datetime

from backend.dataclass import dataclass
from backend.diagnostics.host_answers import first, whole
from backend.text import show_bytes

_MOST_BYTES = 1 << 20
_MOST_VALUE = 6000
"""Characters of a value: a line of authorized_keys with an RSA key of 16384 bits has fewer."""
_LISTED = re.compile(r"(?:^|\s)((?:ssh|ecdsa|sk-ssh|sk-ecdsa)-[\w.@-]+)\s+([A-Za-z0-9+/=]{40,})")
_MODES = "rwxrwxrwx"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class PathState:
    """A directory or file on the way to the keys."""

    path: str
    mode: int | None = None
    """Permission bits; None where it is not there or was not shown."""
    owner: str = ""
    """The owner's number."""
    group: str = ""
    """Its group's number."""
    words: str = ""
    """What the host said where that is all there is, as `No such file or directory`."""

    @property
    def open_to_others(self) -> bool:
        """Group or others may write, which StrictModes forbids (`misc.c:safe_path`, 022)."""
        return self.mode is not None and bool(self.mode & 0o022)


@dataclass(frozen=True, slots=True)
class ListedKey:
    """One line of a file of keys."""

    line: int
    fingerprint: str
    options: str = ""


@dataclass(frozen=True, slots=True)
class KeyFileState:
    """A file that lists who may log in."""

    path: str
    state: str
    """`readable`, `closed` (there, but not for us), `missing`, `hidden` (its directory is closed)."""
    keys: tuple[ListedKey, ...] = ()
    whole: bool = True
    """Nothing of it was left out."""


@dataclass(frozen=True, slots=True)
class Inside:
    """The host's own view of an account, as far as `me` may see."""

    me: str = ""
    root: bool = False
    address: str = ""
    """From where the host sees us come."""
    now: datetime | None = None
    account: bool | None = None
    """Whether there is such an account; None: not told."""
    account_uid: str = ""
    account_gid: str = ""
    home: str = ""
    home_there: bool = False
    shell: str = ""
    shell_there: bool = True
    groups: tuple[str, ...] = ()
    locked: bool | None = None
    """Its password is locked; None: not told."""
    expires: date | None = None
    password_expires: date | None = None
    password_must_change: bool = False
    failures: int = 0
    """Wrong passwords that pam_faillock counts now."""
    nologin: str = ""
    config: str = ""
    """The server's configuration file."""
    settled: bool = False
    """`settings` are what holds for this very user, not only what the file says."""
    settings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Options of sshd_config by lower-case name."""
    paths: tuple[PathState, ...] = ()
    files: tuple[KeyFileState, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    """Path and SELinux label, where SELinux is enforcing."""
    full: str = ""
    """The home directory, where its file system has no room."""
    banned: tuple[str, ...] = ()
    """Addresses that fail2ban holds off."""
    log: tuple[str, ...] = ()
    """Lines of the SSH server, oldest first."""
    log_from: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    """What could not be looked at."""
    complete: bool = False
    """The script came to its end."""

    def setting(self, name: str) -> str:
        """The first value of an option; empty where it was not told."""
        return self.settings.get(name.lower(), ("",))[0]


def read_inside(output: bytes, marker: str) -> Inside:
    """The answer to `inside_script`."""
    lines = list(_answers(output[:_MOST_BYTES], marker))
    found = _by_name(lines)

    def one(name: str) -> str:
        return first(found, name)

    ageing = _ageing(found.get("ageing", ()))
    return Inside(
        me=one("me"),
        root=one("uid") == "0",
        address=one("from"),
        now=_seconds(one("now")),
        account=False if one("account") == "none" else (True if one("account_uid") else None),
        account_uid=one("account_uid"),
        account_gid=one("account_gid"),
        home=one("home"),
        home_there=one("home_is") == "there",
        shell=one("shell"),
        shell_there=one("shell_is") != "missing",
        groups=tuple(one("groups").split()),
        locked=one("password_begins") == "!" if one("password_begins") else None,
        expires=_day(ageing.get("account expires", "")),
        password_expires=_day(ageing.get("password expires", "")),
        password_must_change="must be changed" in ageing.get("password expires", ""),
        failures=sum(1 for line in found.get("faillock", ()) if line.rstrip().endswith(" V")),
        nologin=one("nologin"),
        config=one("config"),
        settled=one("settled") == "yes",
        settings=_settings(found.get("set", ())),
        paths=tuple(_paths(lines)),
        files=tuple(_files(lines)),
        labels=tuple(_labels(lines)),
        full=one("home") if _is_full(one("df")) else "",
        banned=tuple(one("banned").partition(":")[2].split()),
        log=found.get("log", ()),
        log_from=found.get("log_from", ()),
        unseen=tuple(dict.fromkeys(found.get("unseen", ()))),
        complete=one("end") == "yes",
    )


Line = tuple[str, str]


def _answers(output: bytes, marker: str) -> Iterator[Line]:
    """Names and values in the order in which they came."""
    for raw in output.splitlines():
        mark, _, rest = raw.partition(b" ")
        if mark == marker.encode():
            name, _, value = rest.partition(b" ")
            yield show_bytes(name)[:40], show_bytes(value.strip())[:_MOST_VALUE]


def _by_name(lines: list[Line]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for name, value in lines:
        found.setdefault(name, []).append(value)
    return {name: tuple(values) for name, values in found.items()}


def _paths(lines: list[Line]) -> Iterator[PathState]:
    """Each path with the line of ls(1) that follows it."""
    path = ""
    for name, value in lines:
        if name == "path":
            path = value
        elif name == "path_is" and path:
            yield _state(path, value)
            path = ""


def _state(path: str, shown: str) -> PathState:
    words = shown.split(None, 4)
    mode = _mode(words[0]) if words else None
    if mode is None or len(words) < 4:
        return PathState(path, words=shown.rpartition(": ")[2] or "unknown")
    return PathState(path, mode, words[2], words[3])


def _mode(shown: str) -> int | None:
    """`drwxr-xr-x` as bits; letters for setuid and the like count as x where they are small."""
    if len(shown) < 10 or shown[0] not in "d-lbcps":
        return None
    bits = 0
    for place, (letter, usual) in enumerate(zip(shown[1:10], _MODES, strict=True)):
        if letter == usual or (usual == "x" and letter in "st"):
            bits |= 1 << (8 - place)
        elif letter not in "-ST":
            return None
    return bits


def _files(lines: list[Line]) -> Iterator[KeyFileState]:
    """Each file of keys with its lines."""
    path, state, keys, number, size, taken = "", "", list[ListedKey](), 0, None, 0
    for name, value in [*lines, ("keys", "")]:
        if name == "keys":
            if path:
                yield KeyFileState(path, state or "hidden", tuple(keys), size is None or taken >= size)
            path, state, keys, number, size, taken = value, "", [], 0, None, 0
        elif name == "keys_are":
            state = value
        elif name == "keys_bytes":
            size = whole(value)
        elif name == "key":
            number, taken = number + 1, taken + len(value) + 1
            if (listed := listed_key(value, number)) is not None:
                keys.append(listed)


def listed_key(text: str, number: int) -> ListedKey | None:
    """A line of authorized_keys (sshd(8)); None for comments and what is no key."""
    if not text or text.startswith("#"):
        return None
    found = _LISTED.search(text)
    if found is None:
        return None
    fingerprint = fingerprint_of(found[2])
    return None if fingerprint is None else ListedKey(number, fingerprint, text[: found.start(1)].strip()[:200])


def fingerprint_of(blob: str) -> str | None:
    """`SHA256:…` of a public key in base64; None where that is none."""
    try:
        raw = base64.b64decode(blob, validate=True)
    except (binascii.Error, ValueError):
        return None
    return "SHA256:" + base64.b64encode(hashlib.sha256(raw).digest()).decode().rstrip("=")


def _labels(lines: list[Line]) -> Iterator[tuple[str, str]]:
    path = ""
    for name, value in lines:
        if name == "label_of":
            path = value
        elif name == "label" and path and value:
            yield path, value.split()[0]


def _settings(lines: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Options by name; where one is given again, the first one counts (sshd_config(5)), but lists add up."""
    found: dict[str, list[str]] = {}
    for line in lines:
        name, _, value = line.replace("=", " ", 1).partition(" ")
        found.setdefault(name.lower(), []).append(value.strip())
    return {name: tuple(values) for name, values in found.items()}


def _ageing(lines: tuple[str, ...]) -> dict[str, str]:
    """What chage(1) tells: `Account expires : Jan 02, 1970`."""
    pairs = (line.partition(":") for line in lines)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _day(told: str) -> date | None:
    """A day as chage(1) writes it; None for never and for what cannot be read."""
    words = told.replace(",", " ").split()
    try:
        if len(words) == 3 and words[0][:3] in _MONTHS:
            return date(int(words[2]), _MONTHS.index(words[0][:3]) + 1, int(words[1]))
        return date.fromisoformat(told)
    except (ValueError, OverflowError):
        return None


def _seconds(told: str) -> datetime | None:
    if not (told.isascii() and told.isdecimal() and len(told) < 12):
        return None
    return datetime.fromtimestamp(int(told), UTC)


def _is_full(line: str) -> bool:
    """Of df's line: size, used, free in KiB."""
    numbers = [number for word in line.split() if (number := whole(word)) is not None]
    return len(numbers) >= 3 and numbers[-3] > 0 and numbers[-1] == 0
