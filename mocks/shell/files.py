"""Commands over names: ls, stat, mkdir, rm, mv, cp, ln, touch, find, chmod, du, df, readlink."""

from __future__ import annotations

import asyncio
import stat as modes
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from backend.errors import Code, FileError
from backend.files.name_pattern import NamePattern
from backend.text import show_bytes
from mocks.host import SimulatedHost
from mocks.nodes import Device, Directory, File, Link, Node, Pipe, size_of
from mocks.shell.run import BLOCK, OpenFile, Run, command, decode, encode, reason_of

_TYPES: Final[dict[type[Node], int]] = {
    File: modes.S_IFREG,
    Directory: modes.S_IFDIR,
    Link: modes.S_IFLNK,
    Device: modes.S_IFCHR,
    Pipe: modes.S_IFIFO,
}
_WORDS: Final[dict[type[Node], str]] = {
    File: "regular file",
    Directory: "directory",
    Link: "symbolic link",
    Device: "character special file",
    Pipe: "fifo",
}


def mode_text(node: Node) -> str:
    """As ls shows it: `drwxr-xr-x`."""
    return modes.filemode(_TYPES[type(node)] | node.mode)


def long_line(host: SimulatedHost, node: Node, size: str = "") -> str:
    """The columns of `ls -l` before the name."""
    at = datetime.fromtimestamp(node.modified, UTC)
    recent = timedelta(0) <= host.clock.now() - at < timedelta(days=182)
    stamp = f"{at:%b} {at.day:2} " + (f"{at:%H:%M}" if recent else f" {at:%Y}")
    owner, group = host.user_name(node.uid), host.group_name(node.gid)
    return f"{mode_text(node)} 1 {owner:<8} {group:<8} {size or size_of(node):>10} {stamp}"


def human(size: float) -> str:
    """Bytes as `ls -h` writes them."""
    for unit in ("", "K", "M", "G"):
        if size < 1024:
            return f"{size:.1f}{unit}" if unit and size < 10 else f"{size:.0f}{unit}"
        size /= 1024
    return f"{size:.1f}T"


@command("ls", "ll", "dir")
async def ls(run: Run) -> int:
    options = run.options("lahA1tSrdRFp")
    flags = options.flags | ({"l"} if run.name == "ll" else set())
    targets = options.rest or ["."]
    listed: list[tuple[str, Directory]] = []
    plain: list[tuple[bytes, Node]] = []
    status = 0
    for name in targets:
        try:
            node = run.host.tree.get(run.path(name), run.actor, follow="l" not in flags)
            if isinstance(node, Directory) and "d" not in flags:
                listed.append((name, run.host.tree.directory(run.path(name), run.actor)))
            else:
                plain.append((encode(name), node))
        except FileError as error:
            status = await run.complain(f"cannot access '{name}': {reason_of(error)}", 2)
    await _print_entries(run, plain, flags)
    for name, directory in listed:
        if len(targets) > 1:
            await run.line(f"{name}:")
        if "l" in flags:
            await run.line(f"total {len(directory.entries) * 4}")
        await _print_entries(run, await _entries(directory, flags), flags)
    return status


async def _entries(directory: Directory, flags: set[str]) -> list[tuple[bytes, Node]]:
    """What is to be shown, in order; the loop gets its turn in large directories."""
    found: list[tuple[bytes, Node]] = [(b".", directory), (b"..", directory)] if "a" in flags else []
    for number, name in enumerate(directory.names()):
        if flags & {"a", "A"} or not name.startswith(b"."):
            # Names alone need no nodes; the directory stands in for them.
            found.append((name, directory.peek(name) if flags & {"l", "F", "p", "t", "S"} else directory))
        if number % 500 == 499:
            await asyncio.sleep(0)
    if "t" in flags:
        found.sort(key=lambda item: -item[1].modified)
    elif "S" in flags:
        found.sort(key=lambda item: -size_of(item[1]))
    else:
        found.sort(key=lambda item: item[0].lower())
    return found[::-1] if "r" in flags else found


async def _print_entries(run: Run, entries: list[tuple[bytes, Node]], flags: set[str]) -> None:
    for start in range(0, len(entries), 200):
        lines = [_entry_line(run, name, node, flags) for name, node in entries[start : start + 200]]
        across = run.terminal and not flags & {"l", "1"}
        await run.out(b"  ".join(lines) + b"\n" if across else b"".join(line + b"\n" for line in lines))
        await asyncio.sleep(0)


