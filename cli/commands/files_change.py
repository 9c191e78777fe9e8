"""`fairlead rm|mv|cp|ln|touch`: names that go, come and change on one host."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

import click

from backend.connection.connector import FileKind
from backend.connection.interaction import Confirmation
from backend.errors import Code, ConfigError, FileError, Interrupted
from backend.files.bulk import Bulk, BulkProgress
from backend.files.filesystem import FileSystem
from backend.files.paths import name_of, to_bytes
from backend.text import show_bytes
from cli import listing
from cli.arguments import Filled
from cli.execute import Services, execute
from cli.failures import print_json
from cli.flags import GlobalFlags, global_flags, pass_flags
from cli.on_paths import OnPath, SomeFailed, followed, on_each, paths_argument
from cli.paths import RemotePath, not_removed, one_host, parse_remote, remote, removable
from cli.statuses import Status

PATHS = paths_argument()
Pairs = Iterable[tuple[bytes, bytes]]

# --- rm ----------------------------------------------------------------------------------------------------------


@click.command()
@PATHS
@click.option("-r", "recursive", is_flag=True, help="Directories with all that is in them; asks first, with a count.")
@global_flags()
@pass_flags
def rm(flags: GlobalFlags, paths: tuple[str, ...], recursive: bool) -> int:
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
            progress = BulkProgress()
            progress.total = await _confirm_removal(services, files, path) if recursive and not flags.yes else None
            try:
                async with files.change(f"Delete {show_bytes(path)}", agreed=progress.total is not None) as unasked:
                    await followed(services, progress, _remove(unasked, path, progress, recursive=recursive))
            finally:
                if flags.json and progress.done:
                    counts = {"files": progress.done - progress.directories, "directories": progress.directories}
                    place = {"host": files.host, **listing.name_json(path, "path")}
                    print_json({**place, **counts, "bytes": progress.size, "failed": progress.failed})

        return remove

    return on_each(flags, paths, work)


async def _remove(files: FileSystem, path: bytes, progress: BulkProgress, *, recursive: bool) -> None:
    if recursive:
        await Bulk(files, progress).remove([path])
        return
    count = await files.remove(path)
    progress.done, progress.directories, progress.size = 1, count.directories, count.bytes


async def _refuse_home(files: FileSystem, path: bytes) -> None:
    """However it is named: through links on the way, too. Raises ConfigError (USAGE)."""
    home = await files.resolve("~")
    if path not in {home, b"/"} and (await files.stat(path, follow=False)).kind is FileKind.DIRECTORY:
        above = await files.resolve(os.fsdecode(path) + "/..")
        path = above.rstrip(b"/") + b"/" + path.rpartition(b"/")[2]
    if path in {home, b"/"}:
        raise not_removed(f"{files.host}:{show_bytes(path)}")


async def _confirm_removal(services: Services, files: FileSystem, path: bytes) -> int | None:
    """Ask before a tree is removed; how many things are in it. None, and no question, where it is no tree."""
    if (await files.stat(path, follow=False)).kind is not FileKind.DIRECTORY:
        return None
    if not services.somebody:
        problem = "rm -r asks before it removes a tree, and there is nobody to ask; give --yes"
        raise ConfigError(Code.USAGE, evidence={"problem": problem})
    count = await files.count(path)
    more = f", and {count.unreadable} directories that cannot be read" if count.unreadable else ""
    marked = ", a production host," if await services.container.production.marks(files.host or "") else ""
    question = Confirmation(
        title=f"Remove {show_bytes(path)} on {files.host}{marked} with all that is in it?",
        detail=f"{count.files} files, {count.directories} directories, {count.bytes} bytes{more}",
        yes="Remove",
        danger=True,
    )
    if not await services.interaction.confirm(question):
        raise Interrupted(Code.INTERRUPTED, "Nothing was removed.", host=files.host, advice=())
    return count.files + count.directories


# --- mv, cp ------------------------------------------------------------------------------------------------------


@click.command()
@click.argument("sources", metavar="HOST:OLD…", nargs=-1, required=True)
@click.argument("new", type=Filled(), metavar="NEW")
@global_flags()
@pass_flags
def mv(flags: GlobalFlags, sources: tuple[str, ...], new: str) -> int:
    """Rename or move on a host. NEW may be HOST:PATH of the same host, or PATH. Nothing is overwritten.

    An existing directory, or a path that ends in a slash, means into it. To another file system a tree is copied, and
    what was copied whole is removed.

    \b
    Examples:
      fairlead mv web-1:report.csv web-1:report-old.csv
      fairlead mv web-1:report.csv web-1:notes.md archive/
    """
    return _to_new_names(flags, sources, new, "Move", lambda bulk, pairs: bulk.move(pairs))


@click.command()
@click.argument("sources", metavar="HOST:OLD…", nargs=-1, required=True)
@click.argument("new", type=Filled(), metavar="NEW")
@global_flags()
@pass_flags
def cp(flags: GlobalFlags, sources: tuple[str, ...], new: str) -> int:
    """Copy files and trees within a host, with modes, times and links. Nothing is overwritten.

    NEW is taken as `mv` takes it. From and to this machine it is `get` and `put`.

    \b
    Examples:
      fairlead cp web-1:deploy.yml deploy.yml.bak
      fairlead cp web-1:site web-1:conf backup/
    """
    return _to_new_names(flags, sources, new, "Copy", lambda bulk, pairs: bulk.copy(pairs))


def _to_new_names(
    flags: GlobalFlags,
    texts: tuple[str, ...],
    new: str,
    verb: str,
    work: Callable[[Bulk, Pairs], Coroutine[Any, Any, object]],
) -> int:
    sources = tuple(remote(text) for text in texts)
    target = _target(sources, new)

    async def change(services: Services) -> int:
        files = services.container.files.on(target.host)
        starts = [await files.resolve(source.path) for source in sources]
        pairs = await _pairs(files, starts, target)
        progress = BulkProgress()
        try:
            names = "\n".join(f"{show_bytes(old)} → {show_bytes(new)}" for old, new in pairs)
            async with files.change(f"{verb}:\n{names}") as unasked:
                await followed(services, progress, work(Bulk(unasked, progress), pairs))
        except SomeFailed:
            return Status.SOME_FAILED
        except FileError as error:
            raise error.located(host=target.host) from error
        if flags.json:
            for start, end in pairs:
                print_json({"host": files.host, **listing.name_json(start, "from"), **listing.name_json(end, "to")})
        return Status.OK

    return execute(flags, change, host=target.host)


def _target(sources: tuple[RemotePath, ...], text: str) -> RemotePath:
    target = parse_remote(text) or RemotePath(sources[0].host, text)
    one_host((*sources, target))
    return target


async def _pairs(files: FileSystem, starts: list[bytes], target: RemotePath) -> list[tuple[bytes, bytes]]:
    end = await files.resolve(target.path)
    into = target.path.endswith("/") or await _is_directory(files, end)
    if not into and len(starts) > 1:
        raise FileError(Code.NOT_DIRECTORY, evidence={"path": show_bytes(end)}, host=files.host)
    return [(start, end.rstrip(b"/") + b"/" + name_of(start) if into else end) for start in starts]


async def _is_directory(files: FileSystem, path: bytes) -> bool:
    try:
        return (await files.stat(path)).kind is FileKind.DIRECTORY
    except FileError as error:
        if error.code is Code.NOT_FOUND:
            return False
        raise


# --- ln, touch ---------------------------------------------------------------------------------------------------


@click.command()
@click.argument("existing", type=Filled(), metavar="TARGET")
@click.argument("name", metavar="HOST:NAME")
@click.option("-s", "symbolic", is_flag=True, help="A symbolic link: TARGET is written into it as it stands.")
@global_flags()
@pass_flags
def ln(flags: GlobalFlags, existing: str, name: str, symbolic: bool) -> int:
    """Make a link on a host. Without -s it is a second name for the file TARGET (HOST:PATH, or PATH there).

    \b
    Examples:
      fairlead ln -s releases/42 web-1:current
      fairlead ln web-1:data.csv web-1:data-kept.csv
    """
    target = remote(name)
    source = parse_remote(existing) if not symbolic else None
    if source is not None:
        one_host((source, target))

    async def link(services: Services) -> int:
        files = services.container.files.on(target.host)
        path = await files.resolve(target.path)
        if symbolic:
            await files.symlink(path, to_bytes(existing))
        else:
            await files.hardlink(path, await files.resolve(source.path if source is not None else existing))
        if flags.json:
            print_json({"host": files.host, **listing.name_json(path, "path")})
        return Status.OK

    return execute(flags, link, host=target.host)


@click.command()
@PATHS
@global_flags()
@pass_flags
def touch(flags: GlobalFlags, paths: tuple[str, ...]) -> int:
    """Make empty files on a host; of what is there the time of change becomes now, by this machine's clock.

    \b
    Examples:
      fairlead touch web-1:maintenance.flag
    """

    def work(services: Services) -> OnPath:
        async def make(files: FileSystem, path: bytes) -> None:
            async with files.change(f"Make, or give a new time: {show_bytes(path)}") as unasked:
                try:
                    await unasked.create(path)
                except FileError as error:
                    if error.code is not Code.EXISTS:
                        raise
                    await unasked.set_modified(path, time.time())
            if flags.json:
                print_json({"host": files.host, **listing.name_json(path, "path")})

        return make

    return on_each(flags, paths, work)
