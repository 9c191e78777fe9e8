"""The command lines that become another user, and the marks by which their streams are read. Pure.

What runs as the other user first prints a mark that nobody can guess: output counts from there on. It then reads lines
up to a second mark, so that an answer which nobody wanted after all does not reach the command; without that mark
nothing begins. On a terminal, which may echo it, a third one tells where output begins.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping

from backend.commands.quoting import in_place, posix_quote, script_line
from backend.commands.values import Elevate, ElevateBy
from backend.dataclass import dataclass
from backend.errors import Code, ConfigError

_USER = re.compile(r"#\d+|[^\s\0:/#-][^\s\0:/]*")


@dataclass(frozen=True, slots=True)
class Marks:
    """What nobody can guess, new for each start."""

    here: bytes
    """Printed as the other user, before anything else."""
    input: bytes
    """Read as the other user; the command's input follows it."""
    begin: bytes
    """Printed on a terminal, where the command's output begins."""
    prompt: bytes
    """In the question that sudo is to ask."""

    @classmethod
    def new(cls) -> Marks:
        here, read, begin, prompt = (secrets.token_hex(12).encode() for _ in range(4))
        return cls(here, read, begin, prompt)


def script_as(
    script: bytes,
    who: Elevate,
    marks: Marks,
    *,
    asking: bool,
    terminal: bool = False,
    before: bytes = b"",
    plain: bool = False,
) -> bytes:
    """A line for any login shell that runs `script` in a POSIX shell as the user that `who` names.

    `before` is done by the person. `plain`: the terminal is there for the password only, and leaves the streams alone.
    Not `asking`: sudo fails where it would need a password. Raises ConfigError for a name that no user can have.
    """
    if not _USER.fullmatch(who.user):
        raise ConfigError(Code.USAGE, evidence={"problem": f"{who.user!r} is not a name of a user."})
    user, inner = posix_quote(who.user.encode()), _opening(marks, terminal=terminal) + script
    if plain:
        inner = b"stty -opost -echo 2>/dev/null\n" + inner
    if who.by is ElevateBy.SU:
        return script_line(before + b"exec su %s -c %s" % (user, posix_quote(script_line(inner))))
    how = b"-p " + posix_quote(b"[" + marks.prompt + b"] ") if asking else b"-n"
    if asking and not terminal:
        how = b"-S " + how
    named = b"" if who.user == "root" else b"-u " + user + b" "
    line = b'exec sudo %s %s-- /bin/sh -c %s sh "${SHELL:-/bin/sh}"' % (how, named, posix_quote(inner))
    return script_line(before + line)


def command_script(
    command: bytes, who: Elevate, *, cwd: bytes | None = None, env: Mapping[str, str] | None = None
) -> tuple[bytes, bytes]:
    """What goes before the change of user, and the script that then runs `command`.

    sudo keeps to the login shell of the person, su takes the other user's. The environment is set after the change,
    which would take it away. A directory below the home directory is the person's, and is entered before.
    """
    shell = b'"${SHELL:-/bin/sh}"' if who.by is ElevateBy.SU else b'"$1"'
    at_home = cwd is not None and cwd.startswith(b"~")
    before = in_place(cwd=cwd if at_home else None)
    inside = in_place(cwd=None if at_home else cwd, env=env)
    return b"".join(step + b"; " for step in before), b"; ".join(
        [*inside, b"exec %s -c %s" % (shell, posix_quote(command))]
    )


def _opening(marks: Marks, *, terminal: bool) -> bytes:
    read = b'while IFS= read -r line || exit 1; test "$line" != %s; do :; done\n' % marks.input
    here = b"printf '%%s\\n' %s" % marks.here
    if terminal:
        return b"%s\n%sprintf '%%s\\n' %s\n" % (here, read, marks.begin)
    return b"%s; %s >&2\n%s" % (here, here, read)