def _entry_line(run: Run, name: bytes, node: Node, flags: set[str]) -> bytes:
    shown = encode(show_bytes(name)) if run.terminal else name
    if flags & {"F", "p"} and isinstance(node, Directory):
        shown += b"/"
    if "l" not in flags:
        return shown
    size = human(size_of(node)) if "h" in flags else ""
    arrow = b" -> " + node.target if isinstance(node, Link) else b""
    return encode(long_line(run.host, node, size)) + b" " + shown + arrow


@command("stat")
async def stat(run: Run) -> int:
    options = run.options("L", valued="c")
    form = options.values.get("c") or options.values.get("--format") or options.values.get("--printf")
    for name in options.rest:
        try:
            node = run.host.tree.get(run.path(name), run.actor, follow="L" in options.flags)
        except FileError as error:
            await run.complain(f"cannot statx '{name}': {reason_of(error)}")
            run.shell.trouble = True
            continue
        await run.line(_stat_form(run.host, node, name, form) if form else _stat_text(run.host, node, name))
    return 0


def _stat_form(host: SimulatedHost, node: Node, name: str, form: str) -> str:
    values = {
        "%n": name,
        "%s": str(size_of(node)),
        "%Y": str(int(node.modified)),
        "%a": f"{node.mode:o}",
        "%A": mode_text(node),
        "%f": f"{_TYPES[type(node)] | node.mode:x}",
        "%U": host.user_name(node.uid),
        "%G": host.group_name(node.gid),
        "%u": str(node.uid),
        "%g": str(node.gid),
        "%F": _WORDS[type(node)],
    }
    for key, value in values.items():
        form = form.replace(key, value)
    return form


def _stat_text(host: SimulatedHost, node: Node, name: str) -> str:
    at = datetime.fromtimestamp(node.modified, UTC)
    return (
        f"  File: {name}\n"
        f"  Size: {size_of(node):<10}\t{_WORDS[type(node)]}\n"
        f"Access: ({node.mode:04o}/{mode_text(node)})  Uid: ({node.uid:5}/{host.user_name(node.uid):>8})\n"
        f"Modify: {at:%Y-%m-%d %H:%M:%S} +0000"
    )


@command("mkdir")
async def mkdir(run: Run) -> int:
    options = run.options("pv", valued="m")
    mode = int(options.values["m"], 8) if options.values.get("m", "").isdecimal() else None
    for name in options.rest:
        path, parts = run.path(name), run.path(name).split(b"/")
        try:
            for depth in range(2, len(parts)) if "p" in options.flags else ():
                if not run.host.tree.exists(b"/".join(parts[:depth])):
                    run.host.tree.mkdir(b"/".join(parts[:depth]), run.actor)
            if "p" not in options.flags or not run.host.tree.exists(path):
                run.host.tree.mkdir(path.rstrip(b"/"), run.actor, mode)
        except FileError as error:
            await run.complain(f"cannot create directory '{name}': {reason_of(error)}")
            run.shell.trouble = True
    return 0


@command("rmdir")
async def rmdir(run: Run) -> int:
    for name in run.options("p").rest:
        try:
            run.host.tree.rmdir(run.path(name), run.actor)
        except FileError as error:
            await run.complain(f"failed to remove '{name}': {reason_of(error)}")
            run.shell.trouble = True
    return 0


@command("rm", "unlink")
async def rm(run: Run) -> int:
    options = run.options("rRfvdi")
    recursive = bool(options.flags & {"r", "R"})
    for name in options.rest:
        try:
            await _remove(run, run.path(name), recursive)
        except FileError as error:
            if error.code is not Code.NOT_FOUND or "f" not in options.flags:
                await run.complain(f"cannot remove '{name}': {reason_of(error)}")
                run.shell.trouble = True
    return 0


async def _remove(run: Run, path: bytes, recursive: bool) -> None:
    tree = run.host.tree
    node = tree.get(path, run.actor, follow=False)
    if not isinstance(node, Directory) or not recursive:
        tree.remove(path, run.actor)
        return
    for number, name in enumerate(node.names()):
        await _remove(run, path.rstrip(b"/") + b"/" + name, recursive)
        if number % 200 == 199:
            await asyncio.sleep(0)
    tree.rmdir(path, run.actor)


