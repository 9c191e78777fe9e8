"""Commands about paths of one host: each path in turn, what fails told, and how far it is where it takes long."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

import click

from backend.errors import FileError
from backend.files.bulk import BulkProgress
from backend.files.filesystem import FileSystem
from backend.text import show_bytes
from cli.execute import Services, execute
from cli.flags import GlobalFlags
from cli.paths import one_host, remote
from cli.statuses import Status

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")
OnPath = Callable[[FileSystem, bytes], Awaitable[None]]

_SHOWN = 20
"""Failures of single files that are told one by one."""
_EVERY = 0.2
"""Seconds between two looks at how far it is."""


class SomeFailed(Exception):
    """What failed is told already; the status is not 0."""


def paths_argument() -> Callable[[F], F]:
    """Any number of paths of one host."""
    return click.argument("paths", metavar="HOST:PATH…", nargs=-1, required=True)


def on_each(flags: GlobalFlags, texts: Sequence[str], work: Callable[[Services], OnPath]) -> int:
    """`work` on every path. A single one's failure is the command's own; of several the others are still done."""
    paths = tuple(remote(text) for text in texts)

    async def each(services: Services) -> int:
        failed = 0
        on_path = work(services)
        for path in paths:
            try:
                files = services.container.files.on(path.host)
                await on_path(files, await files.resolve(path.path))
            except SomeFailed:
                failed += 1
            except FileError as error:
                error.located(host=path.host)
                if len(paths) == 1:
                    raise
                failed += 1
                await services.report(error)
        return Status.SOME_FAILED if failed else Status.OK

    return execute(flags, each, host=one_host(paths))


async def followed(services: Services, progress: BulkProgress, work: Coroutine[Any, Any, T]) -> T:
    """`work` with a line of progress; afterwards what failed is told.

    Raises SomeFailed for several failures, and the failure itself where it is the only thing that happened.
    """
    watching = asyncio.create_task(_watch(services, progress))
    try:
        result = await work
    except asyncio.CancelledError:
        services.narration.say(f"stopped: {_count(progress)}")
        raise
    finally:
        watching.cancel()
        services.narration.end_progress()
    await _tell_failures(services, progress)
    return result


async def _watch(services: Services, progress: BulkProgress) -> None:
    while True:
        await asyncio.sleep(_EVERY)
        services.narration.progress(f"{_count(progress)}  {show_bytes(progress.current)}")


def _count(progress: BulkProgress) -> str:
    total = f" of {progress.total:,}" if progress.total is not None else ""
    failed = f", {progress.failed:,} failed" if progress.failed else ""
    return f"{progress.done:,}{total} done{failed}"


async def _tell_failures(services: Services, progress: BulkProgress) -> None:
    if progress.skipped:
        services.narration.say(f"{progress.skipped:,} special files (devices, sockets, pipes) were left out")
    if not progress.failed:
        return
    if progress.failed == 1 and not progress.done:
        raise progress.errors[0].error
    for item in progress.errors[:_SHOWN]:
        await services.report(item.error)
    if progress.failed > _SHOWN:
        services.narration.say(f"and {progress.failed - _SHOWN:,} more failed")
    raise SomeFailed
