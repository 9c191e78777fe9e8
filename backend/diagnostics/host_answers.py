"""Scripts for a POSIX shell that ask a host about itself, and how their answers are read. Pure.

Every line of an answer begins with a marker, so that what login files print is never taken for one.
"""

from __future__ import annotations

from collections.abc import Mapping

from backend.dataclass import dataclass
from backend.text import show_bytes

_MOST = 200
"""Characters of one value that are kept: a host may say anything."""


_MOST_DIGITS = 18
"""Of a number: bytes of the largest disk have fewer, and any float holds it."""


def facts_script(marker: str) -> bytes:
    """Login shell, home directory and system."""
    lines = [
        f"printf '%s\\n' \"{marker} shell $SHELL\"",
        f"printf '%s\\n' \"{marker} home $HOME\"",
        f'if [ -d "$HOME" ]; then echo "{marker} home_is directory"; fi',
        f'if [ -w "$HOME" ]; then echo "{marker} home_is writable"; fi',
        f'echo "{marker} system $(uname -s 2>/dev/null)"',
        f'if cat --help 2>&1 </dev/null | grep BusyBox >/dev/null; then echo "{marker} tools BusyBox"; fi',
    ]
    return "\n".join([*lines, ""]).encode()


def modules_script(marker: str) -> bytes:
    """What a login shell knows of environment modules; others do not read the files that set them up."""
    look = (
        f'echo "{marker} lmod $LMOD_VERSION"; echo "{marker} lmod_command $LMOD_CMD"; '
        f'echo "{marker} modules_home $MODULESHOME"; echo "{marker} modules_command $MODULES_CMD"; '
        f'if type module >/dev/null 2>&1; then echo "{marker} function module"; fi'
    )
    return (
        f"if command -v bash >/dev/null 2>&1; then bash -lc '{look}' </dev/null 2>/dev/null; "
        f"else sh -lc '{look}' </dev/null 2>/dev/null; fi\ntrue\n"
    ).encode()


def write_script(marker: str, name: str) -> bytes:
    """Write, read back and remove a file in the home directory; it goes whatever happens."""
    lines = [
        "umask 077",
        "set -C",
        f'f="$HOME/{name}"',
        "trap 'rm -f \"$f\"' EXIT HUP INT TERM",
        f'printf %s {marker} > "$f" && [ "$(cat "$f")" = {marker} ] && rm -f "$f" && echo "{marker} written yes"',
        "true",
    ]
    return "\n".join([*lines, ""]).encode()


def room_script(marker: str) -> bytes:
    """Size and free room of the home directory's file system, in KiB (df(1), POSIX format)."""
    return f'echo "{marker} df $(df -Pk "$HOME" 2>/dev/null | tail -n 1)"\n'.encode()


def answers(output: bytes, marker: str, *, most: int = _MOST) -> dict[str, tuple[str, ...]]:
    """The values by name, made safe to show, of at most so many characters; a name may come several times."""
    found: dict[str, tuple[str, ...]] = {}
    for line in output.splitlines():
        mark, _, rest = line.partition(b" ")
        if mark == marker.encode():
            name, _, value = rest.partition(b" ")
            shown = show_bytes(value.strip())[:most]
            key = show_bytes(name)[:_MOST]
            found[key] = (*found.get(key, ()), shown)
    return found


def first(found: Mapping[str, tuple[str, ...]], name: str) -> str:
    """The first value of that name; empty where there is none."""
    return found.get(name, ("",))[0]


def whole(word: str) -> int | None:
    """The number that a word is; None for any other word, and for one that is too large to be meant."""
    return int(word) if word.isascii() and word.isdecimal() and len(word) <= _MOST_DIGITS else None


@dataclass(frozen=True, slots=True)
class Modules:
    """The module system of a host."""

    system: str
    """`Lmod`, `Environment Modules`, or empty for none."""
    version: str = ""
    usable: bool = True
    """Whether a login shell has the `module` command."""


def read_modules(found: Mapping[str, tuple[str, ...]]) -> Modules:
    """Which module system answered."""
    usable = first(found, "function") == "module"
    if first(found, "lmod") or first(found, "lmod_command"):
        return Modules("Lmod", first(found, "lmod"), usable)
    if first(found, "modules_home") or first(found, "modules_command"):
        return Modules("Environment Modules", "", usable)
    return Modules("Environment Modules" if usable else "", "", usable)


def read_room(found: Mapping[str, tuple[str, ...]]) -> tuple[int, int] | None:
    """Free and total bytes from df's line; None where it cannot be read."""
    numbers = [number for word in first(found, "df").split() if (number := whole(word)) is not None]
    return (numbers[2] * 1024, numbers[0] * 1024) if len(numbers) >= 3 else None
