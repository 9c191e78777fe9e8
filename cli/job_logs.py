"""A job's output on our own stdout and stderr, and its end as our exit status."""

from __future__ import annotations

import asyncio
import base64
import shlex
from collections.abc import Mapping
from typing import Any

from backend.commands.jobs.logs import JobLogs
from backend.commands.jobs.model import OPEN, Job, LogCut, LogPiece
from backend.connection.connector import StdStream
from backend.errors import Advice, Code, Interrupted
from backend.fd_writer import FdWriter
from cli.execute import Services
from cli.failures import print_json
from cli.iterate import closing
from cli.job_looks import job_json, state_words
from cli.statuses import Status

_NAMES = {StdStream.OUT: "stdout", StdStream.ERR: "stderr"}


async def show_logs(services: Services, host: str, job_id: str, streams: Mapping[StdStream, int], *, live: bool) -> int:
    """Pass on what the job has said, and `live` what it says, until it ends; the exit status.

    Being interrupted tells from which byte to go on.
    """
    logs = await services.container.jobs.logs(host, job_id, streams)
    try:
        await _passed_on(services, logs, live=live)
    except asyncio.CancelledError:
        raise _interrupted(logs, host) from None
    if services.flags.json:
        print_json(job_json(logs.job))
    elif logs.job.state not in OPEN:
        services.narration.say(f"{job_id}: {state_words(logs.job)}")
    return _status(logs.job) if live else Status.OK


async def _passed_on(services: Services, logs: JobLogs, *, live: bool) -> None:
    writers = {StdStream.OUT: FdWriter(1), StdStream.ERR: FdWriter(2)}
    async with closing(logs.pieces(live=live)) as pieces:
        async for piece in pieces:
            if services.flags.json:
                print_json(_piece_json(piece))
            elif isinstance(piece, LogPiece):
                await writers[piece.stream].write(piece.data)
            else:
                name = _NAMES[piece.stream]
                services.narration.say(f"its {name} has {piece.size:,} bytes, not {piece.read:,}: from its beginning")


def _piece_json(piece: LogPiece | LogCut) -> dict[str, Any]:
    name = _NAMES[piece.stream]
    if isinstance(piece, LogCut):
        return {"stream": name, "cut_from": piece.read, "cut_to": piece.size}
    try:
        return {"stream": name, "offset": piece.offset, "data": piece.data.decode()}
    except UnicodeDecodeError:
        text = piece.data.decode("utf-8", "replace")
        return {
            "stream": name,
            "offset": piece.offset,
            "data": text,
            "data_base64": base64.b64encode(piece.data).decode(),
        }


def _status(job: Job) -> int:
    return Status.NO_CONNECTION if job.status is None else job.status


def _interrupted(logs: JobLogs, host: str) -> Interrupted:
    first = next(iter(logs.offsets))
    only = " --stderr" if first is StdStream.ERR else ""
    command = f"fairlead jobs {shlex.quote(host)} logs -f {logs.job.id}{only} --from {logs.offsets[first]}"
    advice = (Advice("Go on from the next byte.", command),)
    return Interrupted(Code.INTERRUPTED, "Stopped following; the job goes on.", host=host, advice=advice)
