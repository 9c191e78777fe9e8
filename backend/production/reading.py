"""Whether a command only reads, so that a production host need not ask about it. Pure.

It knows the usual programs for looking at things, and their options that do more than look; what it does not know
counts as a change. It saves questions and is no fence: a program's name says nothing of what the host has put under it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from itertools import groupby

Judge = Callable[[Sequence[str]], bool]
"""Whether a program that is given these arguments only reads."""

_CONNECTORS = frozenset({";", "&&", "||", "|", "\n", "|&", ";;"})
_SILENT = re.compile(r"(?<![^\s;|&<>])(?:[012]?>>?\s*/dev/null|&>\s*/dev/null|2>&1|1?>&2)(?![^\s;|&])")
"""Output that goes nowhere, or to the other stream."""
_HIDDEN = ("`", "$(", "<(", ">(", "${")
"""Commands inside words, and expansions that may be anything."""

_LOOKING = (
    ":", "[", "arch", "base64", "basename", "cal", "cat", "cd", "cksum", "cmp", "column", "comm", "cut", "df",
    "diff", "dig", "dirname", "du", "echo", "egrep", "exit", "expand", "false", "fgrep", "fold", "free", "getent",
    "getfacl", "grep", "groups", "head", "host", "id", "iostat", "join", "last", "lastlog", "locale", "ls",
    "lsattr", "lsblk", "lscpu", "lsmem", "lsmod", "lsns", "lsof", "lspci", "lsusb", "md5sum", "mpstat", "netstat",
    "nl", "nproc", "nslookup", "od", "paste", "pgrep", "pidof", "ping", "printenv", "printf", "ps", "pstree", "pwd",
    "readlink", "realpath", "rev", "sacct", "seq", "sha1sum", "sha256sum", "sha512sum", "sinfo", "sleep", "sprio",
    "squeue", "sshare", "stat", "strings", "tac", "tail", "test", "tr", "tracepath", "traceroute", "true", "tty",
    "uname", "uptime", "vmstat", "w", "wc", "whereis", "which", "who", "whoami", "zcat", "zgrep",
)  # fmt: skip


def only_reads(command: bytes) -> bool:
    """Whether all that `command`, a line for a POSIX shell, does is to look. False where that is not certain."""
    try:
        text = command.decode()
        lexer = shlex.shlex(_SILENT.sub(" ", text), posix=True, punctuation_chars=";|&<>()\n")
        lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t", True, ""
        words = list(lexer)
    except ValueError:
        return False
    if any(hidden in text for hidden in _HIDDEN):
        return False
    simple = [list(some) for apart, some in groupby(words, _CONNECTORS.__contains__) if not apart]
    return bool(simple) and all(_looks(one) for one in simple)


def _looks(words: Sequence[str]) -> bool:
    """Of a command without pipes and lists."""
    if any(set(word) & set(";|&<>()\n") and set(word) <= set(";|&<>()\n") for word in words):
        return False  # a redirection, a subshell, or a connector that is not known
    while len(words) > 1 and words[0] in _PREFIXES:
        words = words[1:]
    name, *arguments = words
    judge = _JUDGES.get(name)
    return judge is not None and judge(arguments)


def _always(arguments: Sequence[str]) -> bool:
    return True


def _alone(arguments: Sequence[str]) -> bool:
    return not arguments


def _without(*wrong: str) -> Judge:
    """Nothing begins with one of `wrong`."""
    return lambda arguments: not (wrong and any(one.startswith(wrong) for one in arguments))


def _unless(letters: str, *words: str) -> Judge:
    """No option of one letter is among `letters`, alone or in a bundle, and nothing begins with one of `words`."""

    def judge(arguments: Sequence[str]) -> bool:
        bundles = (one for one in arguments if one.startswith("-") and not one.startswith("--"))
        return not any(set(bundle) & set(letters) for bundle in bundles) and _without(*words)(arguments)

    return judge


def _both(one: Judge, other: Judge) -> Judge:
    return lambda arguments: one(arguments) and other(arguments)


def _verbs(*verbs: str) -> Judge:
    """The first word that is no option is one of `verbs`; a trailing `*` stands for any ending."""
    exact = frozenset(verb for verb in verbs if not verb.endswith("*"))
    begins = tuple(verb[:-1] for verb in verbs if verb.endswith("*"))

    def judge(arguments: Sequence[str]) -> bool:
        first = next((one for one in arguments if not one.startswith("-")), None)
        return first is not None and (first in exact or (bool(begins) and first.startswith(begins)))

    return judge


def _first(*wanted: str) -> Judge:
    """The first argument of all begins with one of `wanted`."""
    return lambda arguments: bool(arguments) and arguments[0].startswith(wanted)


def _no_operands(arguments: Sequence[str]) -> bool:
    return all(one.startswith("-") for one in arguments)


def _date(arguments: Sequence[str]) -> bool:
    """Operands set the clock, but for a format."""
    given = iter(arguments)
    for one in given:
        if one in {"-d", "--date", "-r", "--reference"}:
            next(given, None)
        elif not (one.startswith(("+", "--date=", "--iso", "--rfc", "-I")) or one in {"-u", "--utc", "-R"}):
            return False
    return True


def _at_most_one_operand(arguments: Sequence[str]) -> bool:
    """A second one is a file that is written (uniq(1))."""
    return sum(not one.startswith("-") for one in arguments) < 2


def _ip(arguments: Sequence[str]) -> bool:
    if any(one.startswith("-b") and not one.startswith("-br") for one in arguments):
        return False  # -batch
    words = [one for one in arguments if not one.startswith("-")]
    return len(words) < 2 or words[1] in {"show", "list", "ls", "sh", "get"} or words[1].startswith("lis")


def _sed(arguments: Sequence[str]) -> bool:
    """Only `sed -n 'FROM,TOp' FILE…`: its language can write."""
    match arguments:
        case ["-n", script, *files]:
            return re.fullmatch(r"[0-9$,]+p", script) is not None and _without("-")(files)
        case _:
            return False


_PREFIXES = frozenset({"sudo", "nice", "time", "command"})
_CONTAINERS = _verbs("ps", "images", "logs", "inspect", "top", "stats", "port", "version", "info", "diff", "history")
_JUDGES: dict[str, Judge] = {
    **dict.fromkeys(_LOOKING, _always),
    "apt": _verbs("list", "show", "policy", "search"),
    "apt-cache": _verbs("show", "showpkg", "policy", "search", "depends", "rdepends", "madison"),
    "crontab": lambda arguments: list(arguments) == ["-l"],
    "date": _date,
    "dmesg": _unless("CcDEn", "--c", "--read-clear"),
    "docker": _CONTAINERS,
    "dpkg": _first("-l", "-L", "-s", "-S", "--list", "--search", "--status"),
    "env": _alone,
    "find": _without("-delete", "-exec", "-ok", "-fprint", "-fls"),
    "file": _unless("C", "--compile"),
    "git": _both(
        _verbs("status", "log", "show", "rev-parse", "describe", "ls-files", "blame", "shortlog"),
        _without("--output", "--ext-diff"),
    ),
    "hostname": _both(_no_operands, _unless("bF", "--boot", "--file")),
    "hostnamectl": lambda arguments: not arguments or arguments[0] == "status",
    "ip": _ip,
    "journalctl": _without(
        "--vacuum", "--rotate", "--flush", "--sync", "--relinquish", "--setup", "--update", "--cursor-file"
    ),
    "kubectl": _verbs("get", "describe", "logs", "top", "version", "explain", "api-resources", "cluster-info"),
    "loginctl": _verbs("list-*", "show-*", "session-status", "user-status"),
    "mount": _alone,
    "nft": _verbs("list"),
    "nvidia-smi": lambda arguments: (
        not arguments or _both(_first("-q", "--query", "-L"), _unless("f", "--f"))(arguments)
    ),
    "pip": _verbs("list", "show", "freeze"),
    "podman": _CONTAINERS,
    "rpm": _first("-q", "--query"),
    "sed": _sed,
    "sort": _unless("o", "--o", "--compress"),
    "ss": _unless("K", "--kill"),
    "systemctl": _verbs("status", "show", "cat", "is-*", "list-*", "get-default"),
    "timedatectl": lambda arguments: not arguments or arguments[0] in {"status", "show", "timesync-status"},
    "top": _first("-b"),
    "ufw": _verbs("status"),
    "uniq": _at_most_one_operand,
}