def _into(run: Run, source: str, target: str) -> bytes:
    """Where `source` goes: inside `target` when that is a directory."""
    path = run.path(target)
    try:
        inside = isinstance(run.host.tree.get(path, run.actor), Directory)
    except FileError:
        inside = False
    return path.rstrip(b"/") + b"/" + run.path(source).rstrip(b"/").rpartition(b"/")[2] if inside else path


@command("mv")
async def mv(run: Run) -> int:
    options = run.options("fnvT")
    if len(options.rest) < 2:
        return await run.complain("missing file operand")
    for name in options.rest[:-1]:
        try:
            run.host.tree.replace(run.path(name), _into(run, name, options.rest[-1]), run.actor)
        except FileError as error:
            await run.complain(f"cannot move '{name}' to '{options.rest[-1]}': {reason_of(error)}")
            run.shell.trouble = True
    return 0


@command("cp")
async def cp(run: Run) -> int:
    options = run.options("raRpfvd")
    if len(options.rest) < 2:
        return await run.complain("missing file operand")
    for name in options.rest[:-1]:
        try:
            target = _into(run, name, options.rest[-1])
            await _copy(run, run.path(name), target, options.flags)
        except FileError as error:
            await run.complain(f"cannot copy '{name}': {reason_of(error)}")
            run.shell.trouble = True
    return 0


async def _copy(run: Run, source: bytes, target: bytes, flags: set[str]) -> None:
    tree, recursive = run.host.tree, bool(flags & {"r", "R", "a"})
    node = tree.get(source, run.actor, follow=not recursive)
    if isinstance(node, Link):
        tree.symlink(target, node.target, run.actor)
    elif isinstance(node, Directory):
        if not recursive:
            raise tree.failure(Code.IS_DIRECTORY, source)
        tree.mkdir(target, run.actor)
        for name in tree.directory(source, run.actor).names():
            await _copy(run, source + b"/" + name, target + b"/" + name, flags)
    else:
        reader = OpenFile(run.host, tree.open_reading(source, run.actor), source)
        made = tree.open_writing(target, run.actor, mode=node.mode)
        tree.truncate(made, 0, target)
        writer = OpenFile(run.host, made, target)
        while data := await reader.read(BLOCK):
            await writer.write(data)
        if flags & {"p", "a"}:
            tree.set_attributes(target, run.actor, mode=node.mode, modified=node.modified)


@command("ln")
async def ln(run: Run) -> int:
    options = run.options("sfnT")
    if "s" not in options.flags or len(options.rest) != 2:
        return await run.complain("only `ln -s TARGET NAME` is known here")
    path = _into(run, *options.rest)
    if "f" in options.flags and run.host.tree.exists(path):
        run.host.tree.remove(path, run.actor)
    run.host.tree.symlink(path, encode(options.rest[0]), run.actor)
    return 0


@command("touch")
async def touch(run: Run) -> int:
    for name in run.options("camd").rest:
        run.host.tree.open_writing(run.path(name), run.actor)
        run.host.tree.set_attributes(run.path(name), run.actor, modified=run.host.time())
    return 0


@command("truncate")
async def truncate(run: Run) -> int:
    options = run.options("", valued="s")
    for name in options.rest:
        node = run.host.tree.open_writing(run.path(name), run.actor)
        run.host.tree.truncate(node, int(options.values.get("s", "0")))
    return 0


@command("chmod")
async def chmod(run: Run) -> int:
    options = run.options("Rv")
    try:
        mode = int(options.rest[0], 8)
    except (ValueError, IndexError):
        return await run.complain("only octal modes are known here")
    for name in options.rest[1:]:
        run.host.tree.set_attributes(run.path(name), run.actor, mode=mode)
    return 0


@command("chown")
async def chown(run: Run) -> int:
    options = run.options("Rhv")
    if len(options.rest) < 2:
        return await run.complain("missing operand")
    user, _, group = options.rest[0].partition(":")
    for name in options.rest[1:]:
        node = run.host.tree.get(run.path(name), run.actor)
        owner = (int(user) if user else node.uid, int(group) if group else node.gid)
        run.host.tree.set_attributes(run.path(name), run.actor, owner=owner)
    return 0


