"""`fairlead chmod|chown`: who may do what with files of a host."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import click

from backend.files.bulk import Bulk, BulkProgress
from backend.files.filesystem import FileSystem
from backend.files.modes import parse_mode, parse_owner
from backend.text import show_bytes
from cli import listing
from cli.execute import Services
from cli.failures import print_json
from cli.flags import GlobalFlags, global_flags, pass_flags
from cli.on_paths import OnPath, followed, on_each, paths_argument

PATHS = paths_argument()
_RECURSIVE = click.option("-R", "recursive", is_flag=True, help="Directories with all that is in them; no links.")


@click.command()
@click.argument("mode", metavar="MODE")
@PATHS
@_RECURSIVE
@global_flags()
@pass_flags
def chmod(flags: GlobalFlags, mode: str, paths: tuple[str, ...], recursive: bool) -> int:
    """Change the mode of files on a host: `640`, or `u+x,go-w` as chmod(1) reads it.

    Without a whom (`+w`) the usual mask 022 is held back. A mode that begins with a dash stands after `--`.

    \b
    Examples:
      fairlead chmod 640 web-1:/etc/app.conf
      fairlead chmod -R u=rwX,go=rX web-1:site
    """
    change = parse_mode(mode)
    words = f"Change the mode to {mode}"
    return _changed(flags, paths, words, lambda bulk, path: bulk.chmod([path], change, recursive=recursive))


@click.command()
@click.argument("owner", metavar="OWNER")
@PATHS
@_RECURSIVE
@global_flags()
@pass_flags
def chown(flags: GlobalFlags, owner: str, paths: tuple[str, ...], recursive: bool) -> int:
    """Change the owner of files on a host: USER, USER:GROUP or :GROUP, by name or number. Links are given themselves.

    \b
    Examples:
      fairlead chown :www-data web-1:uploads
      fairlead chown -R deploy:deploy web-1:/srv/app
    """
    change = parse_owner(owner)

    async def give(bulk: Bulk, path: bytes) -> object:
        return await bulk.chown([path], await bulk.files.account_ids(change), recursive=recursive)

    return _changed(flags, paths, f"Give to {owner}", give)


def _changed(
    flags: GlobalFlags, paths: tuple[str, ...], words: str, work: Callable[[Bulk, bytes], Coroutine[Any, Any, object]]
) -> int:
    def each(services: Services) -> OnPath:
        async def change(files: FileSystem, path: bytes) -> None:
            progress = BulkProgress()
            try:
                async with files.change(f"{words}: {show_bytes(path)}") as unasked:
                    await followed(services, progress, work(Bulk(unasked, progress), path))
            finally:
                if flags.json and progress.done:
                    place = {"host": files.host, **listing.name_json(path, "path")}
                    print_json({**place, "changed": progress.done, "failed": progress.failed})

        return change

    return on_each(flags, paths, each)
