"""Quoting for shells: arguments arrive byte for byte, whatever shell the login shell is.

A command that we send is read by the account's login shell: sh, bash, dash, zsh, ksh, fish, csh or tcsh. Between single
quotes they differ (csh takes `!` and newlines for itself, fish takes backslashes), so those stand outside the quotes,
escaped, where all of them agree; and a newline, on which they do not agree at all, travels as `\\0012` through
printf(1).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from backend.errors import Code, ConfigError
from backend.patterns import pattern

_NOT_RUN = b"fairlead: not run, because the directory that --cwd or the profile of the host names cannot be entered"
_SAFE = pattern(rb"[A-Za-z0-9_@%+=:,./-]+")
_NAME = pattern(r"[A-Za-z_][A-Za-z0-9_]*")
_RUNS = pattern(rb"[!'\\]|[^!'\\]+")
_NOT_CARRIED = pattern(rb"[^ -~]|[!\"$'\\`]")


def posix_quote(argument: bytes) -> bytes:
    """`argument` as one word of a POSIX shell (XCU 2.2.2). Raises ConfigError for a zero byte."""
    _refuse_zero(argument)
    if _SAFE.fullmatch(argument):
        return argument
    return b"'" + argument.replace(b"'", b"'\\''") + b"'"


def posix_join(arguments: Iterable[bytes]) -> bytes:
    """A POSIX shell command line that passes `arguments` on unchanged."""
    return b" ".join(posix_quote(argument) for argument in arguments)


def wrap(command: bytes, *, cwd: bytes | None = None, env: Mapping[str, str] | None = None) -> bytes:
    """A command line, for any login shell, that runs `command` through the login shell in `cwd` with `env` added.

    Without either, `command` itself. `~` and `~/…` in `cwd` mean the home directory. When `cwd` cannot be entered, the
    shell and we say so on stderr, the status is 126 and the command does not run. The values of `env` can be seen in
    the host's process list: they are no place for secrets. Raises ConfigError (USAGE) for what no shell can carry.
    """
    if cwd is None and not env:
        return command
    steps = [b'set -- "${SHELL:-/bin/sh}"', *in_place(cwd=cwd, env=env), b'exec "$1" -c ' + posix_quote(command)]
    return b"exec sh -c " + _for_any_shell(_on_one_line(b"; ".join(steps)))


def in_place(*, cwd: bytes | None = None, env: Mapping[str, str] | None = None) -> list[bytes]:
    """The steps of a POSIX script that lead to `cwd` and set `env`. It ends with 126 where `cwd` cannot be entered.

    Raises ConfigError (USAGE) for what no shell can carry.
    """
    steps = exports(env or {})
    if cwd is None:
        return steps
    return [b"%s >/dev/null || { echo '%s' >&2; exit 126; }" % (entering(cwd), _NOT_RUN), *steps]


def script_line(script: bytes) -> bytes:
    """A command line, for any login shell, that has a POSIX shell run `script`; its standard input is left alone.

    Raises ConfigError for a zero byte.
    """
    _refuse_zero(script)
    return b"exec sh -c " + _for_any_shell(_on_one_line(script))


def login_shell(*, cwd: bytes | None = None, env: Mapping[str, str] | None = None) -> bytes | None:
    """A command line, for any login shell, that becomes a login shell in `cwd` with `env` added; None without either.

    Where `cwd` cannot be entered, the shell says so and opens in the home directory: a person can look for the reason.
    Raises ConfigError (USAGE) for what no shell can carry.
    """
    if cwd is None and not env:
        return None
    steps = [b'set -- "${SHELL:-/bin/sh}"']
    steps += exports(env or {})
    if cwd is not None:
        steps.append(entering(cwd) + b" >/dev/null")
    steps.append(b'exec "$1" -l')
    return b"exec sh -c " + _for_any_shell(_on_one_line(b"; ".join(steps)))


def entering(cwd: bytes) -> bytes:
    """A command of a POSIX shell that enters `cwd`. `~` and `~/…` mean the home directory."""
    return b"CDPATH= cd -- " + directory_word(cwd)


def exports(env: Mapping[str, str]) -> list[bytes]:
    """Commands of a POSIX shell that set these variables. Raises ConfigError (USAGE) for a name that cannot be one."""
    return [b"export " + _assignment(name, value) for name, value in env.items()]


def directory_word(cwd: bytes) -> bytes:
    """`cwd` as one word of a POSIX shell, with `~` and `~/…` as the home directory."""
    home, slash, rest = cwd.partition(b"/")
    if home == b"~":
        return b'"$HOME"' + (slash + posix_quote(rest) if rest else b"")
    return posix_quote(b"./" + cwd if cwd.startswith(b"-") else cwd)


def _assignment(name: str, value: str) -> bytes:
    if not _NAME.fullmatch(name):
        raise ConfigError(Code.USAGE, evidence={"problem": f"{name!r} is not a name of an environment variable."})
    return name.encode() + b"=" + posix_quote(value.encode("utf-8", "surrogateescape"))


def _refuse_zero(argument: bytes) -> None:
    if b"\0" in argument:
        raise ConfigError(Code.USAGE, evidence={"problem": "a command or argument cannot hold a zero byte."})


def _on_one_line(script: bytes) -> bytes:
    """An equivalent POSIX script of printable ASCII without newlines; the same one if it is such already."""
    if script.isascii() and b"\n" not in script and script.decode("ascii").isprintable():
        return script
    carried = _NOT_CARRIED.sub(lambda found: b"\\0%03o" % found[0][0], script)
    return b'eval "$(printf %b "' + carried + b'")"'


def _for_any_shell(text: bytes) -> bytes:
    """`text`, which has no newline, as one word of any of the shells named above."""
    return b"".join(_quote_run(run) for run in _RUNS.findall(text)) or b"''"


def _quote_run(run: bytes) -> bytes:
    if run in (b"!", b"'", b"\\"):
        return b"\\" + run
    return run if _SAFE.fullmatch(run) else b"'" + run + b"'"
