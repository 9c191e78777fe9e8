"""What may wreck a host, or lock everybody out, and is asked about. Pure.

A question saves from a slip of the hand; who wants to do it can, and what has another name is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from backend.commands.policy.reader import read
from backend.commands.policy.values import Simple, Unreadable, Word

Judge = Callable[[Sequence[Word]], str | None]
"""What is dangerous about a program with these arguments, as the end of a sentence about it."""

_BOMB = re.compile(r"([\w:.]+)\s*\(\)\s*\{[^}]*\1\s*\|\s*\1\s*&")
_DISK = re.compile(
    r"/dev/(?:[hsv]d[a-z]|xvd[a-z]|nvme\d|mmcblk\d|md\d|dm-\d|mapper/|disk/|r?disk\d|vg|loop\d|mem\b|kmem\b)"
)
_TOP = re.compile(
    r"(?:/+|\.|/\.)*(?:/(?:bin|boot|dev|etc|home|lib(?:32|64)?|opt|proc|root|run|sbin|srv|sys|usr|var|Users|System))?/*\*?"
)
_HOME = re.compile(r"~[\w.-]*/*\*?")


def dangers(command: bytes) -> tuple[str, ...]:
    """What is dangerous about `command`, a line for a POSIX shell: sentences for people, not cleaned."""
    text = command.decode("utf-8", "surrogateescape")
    found = ["it starts copies of itself without end"] if _BOMB.search(text) else []
    try:
        commands = read(command).all()
    except Unreadable:
        commands = _guessed(text)
    for each in commands:
        found += [f"'{each.shown}' {why}" for why in _of(each)]
    return tuple(dict.fromkeys(found))


def _guessed(text: str) -> list[Simple]:
    """The commands of a text that is no shell's, or too much of one: whatever stands between its connectors."""
    pieces = re.split(r"[;|&\n(){}`]+|\b(?:then|do|else)\b", text)
    found = [Simple(tuple(Word(word.strip("'\"")) for word in piece.split())) for piece in pieces if piece.split()]
    return [Simple(each.words[at:]) for each in found for at in range(min(len(each.words), 4))]


def _of(command: Simple) -> Iterator[str]:
    name, arguments = command.name, command.words[1:]
    if name is None:
        return
    if name == ">" and _DISK.match(arguments[0].text):
        yield "writes over a disk"
    if name == ">" and arguments[0].text.startswith("/proc/sysrq"):
        yield "speaks to the kernel's emergency keys"
    judge = _JUDGES.get(name) or next((judge for begin, judge in _FAMILIES if name.startswith(begin)), None)
    if judge is not None and (why := judge(arguments)) is not None:
        yield why


def _always(why: str) -> Judge:
    return lambda arguments: why


def _has(arguments: Sequence[Word], letters: str, *long: str) -> bool:
    options = [word.text for word in arguments if word.text.startswith("-")]
    bundled = {letter for one in options if not one.startswith("--") for letter in one[1:]}
    return bool(set(letters) & bundled) or any(
        len(one) > 3 and name.startswith(one) for one in options for name in long
    )


def _operands(arguments: Sequence[Word]) -> list[Word]:
    return [word for word in arguments if not word.text.startswith("-") or not word.sure]


def _everything(arguments: Sequence[Word]) -> str | None:
    """Of the paths: what is the whole of a system, or of a home directory, or may be."""
    for word in _operands(arguments):
        if word.sure or not word.text.startswith(("/", "~")):
            if word.sure and (_TOP.fullmatch(word.text) and word.text[:1] == "/"):
                return f"all of {word.text}"
            if not word.sure and (word.text in ("", "/", "/*") or _TOP.fullmatch(word.text)):
                return "a path that a variable begins: where that is empty, it means everything"
        elif _TOP.fullmatch(word.text):
            return f"all of {word.text}"
        if _HOME.fullmatch(word.text):
            return "a whole home directory"
    return None


def _removes(arguments: Sequence[Word]) -> str | None:
    if any(word.text.startswith("--no-pre") for word in arguments):
        return "removes what rm protects otherwise"
    what = _everything(arguments) if _has(arguments, "rR", "--recursive") else None
    return None if what is None else f"removes {what}"


def _changes_modes(arguments: Sequence[Word]) -> str | None:
    what = _everything(arguments) if _has(arguments, "R", "--recursive") else None
    return None if what is None else f"changes {what}"


def _moves(arguments: Sequence[Word]) -> str | None:
    what = _everything(arguments[:-1])
    return None if what is None else f"moves {what}"


def _dd(arguments: Sequence[Word]) -> str | None:
    return (
        "writes over a device"
        if any(word.text.startswith("of=/dev/") for word in arguments if not _null(word))
        else None
    )


def _null(word: Word) -> bool:
    return word.sure and word.text in ("of=/dev/null", "of=/dev/stdout", "of=/dev/stderr", "of=/dev/zero")


def _on_a_disk(why: str) -> Judge:
    return lambda arguments: why if any(_DISK.match(word.text) for word in arguments) else None


def _verbs(why: str, *verbs: str) -> Judge:
    """One of its words that are no options is among `verbs`."""
    return lambda arguments: why if any(word.text in verbs for word in _operands(arguments)[:3]) else None


