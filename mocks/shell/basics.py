"""The commands that belong to the shell itself, and the small ones: echo, cd, test, exit, kill, sleep, seq, sh …"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Final

from backend.errors import FileError
from mocks.host import User
from mocks.nodes import Directory, File, Link, Node
from mocks.pipes import read_all
from mocks.shell import ours
from mocks.shell.cluster import asked_for_modules
from mocks.shell.interpreter import ExitShell, Signalled
from mocks.shell.kept_open import kept_open
from mocks.shell.run import Run, command, decode, encode, reason_of

_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "\\": "\\", "e": "\x1b"}


@command("echo")
async def echo(run: Run) -> int:
    words = list(run.arguments)
    end, escapes = "\n", False
    while words and words[0] in ("-n", "-e", "-ne", "-en"):
        option = words.pop(0)
        end = "" if "n" in option else end
        escapes = escapes or "e" in option
    text = " ".join(words)
    await run.out((unescape(text) if escapes else encode(text)) + end.encode())
    return 0


def unescape(text: str) -> bytes:
    """`\\n`, `\\0NNN`, `\\NNN` and `\\xHH` as bytes."""

    def octal(match: re.Match[bytes]) -> bytes:
        if match[1]:
            return bytes([int(match[1], 8) & 255])
        if match[2]:
            return bytes([int(match[2], 16)])
        return _ESCAPES.get(match[3].decode("latin-1"), decode(match[0])).encode("utf-8", "surrogateescape")

    return re.sub(rb"\\(?:0?([0-7]{1,3})|x([0-9a-fA-F]{1,2})|(.))", octal, encode(text), flags=re.DOTALL)


@command("printf")
async def printf(run: Run) -> int:
    if not run.arguments:
        return await run.complain("usage: printf format [arguments]", 2)
    words = run.arguments[1:] if run.arguments[0] == "--" else run.arguments
    form, values = words[0], list(words[1:])
    while True:
        taken = len(values)
        await run.out(_format_once(form, values))
        if not values or len(values) == taken:
            return 0


def _format_once(form: str, values: list[str]) -> bytes:
    """One pass over the format; takes what it needs from the front of `values`."""
    parts = []
    for text in re.split(r"(%[-0+ #]*\d*(?:\.\d+)?[sbdicuxXof%])", form):
        if len(text) < 2 or text[0] != "%":
            parts.append(unescape(text))
        elif text == "%%":
            parts.append(b"%")
        else:
            parts.append(_convert(text, values.pop(0) if values else ""))
    return b"".join(parts)


def _convert(spec: str, value: str) -> bytes:
    kind = spec[-1]
    if kind == "b":
        return unescape(value)
    if kind in "sc":
        return encode(f"{spec[:-1]}s" % (value if kind == "s" else value[:1]))
    try:
        number = float(value or 0) if kind == "f" else int(value or "0", 0)
    except ValueError:
        number = 0
    return encode(spec.replace("u", "d").replace("i", "d") % number)


@command("pwd")
async def pwd(run: Run) -> int:
    await run.out(run.shell.cwd + b"\n")
    return 0


@command("cd")
async def cd(run: Run) -> int:
    words = [word for word in run.arguments if word != "--"]
    target = words[0] if words else run.shell.value_of("HOME")
    if target == "-":
        target = run.shell.value_of("OLDPWD")
        await run.line(target)
    try:
        run.shell.change_directory(target)
    except FileError as error:
        return await run.complain(f"can't cd to {target}: {reason_of(error)}", 2)
    return 0


@command("true", ":")
async def true(run: Run) -> int:
    return 0


@command("false")
async def false(run: Run) -> int:
    return 1


@command("exit", "logout")
async def exit_(run: Run) -> int:
    text = run.arguments[0] if run.arguments else str(run.shell.status)
    if not text.lstrip("-").isdecimal():
        return await run.complain(f"Illegal number: {text}", 2)
    raise ExitShell(int(text) & 255)


@command("export")
async def export(run: Run) -> int:
    for word in run.arguments:
        name, equals, value = word.partition("=")
        if not name.isidentifier():
            return await run.complain(f"{name}: bad variable name", 2)
        if equals:
            run.shell.variables[name] = value
        run.shell.exported.add(name)
    return 0


@command("unset")
async def unset(run: Run) -> int:
    for name in run.arguments:
        run.shell.variables.pop(name, None)
    return 0


@command("set")
async def set_(run: Run) -> int:
    """`set -- words` gives the positional parameters; options are accepted without effect."""
    if "--" in run.arguments:
        run.shell.arguments[1:] = run.arguments[run.arguments.index("--") + 1 :]
    return 0


@command("shift")
async def shift(run: Run) -> int:
    del run.shell.arguments[1:2]
    return 0


@command("eval")
async def eval_(run: Run) -> int:
    text = " ".join(run.arguments)
    for answer in (asked_for_modules, kept_open):
        if (status := await answer(run, text)) is not None:
            return status
    return await run.shell.run_text(text, run.streams)


@command("stty")
async def stty(run: Run) -> int:
    if run.terminal is None:
        return await run.complain("standard input: Inappropriate ioctl for device")
    if run.arguments == ["size"]:
        await run.line(f"{run.terminal.size.rows} {run.terminal.size.columns}")
    return 0


@command("trap")
async def trap(run: Run) -> int:
    """What is done when a script ends is known; traps of signals are accepted without effect."""
    if run.arguments[-1:] == ["EXIT"]:
        run.shell.at_exit = "" if run.arguments[0] == "-" else run.arguments[0]
    return 0


@command("umask", "ulimit", "shopt", "alias", "sync")
async def accepted(run: Run) -> int:
    """Accepted without effect: scripts begin with these."""
    return 0


@command("env", "printenv")
async def env(run: Run) -> int:
    words = list(run.arguments)
    shell = run.shell.child()
    while words and "=" in words[0] and run.name == "env":
        name, _, value = words.pop(0).partition("=")
        shell.variables[name] = value
        shell.exported.add(name)
    if words and run.name == "env":
        return await shell.execute(words, run.streams)
    if words:
        found = shell.variables.get(words[0])
        await run.out(f"{found}\n" if found is not None else "")
        return int(found is None)
    for name in sorted(shell.exported & set(shell.variables)):
        await run.line(f"{name}={shell.variables[name]}")
    return 0


@command("exec", "command", "nohup", "nice", "time")
async def exec_(run: Run) -> int:
    """Run what follows; after `exec` the shell ends with it."""
    words = run.arguments
    while words and words[0].startswith("-"):
        if words[0] in ("-v", "-V") and run.name == "command":
            return await which(Run(run.shell, "which", words[1:], run.streams))
        words = words[1:]
    if not words:
        return 0
    status = await run.shell.execute(words, run.streams)
    if run.name == "exec":
        raise ExitShell(status)
    return status


@command("sudo")
async def sudo(run: Run) -> int:
    words, options = _sudo_words(run.arguments)
    if run.actor.uid != 0 and "sudo" not in [name for name, _ in run.user.groups]:
        return await run.complain(f"{run.user.name} is not in the sudoers file.")
    if run.host.sudo_asks and run.actor.uid != 0 and not await _knows_password(run, options):
        return 1
    name = options.get("-u", "root")
    user = User("root", 0) if name == "root" else run.host.users.get(name)
    if user is None:
        return await run.complain(f"unknown user {name}")
    shell = run.shell.child()
    shell.user = user
    return await shell.execute(words, run.streams) if words else 0


def _sudo_words(arguments: list[str]) -> tuple[list[str], dict[str, str]]:
    """The command, and the options before it; `-p` and `-u` have a value."""
    words, options = list(arguments), dict[str, str]()
    while words and words[0].startswith("-"):
        word = words.pop(0)
        if word == "--":
            break
        options[word] = words.pop(0) if word in ("-p", "-u") and words else ""
    return words, options


async def _knows_password(run: Run, options: dict[str, str]) -> bool:
    if "-S" not in options:
        await run.complain("a password is required")
        return False
    for _ in range(3):
        await run.streams.stderr.write(encode(options.get("-p", f"[sudo] password for {run.user.name}: ")))
        typed = await _read_line(run)
        if typed == run.user.password:
            return True
        if typed is None:
            break
        await run.streams.stderr.write(b"\nSorry, try again.\n")
    await run.complain("3 incorrect password attempts")
    return False


async def _read_line(run: Run) -> str | None:
    line = bytearray()
    while (byte := await run.streams.stdin.read(1)) not in (b"", b"\n"):
        line += byte
    return decode(bytes(line)) if line or byte else None


@command("which", "type")
async def which(run: Run) -> int:
    found = [name for name in run.arguments if run.shell.function(name) is not None]
    for name in found:
        await run.line(f"/usr/bin/{name}")
    return int(len(found) < len(run.arguments))


@command("sh", "bash", "dash")
async def sh(run: Run) -> int:
    words = [word for word in run.arguments if word not in ("-l", "-e", "-u", "-x")]
    shell = run.shell.child()
    shell.pid = run.host.new_pid()
    shell.variables = {name: value for name, value in shell.variables.items() if name in shell.exported}
    if words and words[0] in ("-c", "-lc", "-ec"):
        if len(words) < 2:
            return await run.complain("-c requires an argument", 2)
        text, shell.arguments = words[1], words[2:] or ["sh"]
    elif words and words[0] != "-s":
        text, shell.arguments = decode(await read_all(run.open(words[0]))), words
    else:
        text = decode(await read_all(run.streams.stdin))
        if (wanted := ours.asked(text)) is not None:
            return await ours.answer(run, wanted, text)
        shell.arguments = ["sh", *[word for word in words[1:] if word != "--"]]
    try:
        status = await shell.run_text(text, run.streams)
    except (ExitShell, Signalled) as end:
        status = end.status
    if shell.at_exit:
        await shell.run_text(shell.at_exit, run.streams)
    return status


@command("kill")
async def kill(run: Run) -> int:
    words = list(run.arguments)
    signal = "TERM"
    if words and words[0].startswith("-"):
        option = words.pop(0)[1:]
        signal = (words.pop(0) if option == "s" and words else option).upper().removeprefix("SIG")
    signal = {"1": "HUP", "2": "INT", "9": "KILL", "15": "TERM"}.get(signal, signal)
    for word in words:
        if word == str(run.shell.pid):
            if signal != "0":
                raise Signalled(signal)
        elif not word.isdecimal() or int(word) not in run.host.processes:
            await run.complain(f"({word}) - No such process")
            run.shell.trouble = True
        elif run.host.processes[int(word)].user != run.user.name and run.actor.uid != 0:
            await run.complain(f"({word}) - Operation not permitted")
            run.shell.trouble = True
        elif signal in ("TERM", "KILL", "INT", "HUP"):
            del run.host.processes[int(word)]
    return 0


@command("sleep")
async def sleep(run: Run) -> int:
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    total = 0.0
    for word in run.arguments:
        number, unit = (word[:-1], units[word[-1]]) if word[-1:] in units else (word, 1)
        try:
            total += float(number) * unit
        except ValueError:
            return await run.complain(f"invalid time interval '{word}'")
    if not run.arguments:
        return await run.complain("missing operand")
    await run.clock.sleep(total)
    return 0


@command("seq")
async def seq(run: Run) -> int:
    try:
        numbers = [int(word) for word in run.arguments]
    except ValueError:
        return await run.complain("invalid argument")
    if not 1 <= len(numbers) <= 3:
        return await run.complain("missing operand" if not numbers else "extra operand")
    first, step, last = (1, 1, numbers[0]) if len(numbers) == 1 else (numbers[0], 1, numbers[-1])
    step = numbers[1] if len(numbers) == 3 else step
    values = range(first, last + (1 if step > 0 else -1), step or 1)
    for start in range(0, len(values), 4096):
        await run.out("".join(f"{number}\n" for number in values[start : start + 4096]))
        await asyncio.sleep(0)
    return 0


@command("yes")
async def yes(run: Run) -> int:
    line = encode(" ".join(run.arguments) or "y") + b"\n"
    block = line * max(1, 32768 // len(line))
    while True:
        await run.out(block)
        await asyncio.sleep(0)


@command("read")
async def read(run: Run) -> int:
    line = await _read_line(run)
    names = [word for word in run.arguments if not word.startswith("-")] or ["REPLY"]
    fields = (line or "").split(maxsplit=len(names) - 1)
    for index, name in enumerate(names):
        run.shell.variables[name] = fields[index] if index < len(fields) else ""
    return int(line is None)


_KINDS: Final[dict[str, Callable[[Node], bool]]] = {
    "-e": lambda node: True,
    "-f": lambda node: isinstance(node, File),
    "-d": lambda node: isinstance(node, Directory),
    "-s": lambda node: isinstance(node, File) and node.content.size > 0,
}
_COMPARE: Final[dict[str, Callable[[str, str], bool]]] = {
    "=": lambda left, right: left == right,
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "-eq": lambda left, right: int(left) == int(right),
    "-ne": lambda left, right: int(left) != int(right),
    "-lt": lambda left, right: int(left) < int(right),
    "-le": lambda left, right: int(left) <= int(right),
    "-gt": lambda left, right: int(left) > int(right),
    "-ge": lambda left, right: int(left) >= int(right),
}
_ACCESS: Final = {"-r": 4, "-w": 2, "-x": 1}


@command("test", "[")
async def test(run: Run) -> int:
    words = list(run.arguments)
    if run.name == "[" and (not words or words.pop() != "]"):
        return await run.complain("missing ]", 2)
    try:
        return int(not _holds(run, words))
    except (ValueError, KeyError):
        return await run.complain("unexpected operator", 2)


def _holds(run: Run, words: list[str]) -> bool:
    for joint in ("-o", "-a"):
        if joint in words[1:-1]:
            at = words.index(joint, 1)
            left, right = _holds(run, words[:at]), _holds(run, words[at + 1 :])
            return (left or right) if joint == "-o" else (left and right)
    if words[:1] == ["!"]:
        return not _holds(run, words[1:])
    if len(words) == 3:
        return _COMPARE[words[1]](words[0], words[2])
    if len(words) == 2:
        return _unary(run, *words)
    return bool(words and words[0])


def _unary(run: Run, operator: str, word: str) -> bool:
    if operator in ("-n", "-z"):
        return (word != "") == (operator == "-n")
    if operator == "-t":
        return run.terminal is not None
    try:
        node = run.host.tree.get(run.path(word), run.actor, follow=operator not in ("-L", "-h"))
    except FileError:
        return False
    if operator in ("-L", "-h"):
        return isinstance(node, Link)
    if operator in _ACCESS:
        return run.host.tree.may(node, run.actor, _ACCESS[operator])
    return _KINDS[operator](node)
