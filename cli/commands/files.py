"""`fairlead ls|stat|mkdir|cat`: looking at the files of a host, and making directories."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence

import click

from backend.connection.connector import Attributes, Entry, FileKind
from backend.errors import Code, ConfigError, FileError
from backend.fd_writer import FdWriter
from backend.files.ends import first_lines, growth, last_lines_start
from backend.files.filesystem import FileSystem
from backend.text import show_bytes
from backend.tty import size_of
from cli import listing
from cli.arguments import Amount, Count
from cli.execute import Services
from cli.failures import print_json
from cli.flags import GlobalFlags, global_flags, pass_flags
from cli.iterate import closing
from cli.listing import Order
from cli.on_paths import OnPath, on_each, paths_argument
from cli.output import ByteWriter, name_for_stdout, stdout_for_data

PATHS = paths_argument()


# --- ls ----------------------------------------------------------------------------------------------------------


@click.command()
@PATHS
@click.option("-l", "long", is_flag=True, help="Mode, owner, group, size and time as well. (The user is --user here.)")
@click.option("-a", "hidden", is_flag=True, help="Names that begin with a dot as well.")
@click.option("-L", "follow", is_flag=True, help="Links as what they point to.")
@click.option(
    "--sort",
    type=click.Choice([order.value for order in Order]),
    default=Order.NAME.value,
    show_default=True,
    help="By what: largest, latest, directories before the rest.",
)
@click.option("-r", "--reverse", is_flag=True, help="The other way round.")
@global_flags(without={"-l"})
@pass_flags
def ls(
    flags: GlobalFlags, paths: tuple[str, ...], long: bool, hidden: bool, follow: bool, sort: str, reverse: bool
) -> int:
    """List directories on a host. `HOST:` is the home directory.

    A pipe gets the names as they are, one a line; a terminal gets them in columns and safe to look at.

    \b
    Examples:
      fairlead ls web-1:
      fairlead ls -la web-1:/var/log
      fairlead ls -l --sort size web-1:
      fairlead ls --json web-1:/etc | python3 -m json.tool
    """

    def work(services: Services) -> OnPath:
        out = FdWriter(1)

        async def show(files: FileSystem, path: bytes) -> None:
            rows = await _rows(files, path, hidden=hidden)
            if follow:
                rows = [await _followed(files, path, row) for row in rows]
            elif long:
                rows = [await _with_pointer(files, path, row) for row in rows]
            rows = listing.in_order(rows, Order(sort), reverse=reverse)
            if flags.json:
                place = listing.name_json(path, "path")
                print_json({"host": files.host, **place, "entries": [listing.row_json(row) for row in rows]})
                return
            heading = [name_for_stdout(path) + b":"] if len(paths) > 1 else []
            await out.write(b"".join(line + b"\n" for line in [*heading, *_lines(rows, long=long)]))

        return show

    return on_each(flags, paths, work)


async def _rows(files: FileSystem, path: bytes, *, hidden: bool) -> list[listing.Row]:
    attributes = await files.stat(path)
    if attributes.kind is not FileKind.DIRECTORY:
        return [listing.Row(path, await files.named(attributes))]
    entries: list[Entry] = []
    async with closing(files.list(path)) as batches:
        async for batch in batches:
            entries += batch
    return listing.shown_rows(entries, hidden=hidden)


async def _followed(files: FileSystem, directory: bytes, row: listing.Row) -> listing.Row:
    """A link that leads nowhere stays the link."""
    if row.attributes.kind is not FileKind.SYMLINK:
        return row
    try:
        found = await files.stat(directory.rstrip(b"/") + b"/" + row.name)
        return listing.Row(row.name, await files.named(found))
    except FileError:
        return row


async def _with_pointer(files: FileSystem, directory: bytes, row: listing.Row) -> listing.Row:
    if row.attributes.kind is not FileKind.SYMLINK:
        return row
    try:
        return listing.Row(row.name, row.attributes, await files.readlink(directory.rstrip(b"/") + b"/" + row.name))
    except FileError:
        return listing.Row(row.name, row.attributes, b"?")


def _lines(rows: Sequence[listing.Row], *, long: bool) -> list[bytes]:
    if long:
        return listing.long_lines(rows, name_for_stdout)
    if not os.isatty(1):
        return [row.name for row in rows]
    return [line.encode() for line in listing.columns([show_bytes(row.name) for row in rows], size_of(1).columns)]


# --- stat --------------------------------------------------------------------------------------------------------


@click.command()
@PATHS
@click.option("-L", "follow", is_flag=True, help="What a link points to, and its path without links.")
@global_flags()
@pass_flags
def stat(flags: GlobalFlags, paths: tuple[str, ...], follow: bool) -> int:
    """Show what is known about files on a host; links themselves, not what they point to.

    \b
    Examples:
      fairlead stat web-1:/etc/hostname
      fairlead stat -L web-1:current
      fairlead stat --json web-1:/etc/hostname
    """

    def work(services: Services) -> OnPath:
        out = FdWriter(1)

        async def show(files: FileSystem, path: bytes) -> None:
            if follow:
                path = await files.real(path)
            attributes = await files.named(await files.stat(path, follow=False))
            is_link = attributes.kind is FileKind.SYMLINK
            pointer = await files.readlink(path) if is_link else None
            if flags.json:
                extra = {} if pointer is None else listing.name_json(pointer, "points_to")
                place = listing.name_json(path, "path")
                print_json({"host": files.host, **place, **listing.attributes_json(attributes), **extra})
                return
            await out.write(_stat_text(path, attributes, pointer))

        return show

    return on_each(flags, paths, work)


def _stat_text(path: bytes, attributes: Attributes, pointer: bytes | None) -> bytes:
    told = listing.attributes_json(attributes)
    when = listing.time_text(attributes.modified)
    lines = [b"path      " + name_for_stdout(path)]
    lines += [b"points to " + name_for_stdout(pointer)] if pointer is not None else []
    lines += [
        f"{name:<9} {value}".encode()
        for name, value in {
            "kind": told["kind"],
            "size": "?" if attributes.size is None else f"{attributes.size} bytes",
            "mode": f"{told['mode'] or '?'} {listing.mode_text(attributes)}",
            "owner": f"{attributes.owner} ({attributes.uid})" if attributes.owner else attributes.uid,
            "group": f"{attributes.group} ({attributes.gid})" if attributes.group else attributes.gid,
            "changed": when,
        }.items()
    ]
    return b"\n".join(lines) + b"\n"


# --- mkdir -------------------------------------------------------------------------------------------------------


@click.command()
@PATHS
@click.option("-p", "parents", is_flag=True, help="Parents as well; what exists is fine. (The port is --port here.)")
@global_flags(without={"-p"})
@pass_flags
def mkdir(flags: GlobalFlags, paths: tuple[str, ...], parents: bool) -> int:
    """Make directories on a host.

    \b
    Examples:
      fairlead mkdir -p web-1:releases/42/static
    """

    def work(services: Services) -> OnPath:
        async def make(files: FileSystem, path: bytes) -> None:
            await files.mkdir(path, parents=parents)
            if flags.json:
                print_json({"host": files.host, **listing.name_json(path, "path")})

        return make

    return on_each(flags, paths, work)


# --- cat ---------------------------------------------------------------------------------------------------------


@click.command()
@PATHS
@click.option("--head", type=Amount(), metavar="N", help="Only the first N lines; bytes with a unit: 512b, 4k, 1M.")
@click.option("--tail", type=Amount(), metavar="N", help="Only the last N lines or bytes, without fetching the rest.")
@click.option("--follow", is_flag=True, help="Go on with what is added, until ctrl+c.")
@global_flags()
@pass_flags
def cat(flags: GlobalFlags, paths: tuple[str, ...], head: Count | None, tail: Count | None, follow: bool) -> int:
    """Write files of a host to stdout: byte for byte into a pipe or file, safe to look at on a terminal.

    \b
    Examples:
      fairlead cat web-1:/etc/os-release
      fairlead cat web-1:/var/log/app.log | gzip > app.log.gz
      fairlead cat --tail 100 --follow web-1:/var/log/app.log
    """
    _one_way(paths, head, tail, follow=follow)

    def work(services: Services) -> OnPath:
        out, clock = stdout_for_data(), services.container.clock

        async def show(files: FileSystem, path: bytes) -> None:
            start = await _start(files, path, tail) if tail is not None else 0
            at = start
            async with closing(_content(files, path, start, head)) as content:
                async for data in content:
                    at += len(data)
                    await out.write(data)
            if follow:
                async with closing(growth(files, path, at, clock)) as more:
                    async for piece in more:
                        await _grown(services, path, piece, out)

        return show

    return on_each(flags, paths, work)


def _one_way(paths: tuple[str, ...], head: Count | None, tail: Count | None, *, follow: bool) -> None:
    problem = ""
    if head is not None and (tail is not None or follow):
        problem = "--head is neither --tail nor --follow: give one of them"
    elif follow and len(paths) > 1:
        problem = "--follow is for one file"
    if problem:
        raise ConfigError(Code.USAGE, evidence={"problem": problem})


async def _start(files: FileSystem, path: bytes, tail: Count) -> int:
    size = (await files.stat(path)).size or 0
    return await last_lines_start(files, path, size, tail.number) if tail.lines else max(0, size - tail.number)


def _content(files: FileSystem, path: bytes, start: int, head: Count | None) -> AsyncIterator[bytes]:
    if head is not None and head.lines:
        return first_lines(files, path, head.number)
    return files.read(path, start=start, limit=head.number if head is not None else None)


async def _grown(services: Services, path: bytes, piece: bytes | None, out: ByteWriter) -> None:
    if piece is None:
        services.narration.say(f"{show_bytes(path)} has become shorter: from its beginning")
    else:
        await out.write(piece)
