"""`fairlead ls|stat|mkdir|rm|mv|cat`: single operations on remote files."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Sequence

import click

from backend.connection.connector import Attributes, Entry, FileKind
from backend.connection.interaction import Confirmation
from backend.errors import Code, ConfigError, FileError, Interrupted
from backend.files.filesystem import FileSystem
from backend.text import show_bytes
from cli import listing
from cli.arguments import Filled
from cli.execute import Services, execute
from cli.failures import print_json, report
from cli.flags import GlobalFlags, global_flags, pass_flags
from cli.iterate import closing
from cli.output import FdWriter, name_for_stdout, stdout_for_data
from cli.paths import RemotePath, not_removed, one_host, parse_remote, remote, removable
from cli.statuses import Status
from cli.terminal import size_of

_PATHS = click.argument("paths", metavar="HOST:PATH…", nargs=-1, required=True)
OnPath = Callable[[FileSystem, bytes], Awaitable[None]]


def _on_each(flags: GlobalFlags, texts: Sequence[str], work: Callable[[Services], OnPath]) -> int:
    """`work` on every path. A single one's failure is the command's own; of several the others are still done."""
    paths = tuple(remote(text) for text in texts)

    async def each(services: Services) -> int:
        failed = 0
        on_path = work(services)
        for path in paths:
            try:
                files = services.container.files.on(path.host)
                await on_path(files, await files.resolve(path.path))
            except FileError as error:
                error.located(host=path.host)
                if len(paths) == 1:
                    raise
                failed += 1
                report(error, services.flags)
        return Status.SOME_FAILED if failed else Status.OK

    return execute(flags, each, host=one_host(paths))


# --- ls ----------------------------------------------------------------------------------------------------------


@click.command()
@_PATHS
@click.option("-l", "long", is_flag=True, help="Mode, owner, group, size and time as well. (The user is --user here.)")
@click.option("-a", "hidden", is_flag=True, help="Names that begin with a dot as well.")
@global_flags(without={"-l"})
@pass_flags
def ls(flags: GlobalFlags, paths: tuple[str, ...], long: bool, hidden: bool) -> int:
    """List directories on a host. `HOST:` is the home directory.

    A pipe gets the names as they are, one a line; a terminal gets them in columns and safe to look at.

    \b
    Examples:
      fairlead ls web-1:
      fairlead ls -la web-1:/var/log
      fairlead ls --json web-1:/etc | python3 -m json.tool
    """

    def work(services: Services) -> OnPath:
        out = FdWriter(1)

        async def show(files: FileSystem, path: bytes) -> None:
            rows = await _rows(files, path, hidden=hidden, long=long)
            if flags.json:
                place = listing.name_json(path, "path")
                print_json({"host": files.host, **place, "entries": [listing.row_json(row) for row in rows]})
                return
            heading = [name_for_stdout(path) + b":"] if len(paths) > 1 else []
            await out.write(b"".join(line + b"\n" for line in [*heading, *_lines(rows, long=long)]))

        return show

    return _on_each(flags, paths, work)


async def _rows(files: FileSystem, path: bytes, *, hidden: bool, long: bool) -> list[listing.Row]:
    attributes = await files.stat(path)
    if attributes.kind is not FileKind.DIRECTORY:
        return [listing.Row(path, attributes)]
    entries: list[Entry] = []
    async with closing(files.list(path)) as batches:
        async for batch in batches:
            entries += batch
    rows = listing.sorted_rows(entries, hidden=hidden)
    return [await _with_pointer(files, path, row) for row in rows] if long else rows


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
@_PATHS
@global_flags()
@pass_flags
def stat(flags: GlobalFlags, paths: tuple[str, ...]) -> int:
    """Show what is known about files on a host; links themselves, not what they point to.

    \b
    Examples:
      fairlead stat web-1:/etc/hostname
      fairlead stat --json web-1:/etc/hostname
    """

    def work(services: Services) -> OnPath:
        out = FdWriter(1)

        async def show(files: FileSystem, path: bytes) -> None:
            attributes = await files.stat(path, follow=False)
            is_link = attributes.kind is FileKind.SYMLINK
            pointer = await files.readlink(path) if is_link else None
            if flags.json:
                extra = {} if pointer is None else listing.name_json(pointer, "points_to")
                place = listing.name_json(path, "path")
                print_json({"host": files.host, **place, **listing.attributes_json(attributes), **extra})
                return
            await out.write(_stat_text(path, attributes, pointer))

        return show

    return _on_each(flags, paths, work)


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


# --- mkdir, rm, mv -----------------------------------------------------------------------------------------------


@click.command()
@_PATHS
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

    return _on_each(flags, paths, work)


@click.command()
@_PATHS
@click.option("-r", "recursive", is_flag=True, help="Directories with all that is in them; asks first, with a count.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@global_flags()
@pass_flags
def rm(flags: GlobalFlags, paths: tuple[str, ...], recursive: bool, yes: bool) -> int:
    """Remove files, links and empty directories on a host; with -r whole trees. Links are never followed.

    `/`, the home directory (`HOST:`) and what ends in `.` or `..` are refused, whatever flags are given.

    \b
    Examples:
      fairlead rm web-1:old.log
      fairlead rm -r --yes web-1:releases/41
    """

    for text in paths:
        removable(remote(text))

    def work(services: Services) -> OnPath:
        async def remove(files: FileSystem, path: bytes) -> None:
            await _refuse_home(files, path)
            if recursive and not yes:
                await _confirm_removal(services, files, path)
            count = await files.remove(path, recursive=recursive)
            if flags.json:
                counts = {"files": count.files, "directories": count.directories, "bytes": count.bytes}
                print_json({"host": files.host, **listing.name_json(path, "path"), **counts})

        return remove

    return _on_each(flags, paths, work)


async def _refuse_home(files: FileSystem, path: bytes) -> None:
    """However it is named: through links on the way, too. Raises ConfigError (USAGE)."""
    home = await files.resolve("~")
    if path not in {home, b"/"} and (await files.stat(path, follow=False)).kind is FileKind.DIRECTORY:
        above = await files.resolve(os.fsdecode(path) + "/..")
        path = above.rstrip(b"/") + b"/" + path.rpartition(b"/")[2]
    if path in {home, b"/"}:
        raise not_removed(f"{files.host}:{show_bytes(path)}")


async def _confirm_removal(services: Services, files: FileSystem, path: bytes) -> None:
    if (await files.stat(path, follow=False)).kind is not FileKind.DIRECTORY:
        return
    if not services.somebody:
        problem = "rm -r asks before it removes a tree, and there is nobody to ask; give --yes"
        raise ConfigError(Code.USAGE, evidence={"problem": problem})
    count = await files.count(path)
    more = f", and {count.unreadable} directories that cannot be read" if count.unreadable else ""
    question = Confirmation(
        title=f"Remove {show_bytes(path)} on {files.host} with all that is in it?",
        detail=f"{count.files} files, {count.directories} directories, {count.bytes} bytes{more}",
        yes="Remove",
        danger=True,
    )
    if not await services.interaction.confirm(question):
        raise Interrupted(Code.INTERRUPTED, "Nothing was removed.", host=files.host, advice=())


@click.command()
@click.argument("old", metavar="HOST:OLD")
@click.argument("new", type=Filled(), metavar="NEW")
@global_flags()
@pass_flags
def mv(flags: GlobalFlags, old: str, new: str) -> int:
    """Rename a file or directory on a host. NEW may be HOST:PATH of the same host, or PATH. Nothing is overwritten.

    \b
    Examples:
      fairlead mv web-1:report.csv web-1:report-old.csv
      fairlead mv web-1:report.csv archive/
    """
    source = remote(old)
    target = _target(source, new)

    async def move(services: Services) -> int:
        files = services.container.files.on(source.host)
        start, end = await files.resolve(source.path), await files.resolve(target.path)
        if target.path.endswith("/") or await _is_directory(files, end):
            end = end.rstrip(b"/") + b"/" + start.rstrip(b"/").rpartition(b"/")[2]
        await files.rename(start, end)
        if flags.json:
            print_json({"host": files.host, **listing.name_json(start, "from"), **listing.name_json(end, "to")})
        return Status.OK

    return execute(flags, move, host=source.host)


def _target(source: RemotePath, text: str) -> RemotePath:
    target = parse_remote(text) or RemotePath(source.host, text)
    one_host((source, target))
    return target


async def _is_directory(files: FileSystem, path: bytes) -> bool:
    try:
        return (await files.stat(path)).kind is FileKind.DIRECTORY
    except FileError as error:
        if error.code is Code.NOT_FOUND:
            return False
        raise


# --- cat ---------------------------------------------------------------------------------------------------------


@click.command()
@_PATHS
@global_flags()
@pass_flags
def cat(flags: GlobalFlags, paths: tuple[str, ...]) -> int:
    """Write files of a host to stdout: byte for byte into a pipe or file, safe to look at on a terminal.

    \b
    Examples:
      fairlead cat web-1:/etc/os-release
      fairlead cat web-1:/var/log/app.log | gzip > app.log.gz
    """

    def work(services: Services) -> OnPath:
        out = stdout_for_data()

        async def show(files: FileSystem, path: bytes) -> None:
            async with closing(files.read(path)) as content:
                async for data in content:
                    await out.write(data)

        return show

    return _on_each(flags, paths, work)
