"""Scripts for any interpreter, sent over the command's input. Pure.

A shell takes the whole script in before it begins, so that what runs in it cannot eat the rest of it. Other
interpreters, and scripts with an input of their own, read it from a private temporary file, which is gone before the
first line runs. A script that did not arrive to its end never begins (status 126): a lost link makes no half of it.
"""

from __future__ import annotations

import re
import secrets
import shlex
from collections.abc import Sequence
from dataclasses import replace

from backend.commands.quoting import posix_join, script_line
from backend.commands.values import CommandSpec
from backend.dataclass import dataclass
from backend.errors import Code, ConfigError

SHELLS = frozenset({"sh", "ash", "bash", "dash", "ksh", "mksh", "zsh"})
_SHEBANG = re.compile(rb"#![ \t]*(\S+)(?:[ \t]+([^\r\n]*\S))?[ \t\r]*(?:\n|\Z)")


@dataclass(frozen=True, slots=True)
class Script:
    """What is to be run, and by whom."""

    body: bytes
    name: str = "script"
    """Its `$0`, where the interpreter has one to give."""
    arguments: tuple[bytes, ...] = ()
    interpreter: str | None = None
    """A program and its options, in shell quotes; None leaves it to the first line (`#!`), or to sh."""

    @property
    def program(self) -> tuple[bytes, ...]:
        """The interpreter's words. Raises ConfigError for quotes that do not end."""
        if self.interpreter is not None:
            try:
                words = shlex.split(self.interpreter)
            except ValueError:
                words = []
            if not words:
                problem = f"{self.interpreter!r} is no program with its options."
                raise ConfigError(Code.USAGE, evidence={"problem": problem})
            return tuple(word.encode("utf-8", "surrogateescape") for word in words)
        first = _SHEBANG.match(self.body)
        if first is None:
            return (b"sh",)
        return (first[1],) if first[2] is None else (first[1], first[2])

    @property
    def is_shell(self) -> bool:
        """Whether a POSIX shell reads it."""
        return _really(self.program) in SHELLS


def script_spec(script: Script, spec: CommandSpec) -> CommandSpec:
    """`spec` with its command replaced by what runs `script`. What it has for its input goes to the script.

    Raises ConfigError (USAGE) for a zero byte in the arguments, or with a terminal, which changes what is sent.
    """
    if spec.pty is not None:
        problem = "a script is sent over the command's input, and a terminal would change it: leave one of them out."
        raise ConfigError(Code.USAGE, evidence={"problem": problem})
    line = posix_join([*script.program, script.name.encode("utf-8", "surrogateescape"), *script.arguments])
    judged = (line, script.body) if script.is_shell else (line,)
    if script.is_shell and not spec.stdin and spec.stdin_stream is None:
        command, sent = _taken_in(script)
    else:
        command, sent = _in_a_file(script), script.body
    return replace(spec, command=command, stdin=sent + spec.stdin, judged=judged)


def _taken_in(script: Script) -> tuple[bytes, bytes]:
    """The whole script in one word, which nobody else can see; it has arrived when the mark is at its end."""
    mark = b"#" + secrets.token_hex(16).encode()
    runner = b'fl=$(cat); test "$(printf %%s "$fl" | tail -n 1)" = "%s" || exit 126; eval "unset fl; $fl"' % mark
    words = [*script.program, b"-c", runner, script.name.encode("utf-8", "surrogateescape"), *script.arguments]
    return script_line(b"exec " + posix_join(words)), script.body + b"\n" + mark


def _in_a_file(script: Script) -> bytes:
    size = len(script.body)
    steps = [
        b"umask 077",
        b'f=$(mktemp "${TMPDIR:-/tmp}/fairlead.XXXXXXXXXX") || exit 126',
        b"trap 'rm -f \"$f\"; exit 126' HUP INT TERM",
        b'dd bs=1 count=%d of="$f" 2>/dev/null' % size if size else b":",
        b'exec 3<"$f"; rm -f "$f"; trap - HUP INT TERM',
        b'test "$(wc -c </dev/fd/3)" -eq %d || exit 126' % size,
        b"exec %s /dev/fd/3 %s" % (posix_join(script.program), posix_join(script.arguments)),
    ]
    return script_line(b"\n".join(steps))


def _really(program: Sequence[bytes]) -> str:
    """The name of the interpreter, also behind env(1)."""
    words = [word.decode("utf-8", "replace") for word in program]
    if words[0].rpartition("/")[2] == "env":
        rest = " ".join(words[1:]).split()
        words = [word for word in rest if not word.startswith("-") and "=" not in word] or words
    return words[0].rpartition("/")[2]
