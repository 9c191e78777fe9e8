"""tar, as far as archives of plain files, links and directories go: packed from names, listed, unpacked."""

from __future__ import annotations

import asyncio
import io
import stat as modes
import tarfile
from collections.abc import Iterator

from backend.errors import Code, FileError
from mocks.nodes import Directory, File, Link, Node
from mocks.pipes import read_all
from mocks.shell.run import BULK, OpenFile, Run, command, decode, encode, reason_of

_FLAGS = "cxtvpkohmzP"
_AT_ONCE = 50
"""Members after which other work gets its turn."""


@command("tar")
async def tar(run: Run) -> int:
    if run.arguments[:1] == ["--version"]:
        await run.line("tar (GNU tar) 1.35")
        return 0
    words = run.arguments[:1] if run.arguments[:1] and run.arguments[0].startswith("-") else []
    run.arguments = run.arguments if words else [f"-{word}" for word in run.arguments[:1]] + run.arguments[1:]
    options = run.options(_FLAGS, valued="fCTbH")
    if options.bad or len(options.flags & {"c", "x", "t"}) != 1:
        return await run.complain(f"invalid option -- '{options.bad}'" if options.bad else "say one of -c, -x, -t", 2)
    if "C" in options.values:
        run.shell.change_directory(options.values["C"])
    file = options.values.get("f", "-")
    if "c" in options.flags:
        names = options.rest
        if "T" in options.values:
            ends = "\0" if "--null" in options.flags else "\n"
            source = run.streams.stdin if options.values["T"] == "-" else run.open(options.values["T"])
            names = names + [name for name in decode(await read_all(source)).split(ends) if name]
        return await _pack(run, file, names, recursive="--no-recursion" not in options.flags)
    raw = await read_all(run.streams.stdin if file == "-" else run.open(file))
    return await _unpack(run, raw, options.flags)


async def _pack(run: Run, file: str, names: list[str], *, recursive: bool) -> int:
    status = 0
    out = run.streams.stdout if file == "-" else _new_file(run, file)
    for name in names:
        try:
            for path, node in _below(run, name, recursive=recursive):
                await out.write(await _member(path, node))
                await asyncio.sleep(0)
        except FileError as error:
            status = await run.complain(f"{name}: Cannot stat: {reason_of(error)}", 2)
    await out.write(bytes(2 * tarfile.BLOCKSIZE))
    return status


def _new_file(run: Run, name: str) -> OpenFile:
    path = run.path(name)
    node = run.host.tree.open_writing(path, run.actor)
    run.host.tree.truncate(node, 0, path)
    return OpenFile(run.host, node, path)


def _below(run: Run, name: str, *, recursive: bool) -> Iterator[tuple[str, Node]]:
    tree, path = run.host.tree, run.path(name)
    node = tree.get(path, run.actor, follow=False)
    if isinstance(node, File):
        tree.open_reading(path, run.actor)
    yield name, node
    if isinstance(node, Directory) and recursive:
        for entry in tree.directory(path, run.actor).names():
            yield from _below(run, f"{name.rstrip('/')}/{decode(entry)}", recursive=True)


async def _member(name: str, node: Node) -> bytes:
    info = tarfile.TarInfo(name.lstrip("/"))
    info.mode, info.mtime, info.uid, info.gid = node.mode, int(node.modified), node.uid, node.gid
    content = b""
    if isinstance(node, File):
        size = node.content.size
        content = b"".join([node.content.read(at, min(BULK, size - at)) for at in range(0, size, BULK)])
        info.size = len(content)
    elif isinstance(node, Link):
        info.type, info.linkname = tarfile.SYMTYPE, decode(node.target)
    elif isinstance(node, Directory):
        info.type = tarfile.DIRTYPE
    else:
        info.type = tarfile.FIFOTYPE
    header = info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
    return header + content + bytes(-len(content) % tarfile.BLOCKSIZE)


async def _unpack(run: Run, raw: bytes, flags: set[str]) -> int:
    try:
        with tarfile.open(fileobj=io.BytesIO(raw), encoding="utf-8", errors="surrogateescape") as archive:
            return await _unpack_members(run, archive, flags)
    except tarfile.TarError:
        return await run.complain("This does not look like a tar archive", 2)


async def _unpack_members(run: Run, archive: tarfile.TarFile, flags: set[str]) -> int:
    status = 0
    for number, info in enumerate(archive):
        if flags & {"t", "v"}:
            await run.line(info.name)
        if "x" in flags:
            opened = archive.extractfile(info) if info.isreg() else None
            try:
                _extract(run, info, opened.read() if opened else b"", keep="k" in flags)
            except FileError as error:
                status = await run.complain(f"{info.name}: Cannot open: {reason_of(error)}", 2)
        if number % _AT_ONCE == 0:
            await asyncio.sleep(0)
    return status


def _extract(run: Run, info: tarfile.TarInfo, content: bytes, *, keep: bool) -> None:
    tree, path, actor = run.host.tree, run.path(info.name), run.actor
    if ".." in info.name.split("/"):
        raise tree.failure(Code.PERMISSION, path)
    if info.isdir():
        if not tree.exists(path, actor):
            tree.mkdir(path, actor, info.mode)
        return
    if keep:
        try:
            tree.get(path, actor, follow=False)
        except FileError:
            pass
        else:
            raise tree.failure(Code.EXISTS, path)
    if info.issym():
        tree.symlink(path, encode(info.linkname), actor)
        return
    node = tree.open_writing(path, actor)
    tree.truncate(node, 0, path)
    tree.write(node, 0, content, path)
    tree.set_attributes(path, actor, mode=modes.S_IMODE(info.mode), modified=float(info.mtime))