@command("readlink", "realpath")
async def readlink(run: Run) -> int:
    options = run.options("fenm")
    for name in options.rest:
        if run.name == "realpath" or "f" in options.flags:
            await run.out(run.host.tree.find(run.path(name), run.actor).path + b"\n")
        else:
            await run.out(run.host.tree.readlink(run.path(name), run.actor) + b"\n")
    return 0


@command("basename", "dirname")
async def basename(run: Run) -> int:
    head, _, tail = (run.arguments or [""])[0].rstrip("/").rpartition("/")
    await run.line(tail if run.name == "basename" else head or ".")
    return 0


@command("find")
async def find(run: Run) -> int:
    words = [word for word in run.arguments if word not in ("-H", "-L", "-P")]
    starts = []
    while words and not words[0].startswith("-"):
        starts.append(words.pop(0))
    end = b"\0" if "-print0" in words else b"\n"
    actions = {"-print0", "-print", "-prune"}
    limit = 0 if "-prune" in words else 999
    words = [word for word in words if word not in actions]
    tests = dict(zip(words[::2], words[1::2], strict=False))
    if tests.keys() - {"-maxdepth", "-type", "-name", "-iname"}:
        return await run.complain("predicates that this simulated command does not know", 2)
    limit = int(tests.get("-maxdepth", limit))
    kind = {"f": File, "d": Directory, "l": Link}.get(tests.get("-type", ""), Node)
    pattern = NamePattern(encode(tests.get("-iname", tests.get("-name", "*"))), ignore_case="-iname" in tests)
    for start in starts or ["."]:
        await _find_below(run, start, limit, kind, pattern, end)
    return 0


async def _find_below(run: Run, start: str, limit: int, kind: type[Node], pattern: NamePattern, end: bytes) -> None:
    node = run.host.tree.get(run.path(start), run.actor)
    for number, (path, found, depth) in enumerate(readable(run, node, encode(start), limit)):
        if isinstance(found, kind) and pattern.matches(path.rpartition(b"/")[2] or path):
            await run.out(path + end)
        if depth < limit and _is_shut(run, found):
            await run.complain(f"'{decode(path)}': Permission denied")
            run.shell.trouble = True
        if number % 500 == 499:
            await asyncio.sleep(0)


def readable(run: Run, node: Node, path: bytes, limit: int = 999, depth: int = 0) -> Iterator[tuple[bytes, Node, int]]:
    """A node and everything below it, parents first, without what is in directories that may not be read."""
    yield path, node, depth
    if isinstance(node, Directory) and depth < limit and not _is_shut(run, node):
        for name in node.names():
            yield from readable(run, node.peek(name), path.rstrip(b"/") + b"/" + name, limit, depth + 1)


def _is_shut(run: Run, node: Node) -> bool:
    return isinstance(node, Directory) and not run.host.tree.may(node, run.actor, 5)


@command("du")
async def du(run: Run) -> int:
    options = run.options("shbckH", valued="B")
    in_bytes = "b" in options.flags or options.values.get("B") == "1"
    for name in options.rest or ["."]:
        node = run.host.tree.get(run.path(name), run.actor)
        total = 0
        for number, (path, found, _) in enumerate(readable(run, node, encode(name))):
            total += size_of(found)
            if _is_shut(run, found):
                await run.complain(f"cannot read directory '{decode(path)}': Permission denied")
                run.shell.trouble = True
            if number % 500 == 499:
                await asyncio.sleep(0)
        shown = human(total) if "h" in options.flags else str(total if in_bytes else -(-total // 1024))
        await run.line(f"{shown}\t{name}")
    return 0


@command("df")
async def df(run: Run) -> int:
    options = run.options("hPTik")
    space = run.host.tree.space()
    used = space.total - space.free
    per_cent = f"{used * 100 // max(1, space.total)}%"
    if "h" in options.flags:
        await run.line("Filesystem      Size  Used Avail Use% Mounted on")
        await run.line(
            f"/dev/vda1      {human(space.total):>5} {human(used):>5} {human(space.free):>5} {per_cent:>4} /"
        )
    else:
        await run.line("Filesystem     1K-blocks      Used Available Use% Mounted on")
        await run.line(f"/dev/vda1     {space.total >> 10:>10} {used >> 10:>9} {space.free >> 10:>9} {per_cent:>4} /")
    return 0
