"""The state directory's one SQLite file (WAL): transfer journal, known routes, history.

Every statement runs in the store's own thread, so the event loop never waits for a disk. Several processes may have the
file open at once. A file that cannot be read is reported and left as it is.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from backend.errors import Advice, Code, ConfigError, FairleadError, FileError

T = TypeVar("T")

BUSY_SECONDS = 10.0
"""How long a statement waits for another process to finish its own."""

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE partials (
        key BLOB PRIMARY KEY,
        size INTEGER NOT NULL,
        modified REAL NOT NULL,
        ends BLOB NOT NULL,
        mark INTEGER NOT NULL,
        updated REAL NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE finished_items (
        tree BLOB NOT NULL,
        path BLOB NOT NULL,
        name BLOB NOT NULL,
        size INTEGER NOT NULL,
        modified REAL NOT NULL,
        verified INTEGER NOT NULL,
        PRIMARY KEY (tree, path)
    ) WITHOUT ROWID;
    CREATE TABLE finished_trees (
        tree BLOB PRIMARY KEY,
        updated REAL NOT NULL
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE identity (id BLOB NOT NULL);
    INSERT INTO identity VALUES (randomblob(16));
    """,
    """
    CREATE TABLE refusals (
        address TEXT NOT NULL,
        port INTEGER NOT NULL,
        at REAL NOT NULL
    );
    CREATE INDEX refusals_of ON refusals (address, port, at);
    """,
    """
    CREATE TABLE ssh_health (
        host TEXT PRIMARY KEY,
        since REAL NOT NULL,
        successes INTEGER NOT NULL,
        failures INTEGER NOT NULL,
        losses INTEGER NOT NULL,
        reconnects INTEGER NOT NULL,
        expiries INTEGER NOT NULL,
        consecutive INTEGER NOT NULL,
        connected REAL NOT NULL,
        last_success REAL,
        last_failure REAL,
        failure_code TEXT NOT NULL,
        failure_hop TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE ssh_health_days (
        host TEXT NOT NULL,
        day INTEGER NOT NULL,
        outcome TEXT NOT NULL,
        code TEXT NOT NULL,
        count INTEGER NOT NULL,
        PRIMARY KEY (host, day, outcome, code)
    ) WITHOUT ROWID;
    CREATE TABLE ssh_latency (
        host TEXT NOT NULL,
        at REAL NOT NULL,
        seconds REAL NOT NULL
    );
    CREATE INDEX ssh_latency_by_host ON ssh_latency (host, at);
    CREATE TABLE ssh_latency_hours (
        host TEXT NOT NULL,
        hour INTEGER NOT NULL,
        count INTEGER NOT NULL,
        low REAL NOT NULL,
        middle REAL NOT NULL,
        high REAL NOT NULL,
        PRIMARY KEY (host, hour)
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE requests (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        host TEXT NOT NULL,
        action TEXT NOT NULL,
        priority INTEGER NOT NULL,
        place REAL NOT NULL,
        asked REAL NOT NULL,
        deadline REAL,
        repeatable INTEGER NOT NULL,
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        owner TEXT,
        lease REAL,
        ended REAL,
        result TEXT
    );
    CREATE INDEX requests_open ON requests (host, state, priority, place);
    """,
    """
    CREATE TABLE host_usage (
        host TEXT PRIMARY KEY,
        uses INTEGER NOT NULL,
        last_used REAL,
        pinned INTEGER NOT NULL
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE known_routes (
        network BLOB NOT NULL,
        host TEXT NOT NULL,
        route TEXT NOT NULL,
        at REAL NOT NULL,
        PRIMARY KEY (network, host)
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE host_keys (
        fingerprint TEXT PRIMARY KEY,
        first REAL NOT NULL
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE transfers (
        id TEXT PRIMARY KEY,
        name BLOB NOT NULL,
        host TEXT NOT NULL,
        request TEXT NOT NULL,
        state TEXT NOT NULL,
        priority INTEGER NOT NULL,
        place REAL NOT NULL,
        asked REAL NOT NULL,
        stopped REAL,
        progress TEXT NOT NULL,
        outcome TEXT,
        items TEXT,
        by_itself INTEGER NOT NULL,
        owner TEXT,
        lease REAL,
        wish TEXT,
        revision INTEGER NOT NULL
    );
    CREATE INDEX transfers_by_name ON transfers (name);
    """,
    """
    CREATE TABLE command_history (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        host TEXT NOT NULL,
        line TEXT NOT NULL,
        cwd BLOB,
        at REAL NOT NULL,
        ended TEXT,
        status INTEGER,
        seconds REAL
    );
    CREATE INDEX command_history_of ON command_history (host, id);
    CREATE TABLE group_runs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        at REAL NOT NULL,
        command BLOB NOT NULL,
        cwd BLOB,
        hosts INTEGER NOT NULL,
        failed TEXT NOT NULL
    );
    """,
    """
    CREATE TABLE jobs (
        host TEXT NOT NULL,
        id TEXT NOT NULL,
        name TEXT NOT NULL,
        command BLOB NOT NULL,
        command_size INTEGER NOT NULL,
        cwd BLOB NOT NULL,
        state TEXT NOT NULL,
        status INTEGER,
        pid INTEGER,
        started REAL,
        ended REAL,
        seen REAL,
        PRIMARY KEY (host, id)
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE health_hosts (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        last TEXT
    );
    CREATE TABLE health_names (
        host INTEGER NOT NULL,
        number INTEGER NOT NULL,
        name TEXT NOT NULL,
        PRIMARY KEY (host, number)
    ) WITHOUT ROWID;
    CREATE UNIQUE INDEX health_names_once ON health_names (host, name);
    CREATE TABLE health_checks (
        host INTEGER NOT NULL,
        at REAL NOT NULL,
        readings BLOB NOT NULL,
        PRIMARY KEY (host, at)
    ) WITHOUT ROWID;
    CREATE TABLE health_blocks (
        host INTEGER NOT NULL,
        step INTEGER NOT NULL,
        block INTEGER NOT NULL,
        sums BLOB NOT NULL,
        PRIMARY KEY (host, step, block)
    ) WITHOUT ROWID;
    CREATE TABLE health_changes (
        host INTEGER NOT NULL,
        at REAL NOT NULL,
        name TEXT NOT NULL,
        old TEXT NOT NULL,
        new TEXT NOT NULL,
        text TEXT NOT NULL
    );
    CREATE INDEX health_changes_of ON health_changes (host, at);
    CREATE TABLE health_deeds (
        host INTEGER NOT NULL,
        at REAL NOT NULL,
        action TEXT NOT NULL,
        outcome TEXT NOT NULL,
        text TEXT NOT NULL
    );
    CREATE INDEX health_deeds_of ON health_deeds (host, action, at);
    """,
    """
    ALTER TABLE refusals RENAME TO refusals_of_addresses;
    DROP INDEX refusals_of;
    CREATE TABLE refusals (
        address TEXT NOT NULL,
        port INTEGER NOT NULL,
        via TEXT NOT NULL,
        user TEXT NOT NULL,
        host TEXT NOT NULL,
        at REAL NOT NULL
    );
    CREATE INDEX refusals_of ON refusals (address, port, via, at);
    INSERT INTO refusals SELECT address, port, '', '', '', at FROM refusals_of_addresses;
    DROP TABLE refusals_of_addresses;
    CREATE TABLE accepted_logins (
        address TEXT NOT NULL,
        port INTEGER NOT NULL,
        via TEXT NOT NULL,
        user TEXT NOT NULL,
        at REAL NOT NULL,
        PRIMARY KEY (address, port, via, user)
    ) WITHOUT ROWID;
    """,
)
"""Each script takes the file from the version that is its index to the next (`PRAGMA user_version`)."""


