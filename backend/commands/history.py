"""The command lines that were typed, by host, with how they ended: in the state file, private and bounded.

A line that begins with a blank is not kept, as in a shell (HISTCONTROL=ignorespace of bash(1)).
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from backend.clock import Clock
from backend.commands.running import RunningCommand
from backend.commands.values import CommandOutcome
from backend.dataclass import dataclass
from backend.errors import FairleadError
from backend.store import Store
from backend.tasks import Beside

if TYPE_CHECKING:
    from backend.commands.many.run import GroupRun

log = logging.getLogger(__name__)

KEPT = 20_000
"""Lines of all hosts together; the oldest go first."""
KEPT_OF_HOST = 5_000
LONGEST = 16_384
"""Characters; a longer line is a document, and is not kept."""
GROUP = "many hosts"
"""Stands where a host would, for lines that were run on many hosts at once; no host can be called so."""
_CLOSE_LIMIT = 2.0
_SLACK = 64
"""What may be there beyond the bounds before the oldest are looked for."""

_WHERE = "WHERE (:host IS NULL OR host = :host) AND (:holds = '' OR instr(lower(line), lower(:holds)) > 0)"
_COLUMNS = "id, host, line, cwd, at, ended, status, seconds"
_SELECT = (
    f"SELECT {_COLUMNS} FROM command_history "  # noqa: S608 - our own words
    f"{_WHERE} ORDER BY id DESC LIMIT :most"
)
_DELETE = f"DELETE FROM command_history {_WHERE}"  # noqa: S608

_Row = tuple[int, str, str, bytes | None, float, str | None, int | None, float | None]
"""The columns of an entry."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line that was run."""

    number: int
    host: str
    line: str
    cwd: bytes | None
    """Where it ran; None for the home directory, or the profile's."""
    at: datetime
    end: str = ""
    """How it ended: `0`, `7`, `SIGTERM`, or our error code; empty where that is not known."""
    status: int | None = None
    seconds: float | None = None


