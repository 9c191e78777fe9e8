"""Programs that start others: sudo(8), env(1), `sh -c`, xargs(1), find(1) …, and where among their words those are.

What they start is None where that is not known: a word that is computed stands where it begins, or it comes over stdin.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from backend.commands.policy.values import Simple, Word
from backend.dataclass import dataclass

ReadText = Callable[[str], list[Simple]]
ReadWords = Callable[[tuple[Word, ...]], Simple]
Started = tuple[Simple, ...] | None

_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
SHELLS = frozenset({"sh", "ash", "bash", "dash", "ksh", "mksh", "zsh", "rbash", "yash"})
OTHER_SHELLS = frozenset({"fish", "csh", "tcsh"})


@dataclass(frozen=True, slots=True)
class _Prefix:
    """A program that runs the rest of its words."""

    valued: str = ""
    """Options of one letter that take a value."""
    valued_long: tuple[str, ...] = ()
    operands: int = 0
    """Words before the command that are no options."""
    assigns: bool = False
    """`NAME=VALUE` may come before the command."""
    more: bool = False
    """It adds words of its own to the command."""
    needs: bool = False
    """Without a command it starts a shell that reads its input."""


_PREFIXES = {
    "sudo": _Prefix("ugpCcDRrtThU", ("user", "group", "prompt", "chdir", "chroot", "role", "type", "host",
                                     "close-from", "command-timeout", "other-user"), assigns=True, needs=False),
    "doas": _Prefix("uC"),
    "env": _Prefix("uC", ("unset", "chdir"), assigns=True),
    "nice": _Prefix("n", ("adjustment",)),
    "ionice": _Prefix("cnpPu", ("class", "classdata")),
    "nohup": _Prefix(),
    "setsid": _Prefix(),
    "timeout": _Prefix("sk", ("signal", "kill-after"), operands=1),
    "time": _Prefix("fo", ("format", "output")),
    "stdbuf": _Prefix("ioe", ("input", "output", "error")),
    "chrt": _Prefix("TPD", operands=1),
    "taskset": _Prefix(operands=1),
    "chroot": _Prefix("", ("userspec", "groups"), operands=1, needs=True),
    "exec": _Prefix("a"),
    "command": _Prefix(),
    "builtin": _Prefix(),
    "busybox": _Prefix(),
    "toybox": _Prefix(),
    "unshare": _Prefix("SGwR", needs=True),
    "nsenter": _Prefix("tSG", ("target",), needs=True),
    "systemd-run": _Prefix("pEMHut", ("unit", "property", "setenv", "description", "slice", "uid", "gid", "on-active",
                                      "on-calendar", "working-directory", "machine", "host"), needs=True),
    "systemd-inhibit": _Prefix("", ("what", "who", "why", "mode")),
    "xargs": _Prefix("InPLdEsa", ("arg-file", "delimiter", "max-args", "max-procs", "max-lines", "replace",
                                  "max-chars"), more=True),
    "strace": _Prefix("eEopsuaIObPSUX"),
    "ltrace": _Prefix("eonpsuaAlxX"),
    "setpriv": _Prefix("", ("reuid", "regid", "groups")),
    "proxychains": _Prefix("f"),
    "eatmydata": _Prefix(),
    "chpst": _Prefix("ugUbenolcdfmprtsP"),
    "caffeinate": _Prefix("tw"),
}  # fmt: skip


def started_by(words: Sequence[Word], read_text: ReadText, read_words: ReadWords) -> Started:
    """The commands that a command of these words starts; None where that is not known. Raises Unreadable."""
    first = words[0]
    if not first.sure:
        return None
    name = first.text.rpartition("/")[2]
    rest = words[1:]
    if name in SHELLS | OTHER_SHELLS:
        return _shell(rest, read_text, posix=name in SHELLS)
    if name in ("su", "runuser"):
        return _su(rest, read_text, read_words)
    if name in ("eval", "watch", "parallel"):
        return _joined([word for word in rest if not word.text.startswith("-")], read_text)
    if name in (".", "source", "alias", "trap", "ssh", "script", "flock", "expect", "at", "batch"):
        return _of_its_own(name, rest, read_text)
    if name == "find":
        return _find(rest, read_words)
    prefix = _PREFIXES.get(name)
    return () if prefix is None else _prefixed(name, prefix, rest, read_words)


def _prefixed(name: str, prefix: _Prefix, rest: Sequence[Word], read_words: ReadWords) -> Started:
    if name == "command" and any(_bundled(word.text, "vV") for word in rest[:1]):
        return ()
    if name == "env" and any(word.text.startswith("--split") or _bundled(word.text, "S") for word in rest):
        return None
    at = _command_at(prefix, rest)
    if at is None:
        return None
    if at == len(rest):
        shell = name == "sudo" and any(_bundled(word.text, "is") or word.text in _SHELL_WORDS for word in rest)
        return None if shell or prefix.needs else ()
    more = (Word("", sure=False),) if prefix.more else ()
    return (read_words((*rest[at:], *more)),)


def _command_at(prefix: _Prefix, rest: Sequence[Word]) -> int | None:
    """Where among its words the command begins that it runs; None where that is not known."""
    at, operands = 0, prefix.operands
    while at < len(rest):
        word = rest[at]
        if not word.sure:
            return None
        if word.text == "--":
            return min(len(rest), at + 1 + operands)
        if word.text.startswith("-") and len(word.text) > 1:
            at += 2 if _takes_next(word.text, prefix) else 1
        elif prefix.assigns and _ASSIGNMENT.match(word.text):
            at += 1
        elif operands:
            at, operands = at + 1, operands - 1
        else:
            break
    return min(at, len(rest))


_SHELL_WORDS = ("--login", "--shell")


def _bundled(option: str, letters: str) -> bool:
    return option.startswith("-") and not option.startswith("--") and bool(set(option[1:]) & set(letters))


def _takes_next(option: str, prefix: _Prefix) -> bool:
    """Whether the next word is the value of this option."""
    if option.startswith("--"):
        long = option[2:]
        return "=" not in long and bool(long) and any(name.startswith(long) for name in prefix.valued_long)
    for position, letter in enumerate(option[1:], start=1):
        if letter in prefix.valued:
            return position == len(option) - 1
    return False


def _shell(rest: Sequence[Word], read_text: ReadText, *, posix: bool) -> Started:
    words, asked = list(rest), False
    while words and words[0].sure and words[0].text[:1] in ("-", "+") and len(words[0].text) > 1:
        option = words.pop(0).text
        if option == "--":
            break
        if not option.startswith("--"):
            asked = asked or "c" in option[1:]
            if "s" in option[1:]:
                return None
            if option[1:].endswith(("o", "O")) and words:
                words.pop(0)
        elif option in ("--rcfile", "--init-file") and words:
            return None
    if not words:
        return None  # it reads its input
    if not words[0].sure or (asked and not posix):
        return None
    return tuple(read_text(words[0].text)) if asked else ()


def _su(rest: Sequence[Word], read_text: ReadText, read_words: ReadWords) -> Started:
    words = list(rest)
    for position, word in enumerate(words):
        if not word.sure:
            return None
        if word.text == "--":
            after = words[position + 1 :]
            return (read_words(tuple(after)),) if after else None
        for begin in ("-c", "--command=", "--session-command="):
            if word.text.startswith(begin) and word.text != begin:
                return tuple(read_text(word.text[len(begin) :]))
        if word.text in ("-c", "--command", "--session-command") or re.fullmatch(r"-[a-zA-Z]*c", word.text):
            script = words[position + 1 : position + 2]
            return tuple(read_text(script[0].text)) if script and script[0].sure else None
    return None


def _joined(words: Sequence[Word], read_text: ReadText) -> Started:
    if not all(word.sure for word in words):
        return None
    return tuple(read_text(" ".join(word.text for word in words))) if words else ()


def _of_its_own(name: str, rest: Sequence[Word], read_text: ReadText) -> Started:
    """Those whose commands stand in files, on other hosts, or elsewhere: not known, unless there are none."""
    if name in ("alias", "trap") and not rest:
        return ()
    if name == "trap" and rest[0].sure and not rest[0].text.startswith("-"):
        return tuple(read_text(rest[0].text))
    return None


def _find(rest: Sequence[Word], read_words: ReadWords) -> Started:
    found: list[Simple] = []
    words = list(rest)
    while words:
        word = words.pop(0)
        if word.text in ("-exec", "-execdir", "-ok", "-okdir"):
            end = next((at for at, each in enumerate(words) if each.text in (";", "+")), len(words))
            inner = [Word(each.text, sure=each.sure and "{}" not in each.text) for each in words[:end]]
            if not inner:
                return None
            found.append(read_words(tuple(inner)))
            del words[: end + 1]
    return tuple(found)