def _first_of(*judges: Judge) -> Judge:
    return lambda arguments: next((why for judge in judges if (why := judge(arguments)) is not None), None)


def _find(arguments: Sequence[Word]) -> str | None:
    if not any(word.text in ("-delete",) for word in arguments):
        return None
    starts = [word for word in arguments if not word.text.startswith("-")]
    what = _everything(starts[:1])
    return None if what is None else f"removes from {what}"


def _kill(arguments: Sequence[Word]) -> str | None:
    return "ends every process" if arguments and arguments[-1].text in ("-1",) and len(arguments) > 1 else None


def _filter(arguments: Sequence[Word]) -> str | None:
    if _has(arguments, "F", "--flush"):
        return "takes away the firewall's rules: with a policy of DROP nobody gets in any more"
    words = [word.text for word in arguments]
    if any(word in ("-P", "--policy") for word in words) and {"DROP", "REJECT"} & set(words):
        return "closes the firewall, this connection included"
    return None


_STOPS = "stops the host"
_CUTS = "may cut this connection, and every other"
_SYSTEMCTL = _first_of(
    _verbs(_STOPS, "reboot", "poweroff", "halt", "kexec", "soft-reboot", "suspend", "hibernate", "rescue", "emergency",
           "isolate", "exit"),
    lambda arguments: (
        _CUTS
        if any(word.text in ("stop", "disable", "mask") for word in arguments)
        and any(re.match(r"(?:sshd?|networking|NetworkManager|systemd-networkd)\b", word.text) for word in arguments)
        else None
    ),
)  # fmt: skip
_JUDGES: dict[str, Judge] = {
    "rm": _removes,
    "find": _find,
    "dd": _dd,
    "chmod": _changes_modes,
    "chown": _changes_modes,
    "chgrp": _changes_modes,
    "mv": _moves,
    "shred": _on_a_disk("writes over a disk"),
    "truncate": _on_a_disk("writes over a disk"),
    "cp": lambda arguments: "writes over a disk" if arguments and _DISK.match(arguments[-1].text) else None,
    "tee": _on_a_disk("writes over a disk"),
    "wipefs": _always("removes what is known of a disk's content"),
    "blkdiscard": _always("discards a disk's content"),
    "mkswap": _always("writes over a disk"),
    "mke2fs": _always("makes a new file system: what is there is lost"),
    "fdisk": lambda arguments: None if _has(arguments, "l") else "changes a disk's partitions",
    "sfdisk": lambda arguments: None if _has(arguments, "ld") else "changes a disk's partitions",
    "sgdisk": lambda arguments: None if _has(arguments, "p") else "changes a disk's partitions",
    "parted": lambda arguments: (
        None
        if _has(arguments, "l") or any(word.text == "print" for word in arguments)
        else "changes a disk's partitions"
    ),
    "lvremove": _always("removes a volume"),
    "vgremove": _always("removes volumes"),
    "pvremove": _always("removes volumes"),
    "zpool": _verbs("destroys a pool", "destroy", "labelclear"),
    "zfs": _verbs("destroys a file system", "destroy", "rollback"),
    "cryptsetup": _verbs("makes what is on a disk unreadable", "luksFormat", "erase", "luksErase", "reencrypt"),
    "mdadm": lambda arguments: (
        "takes a disk array apart" if _has(arguments, "S", "--stop", "--zero-superblock") else None
    ),
    "shutdown": lambda arguments: None if _has(arguments, "c") else _STOPS,
    "reboot": _always(_STOPS),
    "halt": _always(_STOPS),
    "poweroff": _always(_STOPS),
    "init": _verbs(_STOPS, "0", "1", "6", "s", "S"),
    "telinit": _verbs(_STOPS, "0", "1", "6", "s", "S"),
    "systemctl": _SYSTEMCTL,
    "service": lambda arguments: (
        _CUTS
        if len(arguments) > 1 and arguments[0].text in ("ssh", "sshd", "networking") and arguments[1].text == "stop"
        else None
    ),
    "iptables": _filter,
    "ip6tables": _filter,
    "nft": _verbs("takes away the firewall's rules", "flush"),
    "ufw": _verbs("takes away the firewall's rules", "reset", "disable"),
    "firewall-cmd": lambda arguments: (
        "drops all traffic" if any(word.text == "--panic-on" for word in arguments) else None
    ),
    "ip": lambda arguments: _CUTS if _cuts_ip([word.text for word in arguments]) else None,
    "ifdown": _always(_CUTS),
    "ifconfig": lambda arguments: _CUTS if arguments and arguments[-1].text == "down" else None,
    "nmcli": _verbs(_CUTS, "down", "off"),
    "crontab": lambda arguments: "removes all of a user's jobs" if _has(arguments, "r") else None,
    "kill": _kill,
    "killall5": _always("ends every process"),
    "userdel": _always("removes an account"),
}
_FAMILIES: tuple[tuple[str, Judge], ...] = (("mkfs", _always("makes a new file system: what is there is lost")),)


def _cuts_ip(words: Sequence[str]) -> bool:
    return (words[:1] in (["link"], ["l"]) and "down" in words) or (
        "flush" in words or (words[:1] in (["route"], ["r"]) and "del" in words and "default" in words)
    )
