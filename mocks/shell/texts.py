"""Commands over streams of text and bytes: cat, head, tail, wc, grep, sort, uniq, cut, tr, tee, sha256sum."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from collections.abc import AsyncIterator
from itertools import groupby

from mocks.content import log_line
from mocks.nodes import File
from mocks.pipes import Reader, read_all
from mocks.shell.run import BLOCK, BULK, OpenFile, Run, command, decode, encode


async def lines_of(reader: Reader) -> AsyncIterator[bytes]:
    """Lines with their ends; the last may lack one."""
    rest = b""
    while data := await reader.read(BLOCK):
        *whole, rest = (rest + data).split(b"\n")
        for line in whole:
            yield line + b"\n"
        await asyncio.sleep(0)
    if rest:
        yield rest


async def _copy(reader: Reader, run: Run, limit: int | None = None) -> None:
    while limit is None or limit > 0:
        data = await reader.read(BULK if limit is None else min(BULK, limit))
        if not data:
            return
        limit = None if limit is None else limit - len(data)
        await run.out(data)


@command("cat", "less", "more")
async def cat(run: Run) -> int:
    options = run.options("un")
    async for _, reader in run.inputs(options.rest):
        await _copy(reader, run)
    return 0


def _count(run: Run, valued: str = "nc") -> tuple[str, int, str, list[str]]:
    """What to count (`n` lines, `c` bytes), how many, the sign, and the files; knows `-5` too."""
    words = [f"-n{word[1:]}" if re.fullmatch(r"-\d+", word) else word for word in run.arguments]
    run.arguments = words
    options = run.options("qvfF", valued=valued)
    unit = "c" if "c" in options.values else "n"
    text = options.values.get(unit, "10")
    sign = text[:1] if text[:1] in "+-" else ""
    number = re.fullmatch(r"(\d+)([kKMG]?)", text.lstrip("+-"))
    if number is None:
        raise ValueError(text)
    scale = {"": 1, "k": 1 << 10, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}[number[2]]
    return unit, int(number[1]) * scale, sign, options.rest


@command("head")
async def head(run: Run) -> int:
    try:
        unit, count, _, names = _count(run)
    except ValueError as error:
        return await run.complain(f"invalid number: '{error}'")
    async for name, reader in run.inputs(names):
        if len(names) > 1:
            await run.line(f"==> {name} <==")
        if unit == "c":
            await _copy(reader, run, count)
        else:
            await _head_lines(reader, run, count)
    return 0


async def _head_lines(reader: Reader, run: Run, count: int) -> None:
    if count:
        async for line in lines_of(reader):
            await run.out(line)
            count -= 1
            if count <= 0:
                return


@command("tail")
async def tail(run: Run) -> int:
    follow = any(word in ("-f", "-F", "--follow") or re.fullmatch(r"-f?n?\d*f", word) for word in run.arguments)
    run.arguments = [
        word.replace("f", "") if re.fullmatch(r"-\d+f|-f[n\d].*", word) else word for word in run.arguments
    ]
    try:
        unit, count, sign, names = _count(run)
    except ValueError as error:
        return await run.complain(f"invalid number: '{error}'")
    last: OpenFile | None = None
    async for _, reader in run.inputs([name for name in names if not name.startswith("--")]):
        if isinstance(reader, OpenFile) and isinstance(reader.node, File):
            last = reader
            reader.offset = _tail_start(reader.node, unit, count, sign)
            await _copy(reader, run)
        else:
            await run.out(_tail_of(await read_all(reader), unit, count, sign))
    if follow and last is not None:
        await _follow(run, last)
    return 0


def _tail_of(data: bytes, unit: str, count: int, sign: str) -> bytes:
    if unit == "c":
        return data[max(0, count - 1) :] if sign == "+" else data[-count:] if count else b""
    lines = data.splitlines(keepends=True)
    return b"".join(lines[max(0, count - 1) :] if sign == "+" else lines[-count:] if count else [])


def _tail_start(node: File, unit: str, count: int, sign: str) -> int:
    """The offset where the last part begins, found from the end."""
    size = node.content.size
    if sign == "+":
        data = node.content.read(0, min(size, 64 << 20))
        return size - len(_tail_of(data, unit, count, sign)) if len(data) == size else 0
    if unit == "c" or count == 0:
        return max(0, size - count)
    at, seen = size, b""
    while at > 0 and seen.count(b"\n") <= count:
        step = min(at, 1 << 16)
        at -= step
        seen = node.content.read(at, step) + seen
    return size - len(_tail_of(seen, unit, count, ""))


async def _follow(run: Run, file: OpenFile) -> None:
    """Print what is appended. A log of the simulated world grows by itself, a line every second or so."""
    live = file.node in run.host.live_logs
    number = 0
    while True:
        await run.clock.sleep(0.4 + run.host.random.random())
        if live:
            number += 1
            line = log_line(number + int(run.host.time()), run.clock.now(), run.host.name)
            await run.out(line.rstrip() + b"\n")
        await _copy(file, run)


@command("wc")
async def wc(run: Run) -> int:
    options = run.options("lwc")
    wanted = [letter for letter in "lwc" if letter in options.flags] or ["l", "w", "c"]
    totals = {"l": 0, "w": 0, "c": 0}
    async for name, reader in run.inputs(options.rest):
        counts = {"l": 0, "w": 0, "c": 0}
        while data := await reader.read(BLOCK):
            counts["l"] += data.count(b"\n")
            counts["c"] += len(data)
            counts["w"] += len(data.split()) if "w" in wanted else 0
            await asyncio.sleep(0)
        totals = {key: totals[key] + counts[key] for key in totals}
        numbers = " ".join(f"{counts[letter]}" if len(wanted) == 1 else f"{counts[letter]:7}" for letter in wanted)
        await run.line(f"{numbers} {name}".rstrip())
    if len(options.rest) > 1:
        await run.line(" ".join(str(totals[letter]) for letter in wanted) + " total")
    return 0


@command("grep", "egrep", "fgrep")
async def grep(run: Run) -> int:
    options = run.options("ivcnEFqolrHh", valued="e")
    words = list(options.rest)
    pattern = options.values.get("e") or (words.pop(0) if words else "")
    flags = re.IGNORECASE if "i" in options.flags else 0
    try:
        expression = re.compile(encode(re.escape(pattern) if "F" in options.flags else pattern), flags)
    except re.error as error:
        return await run.complain(f"invalid pattern: {error}", 2)
    found = 0
    async for name, reader in run.inputs(words):
        prefix = encode(f"{name}:") if len(words) > 1 and "h" not in options.flags else b""
        found += await _grep_one(run, reader, expression, options.flags, prefix)
    if "c" in options.flags:
        await run.line(str(found))
    return int(not found)


async def _grep_one(run: Run, reader: Reader, expression: re.Pattern[bytes], flags: set[str], prefix: bytes) -> int:
    found = number = 0
    async for line in lines_of(reader):
        number += 1
        if (expression.search(line) is None) is not ("v" in flags):
            continue
        found += 1
        if not flags & {"c", "q"}:
            place = encode(f"{number}:") if "n" in flags else b""
            await run.out(prefix + place + line.rstrip(b"\n") + b"\n")
    return found


@command("sort")
async def sort(run: Run) -> int:
    options = run.options("rnuhk", valued="kt")
    lines = [line.rstrip(b"\n") async for _, reader in run.inputs(options.rest) async for line in lines_of(reader)]
    if "n" in options.flags:
        lines.sort(key=lambda line: (float((re.match(rb"\s*-?[\d.]+", line) or [b"0"])[0] or 0), line))
    else:
        lines.sort()
    lines = list(dict.fromkeys(lines)) if "u" in options.flags else lines
    await run.out(b"".join(line + b"\n" for line in (reversed(lines) if "r" in options.flags else lines)))
    return 0


@command("uniq")
async def uniq(run: Run) -> int:
    options = run.options("c")
    lines = [line.rstrip(b"\n") async for _, reader in run.inputs(options.rest) async for line in lines_of(reader)]
    for line, same in groupby(lines):
        count = encode(f"{len(list(same)):7} ") if "c" in options.flags else b""
        await run.out(count + line + b"\n")
    return 0


@command("cut")
async def cut(run: Run) -> int:
    options = run.options("", valued="dfc")
    delimiter = encode(options.values.get("d", "\t"))
    try:
        wanted = [int(text) - 1 for text in options.values.get("f", "1").split(",")]
    except ValueError:
        return await run.complain("only lists of single fields are known")
    async for _, reader in run.inputs(options.rest):
        async for line in lines_of(reader):
            fields = line.rstrip(b"\n").split(delimiter)
            await run.out(delimiter.join(fields[index] for index in wanted if index < len(fields)) + b"\n")
    return 0


@command("tr")
async def tr(run: Run) -> int:
    options = run.options("d")
    source, target = ([_characters(word) for word in options.rest] + [b"", b""])[:2]
    table = bytes.maketrans(source, target.ljust(len(source), target[-1:])[: len(source)]) if target else None
    while data := await run.streams.stdin.read(BLOCK):
        await run.out(data.translate(None, source) if "d" in options.flags else data.translate(table))
    return 0


def _characters(text: str) -> bytes:
    text = text.replace("\\n", "\n").replace("\\t", "\t").replace("\\0", "\0")
    text = re.sub(r"(.)-(.)", lambda match: "".join(map(chr, range(ord(match[1]), ord(match[2]) + 1))), text)
    return encode(text)


@command("tee")
async def tee(run: Run) -> int:
    options = run.options("a")
    tree, files = run.host.tree, []
    for name in options.rest:
        node = tree.open_writing(run.path(name), run.actor)
        if "a" not in options.flags:
            tree.truncate(node, 0)
        files.append(OpenFile(run.host, node, run.path(name), node.content.size if isinstance(node, File) else 0))
    while data := await run.streams.stdin.read(BLOCK):
        for file in files:
            await file.write(data)
        await run.out(data)
    return 0


@command("sha256sum", "sha1sum", "md5sum", "sha512sum")
async def checksum(run: Run) -> int:
    options = run.options("bc")
    names = options.rest or ["-"]
    async for name, reader in run.inputs(names):
        digest = hashlib.new(run.name.removesuffix("sum"), usedforsecurity=False)
        while data := await reader.read(BULK):
            if len(data) < 65536:
                digest.update(data)
            else:
                await asyncio.to_thread(digest.update, data)
        shown, escape = (name or "-"), ""
        if "\\" in shown or "\n" in shown:
            shown, escape = shown.replace("\\", "\\\\").replace("\n", "\\n"), "\\"
        await run.line(f"{escape}{digest.hexdigest()}  {shown}")
    return 0


@command("base64")
async def base64_(run: Run) -> int:
    options = run.options("d", valued="w")
    async for _, reader in run.inputs(options.rest):
        data = await read_all(reader)
        await run.out(base64.b64decode(data) if "d" in options.flags else base64.encodebytes(data))
    return 0


@command("xargs")
async def xargs(run: Run) -> int:
    words = list(run.arguments)
    separated = words[:1] in (["-0"], ["--null"])
    text = decode(await read_all(run.streams.stdin))
    items = text.rstrip("\0").split("\0") if separated else text.split()
    return await run.shell.execute([*(words[separated:] or ["echo"]), *items], run.streams)
