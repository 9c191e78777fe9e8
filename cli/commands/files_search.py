"""`fairlead find|du`: names below a directory of a host, and how much a tree takes."""

from __future__ import annotations

import click

from backend.connection.connector import FileKind
from backend.fd_writer import FdWriter
from backend.files.filesystem import FileSystem
from backend.files.name_pattern import NamePattern
from backend.files.paths import to_bytes
from backend.sizes import size_text
from backend.text import show_bytes
from cli import listing
from cli.execute import Services
from cli.failures import print_json
from cli.flags import GlobalFlags, global_flags, pass_flags
from cli.iterate import closing
from cli.on_paths import OnPath, SomeFailed, on_each, paths_argument
from cli.output import name_for_stdout

PATHS = paths_argument()
_KINDS = {"f": FileKind.FILE, "d": FileKind.DIRECTORY, "l": FileKind.SYMLINK}


@click.command()
@PATHS
@click.option("--name", "pattern", default="*", metavar="GLOB", help="Whole names, with `*`, `?` and `[…]`.")
@click.option("--ignore-case", is_flag=True, help="a is A.")
@click.option("--type", "kind", type=click.Choice(list(_KINDS)), help="Only files, directories or links.")
@click.option("-0", "zero", is_flag=True, help="End each path with a zero byte, for `xargs -0`.")
@global_flags()
@pass_flags
def find(
    flags: GlobalFlags, paths: tuple[str, ...], pattern: str, ignore_case: bool, kind: str | None, zero: bool
) -> int:
    """Find names below directories of a host, as they are found; ctrl+c stops it, on the host too.

    The host's own find(1) looks where commands are allowed, else the directories are read. Links are not followed. What
    cannot be read is counted, and the status is 4.

    \b
    Examples:
      fairlead find web-1:/var/log --name '*.gz'
      fairlead find web-1: --name 'todo*' --ignore-case --type f -0 | xargs -0 -n 1 echo
    """
    wanted = NamePattern(to_bytes(pattern), ignore_case=ignore_case)
    end = b"\0" if zero else b"\n"

    def work(services: Services) -> OnPath:
        out = FdWriter(1)

        async def look(files: FileSystem, path: bytes) -> None:
            search = files.search(path, wanted)
            async with closing(search.hits()) as batches:
                async for batch in batches:
                    hits = [hit for hit in batch if kind is None or hit.attributes.kind is _KINDS[kind]]
                    if flags.json:
                        for hit in hits:
                            place = {"host": files.host, **listing.name_json(hit.path, "path")}
                            print_json({**place, **listing.attributes_json(hit.attributes)})
                    else:
                        await out.write(b"".join(name_for_stdout(hit.path) + end for hit in hits))
            if search.unreadable:
                services.narration.say(f"{search.unreadable:,} directories could not be read")
                raise SomeFailed

        return look

    return on_each(flags, paths, work)


@click.command()
@PATHS
@click.option("--bytes", "exact", is_flag=True, help="Bytes rather than rounded sizes.")
@global_flags()
@pass_flags
def du(flags: GlobalFlags, paths: tuple[str, ...], exact: bool) -> int:
    """Sum up what trees of a host take; the content of files where the host can count that, else its blocks.

    \b
    Examples:
      fairlead du web-1:/var/log web-1:site
      fairlead du --json web-1:
    """

    def work(services: Services) -> OnPath:
        out = FdWriter(1)

        async def add_up(files: FileSystem, path: bytes) -> None:
            size = await files.tree_size(path)
            if flags.json:
                told = {"bytes": size.bytes, "unreadable": size.unreadable, "on_disk": size.on_disk}
                print_json({"host": files.host, **listing.name_json(path, "path"), **told})
            else:
                text = str(size.bytes) if exact else size_text(size.bytes)
                await out.write(f"{text:>9}\t".encode() + name_for_stdout(path) + b"\n")
            if size.unreadable:
                services.narration.say(
                    f"{show_bytes(path)}: {size.unreadable:,} directories could not be read; it is more than that"
                )
                raise SomeFailed

        return add_up

    return on_each(flags, paths, work)