class Store:
    """The database. It is opened by `open` or at first use; `close` at the end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="fairlead-store")
        self._connection: sqlite3.Connection | None = None
        self._closed = False

    @property
    def path(self) -> Path:
        """The database file; its directory is the state directory."""
        return self._path

    async def open(self) -> None:
        """Make or migrate the file (mode 0600, directory 0700). Raises ConfigError when it cannot be used."""
        await self._in_thread(self._open)

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """`work` in one transaction, in the store's thread; rolled back when it raises.

        Opens the file where that was not done yet. Raises FileError DISK_FULL, or ConfigError when the file cannot be
        opened, is damaged or stays locked.
        """
        return await self._in_thread(lambda: self._transact(work))

    async def version(self) -> int:
        """A number that is another one after each change by somebody else (`PRAGMA data_version`).

        It costs next to nothing. Raises as `run`.
        """
        return await self._in_thread(self._data_version)

    async def close(self) -> None:
        """Close the file; harmless when it was never opened, or twice."""
        await self._in_thread(self._close)
        self._executor.shutdown(wait=False)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    def _open(self) -> None:
        try:
            make_private(self._path)
            self._connection = self._connect()
        except OSError as error:
            raise self._unusable(error.strerror or str(error)) from error
        except sqlite3.Error as error:
            raise self._explain(error) from error

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            _wait_while_locked(lambda: connection.execute("PRAGMA journal_mode=WAL").fetchone())
            connection.execute("PRAGMA synchronous=NORMAL")
            self._migrate(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _migrate(self, connection: sqlite3.Connection) -> None:
        if _version(connection) == len(MIGRATIONS):
            return
        connection.execute("BEGIN IMMEDIATE")
        try:
            version = _version(connection)
            if version > len(MIGRATIONS):
                raise self._unusable("it was written by a newer Fairlead")
            for script in MIGRATIONS[version:]:
                for statement in filter(str.strip, script.split(";")):
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version={len(MIGRATIONS)}")
            connection.execute("COMMIT")
        except BaseException:
            _roll_back(connection)
            raise

    def _transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        connection = self._opened()
        try:
            connection.execute("BEGIN IMMEDIATE")
            try:
                result = work(connection)
                connection.execute("COMMIT")
            except BaseException:
                _roll_back(connection)
                raise
            return result
        except sqlite3.Error as error:
            raise self._explain(error) from error

    def _data_version(self) -> int:
        try:
            return int(self._opened().execute("PRAGMA data_version").fetchone()[0])
        except sqlite3.Error as error:
            raise self._explain(error) from error

    def _opened(self) -> sqlite3.Connection:
        if self._closed:
            raise self._unusable("it is closed")
        if self._connection is None:
            self._open()
        assert self._connection is not None
        return self._connection

    def _close(self) -> None:
        self._closed = True
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _explain(self, error: sqlite3.Error) -> FairleadError:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL:
            return FileError(Code.DISK_FULL, evidence={"path": self._path})
        return self._unusable(str(error))

    def _unusable(self, reason: str) -> ConfigError:
        return ConfigError(
            Code.CONFIG_INVALID,
            f"The state file {self._path} cannot be used: {reason}",
            evidence={"problem": reason, "path": self._path},
            advice=(
                Advice("Name another state directory with --state-dir or FAIRLEAD_STATE_DIR."),
                Advice(
                    "If the file is damaged, move it aside. What it kept goes with it: requests that wait, histories, "
                    "pins, and how far unfinished transfers were.",
                    f"mv {self._path} {self._path}.old",
                ),
            ),
        )


def make_private(path: Path) -> None:
    """Make `path` for this user alone (0600) in a directory of its own (0700). What exists keeps its mode."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600))


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:  # a full disk has rolled it back already
        connection.execute("ROLLBACK")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _wait_while_locked(attempt: Callable[[], object]) -> None:
    # SQLite does not call its busy handler while two processes switch the same new file to WAL.
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            attempt()
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(0.02)