class CommandHistory:
    """What was typed. Everything raises as Store."""

    def __init__(self, *, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._following = Beside(_CLOSE_LIMIT)

    def keep(self, line: str, command: RunningCommand) -> None:
        """Keep `line`, which `command` runs now, and how it ends; returns at once. What cannot be kept is logged."""
        self._go_on(self._follow(line, command), f"history of {command.id}")

    def keep_apart(self, line: str, host: str, cwd: bytes | None) -> None:
        """The same for a line that waits for `host`, or is a job there: how it ends is told with the request or job."""
        self._go_on(self._begin_alone(line, host, cwd), f"history of what waits or runs apart on {host}")

    def keep_group(self, line: str, run: GroupRun) -> None:
        """The same for a line that `run` runs on many hosts: it is kept once, under `GROUP`."""
        self._go_on(self._follow_group(line, run), f"history of {run.id}")

    def _go_on(self, following: Coroutine[None, None, None], name: str) -> None:
        self._following.begin(_logged(following), name)

    async def _follow(self, line: str, command: RunningCommand) -> None:
        number = await self.begin(command.host, line, command.spec.cwd)
        if number is not None:
            await self.end(number, await command.wait())

    async def _begin_alone(self, line: str, host: str, cwd: bytes | None) -> None:
        await self.begin(host, line, cwd)

    async def _follow_group(self, line: str, run: GroupRun) -> None:
        number = await self.begin(GROUP, line, run.spec.command.cwd)
        if number is not None:
            await run.wait()
            await self._note_end(number, _end_of_group(run), None, None)

    async def close(self) -> None:
        """Note the ends of what has ended; bounded."""
        await self._following.close()

    async def begin(self, host: str, line: str, cwd: bytes | None = None) -> int | None:
        """`line` is run on `host` now; the entry's number, None where it is not kept."""
        if not worth_keeping(line):
            return None
        row = host, line, cwd, self._clock.now().timestamp()

        def insert(db: sqlite3.Connection) -> int:
            added = db.execute("INSERT INTO command_history (host, line, cwd, at) VALUES (?, ?, ?, ?)", row)
            number = added.lastrowid or 0
            if number % _SLACK == 0:
                _trim(db)
            return number

        return await self._store.run(insert)

    async def end(self, number: int, outcome: CommandOutcome) -> None:
        """Note how the command of entry `number` ended."""
        end, status = _end_of(outcome)
        await self._note_end(number, end, status, outcome.seconds)

    async def _note_end(self, number: int, end: str, status: int | None, seconds: float | None) -> None:
        row = end, status, seconds, number

        def update(db: sqlite3.Connection) -> None:
            db.execute("UPDATE command_history SET ended = ?, status = ?, seconds = ? WHERE id = ?", row)

        await self._store.run(update)

    async def entries(self, host: str | None = None, *, holds: str = "", most: int = KEPT) -> tuple[Entry, ...]:
        """The lines of `host`, or of all hosts, newest first; only those that hold `holds`, whatever its case."""

        def read(db: sqlite3.Connection) -> list[_Row]:
            return db.execute(_SELECT, {"host": host, "holds": holds, "most": most}).fetchall()

        return _entries(await self._store.run(read))

    async def forget(self, host: str | None = None, *, holds: str = "") -> int:
        """Drop the lines of `host`, or all, that hold `holds`; how many that were."""
        values = {"host": host, "holds": holds}
        return await self._store.run(lambda db: db.execute(_DELETE, values).rowcount)

    async def drop(self, host: str, line: str) -> tuple[Entry, ...]:
        """Forget exactly this line of `host`, however often it ran; what `put_back` takes to undo it."""
        row = host, line

        def take(db: sqlite3.Connection) -> list[_Row]:
            found = db.execute(f"SELECT {_COLUMNS} FROM command_history WHERE host = ? AND line = ?", row).fetchall()  # noqa: S608
            db.execute("DELETE FROM command_history WHERE host = ? AND line = ?", row)
            return found

        return _entries(await self._store.run(take))

    async def put_back(self, entries: Sequence[Entry]) -> None:
        """What was dropped is there again, where it was: numbers are never given twice."""
        rows = [
            (one.number, one.host, one.line, one.cwd, one.at.timestamp(), one.end or None, one.status, one.seconds)
            for one in entries
        ]
        insert = f"INSERT INTO command_history ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
        await self._store.run(lambda db: db.executemany(insert, rows))


async def _logged(following: Coroutine[None, None, None]) -> None:
    try:
        await following
    except FairleadError as error:
        log.warning("the history cannot be kept: %s", error.message)


def worth_keeping(line: str) -> bool:
    """Whether a line belongs into the history."""
    return bool(line.strip()) and not line.startswith(" ") and len(line) <= LONGEST


def once_each(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """The entries, newest first, with each line on each host only once: as it was run last."""
    found: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        found.setdefault((entry.host, entry.line), entry)
    return tuple(found.values())


def _entries(rows: Sequence[_Row]) -> tuple[Entry, ...]:
    return tuple(
        Entry(number, host, line, cwd, datetime.fromtimestamp(at, UTC), end or "", status, seconds)
        for number, host, line, cwd, at, end, status, seconds in rows
    )


def _end_of_group(run: GroupRun) -> str:
    """`0` where every host succeeded, else how many did not."""
    if run.error is not None:
        return run.error.code.value
    return f"{len(run.failed)} of {len(run.hosts)} failed" if run.failed else "0"


def _end_of(outcome: CommandOutcome) -> tuple[str, int | None]:
    if outcome.error is not None:
        return outcome.error.code.value, None
    report = outcome.exit
    if report is None:
        return "", None
    return (f"SIG{report.signal}", None) if report.signal is not None else (str(report.status), report.status)


def _trim(db: sqlite3.Connection) -> None:
    db.execute(
        "DELETE FROM command_history WHERE id <= (SELECT id FROM command_history ORDER BY id DESC LIMIT 1 OFFSET ?)",
        (KEPT,),
    )
    crowded = db.execute("SELECT host FROM command_history GROUP BY host HAVING count(*) > ?", (KEPT_OF_HOST,))
    for (host,) in crowded.fetchall():
        db.execute(
            "DELETE FROM command_history WHERE host = ? AND id <= "
            "(SELECT id FROM command_history WHERE host = ? ORDER BY id DESC LIMIT 1 OFFSET ?)",
            (host, host, KEPT_OF_HOST),
        )
