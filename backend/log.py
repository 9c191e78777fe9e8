"""The log: JSON lines in a file, plain lines on stderr, both free of secrets. Off until it is configured.

Everything goes through the standard `logging`, ours and the libraries'; structlog gives each record its final form,
and is imported, as the queues are, only when there is a log to write. Secrets are taken out as each record is made,
while the vault still knows them; threads of the log's own do the writing, so that the event loop never waits for a
disk or a terminal.
asyncssh stays at its debug level 1: its packet dumps (levels 2 and 3) would hold what people type.
"""

from __future__ import annotations

import atexit
import logging
import os
import queue
import stat
import sys
from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import Any, TextIO

from backend.connection.vault import REDACTED, Vault
from backend.errors import Code, ConfigError
from backend.patterns import pattern
from backend.text import clean_line, clean_text

_ASSIGNED = pattern(r"(?i)\b(password|passwd|passphrase|passcode|secret|token|otp)(\s*[=:]\s*)(\"[^\"]*\"|'[^']*'|\S+)")
_SHOWN_FIRST = ("at", "level", "logger", "message", "exception")
_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)

Fields = MutableMapping[str, Any]
Processor = Callable[[Any, str, Fields], Fields]


class _Output:
    """One place where records go: formatted where they arise, written by a thread."""

    def __init__(self, stream: TextIO, formatter: logging.Formatter, level: int, *, close: bool) -> None:
        from logging.handlers import QueueHandler, QueueListener

        records: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
        self.handler = QueueHandler(records)
        self.handler.setFormatter(formatter)
        self.handler.setLevel(level)
        self._listener = QueueListener(records, logging.StreamHandler(stream))
        self._stream = stream
        self._close = close
        self._listener.start()

    def stop(self) -> None:
        """Write what is left."""
        self._listener.stop()
        if self._close:
            self._stream.close()


class _Configured:
    """What `configure_logging` has set up, and what was there before."""

    def __init__(self, outputs: list[_Output], silent: logging.Handler) -> None:
        root = logging.getLogger()
        self._handlers = [silent, *(output.handler for output in outputs)]
        self._outputs = outputs
        self._level_before = root.level
        for handler in self._handlers:
            root.addHandler(handler)
        root.setLevel(min([logging.WARNING, *(output.handler.level for output in outputs)]))

    def undo(self) -> None:
        root = logging.getLogger()
        for handler in self._handlers:
            root.removeHandler(handler)
        root.setLevel(self._level_before)
        for output in self._outputs:
            output.stop()


_current: list[_Configured] = []


def configure_logging(*, file: Path | None, verbosity: int, vault: Vault, on_stderr: bool = True) -> None:
    """Send the log to `file` (JSON lines, mode 0600, appended) and, with `verbosity` above 0, to stderr.

    stderr gets INFO at 1 and DEBUG from 2 on; the file gets one level more than stderr would. With neither, nothing is
    shown anywhere. `on_stderr` is False while a full-screen program has the terminal. What was configured before is
    undone. Raises ConfigError when the file cannot be written.
    """
    reset_logging()
    outputs: list[_Output] = []
    if file is not None:
        level = _LEVELS[min(verbosity + 1, 2)]
        outputs.append(_Output(_open(file), _formatter(vault, json=True), level, close=True))
    if verbosity > 0 and on_stderr:
        outputs.append(_Output(sys.stderr, _formatter(vault, json=False), _LEVELS[min(verbosity, 2)], close=False))
    # Without any handler, logging would print warnings on stderr, in the middle of the screen.
    _current.append(_Configured(outputs, logging.NullHandler()))
    atexit.register(reset_logging)


def reset_logging() -> None:
    """Write what is left and put logging back as it was; harmless when nothing was configured."""
    while _current:
        _current.pop().undo()
    atexit.unregister(reset_logging)


def redactor(vault: Vault) -> Processor:
    """A processor that takes secrets out of every text of a record: the vault's, and what looks assigned to one."""

    def redact(_logger: Any, _method: str, fields: Fields) -> Fields:
        for name, value in fields.items():
            fields[name] = _redacted(value, vault)
        return fields

    return redact


def _redacted(value: Any, vault: Vault) -> Any:
    """`value` as JSON can hold it, without secrets and control characters."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict):
        return {str(_redacted(name, vault)): _redacted(item, vault) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted(item, vault) for item in value]
    text = vault.redact(value if isinstance(value, str) else str(value))
    return clean_text(_ASSIGNED.sub(lambda found: f"{found[1]}{found[2]}{REDACTED}", text))


def _formatter(vault: Vault, *, json: bool) -> logging.Formatter:
    import structlog

    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    ]
    final: list[Any] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        structlog.processors.EventRenamer("message"),
        redactor(vault),
        structlog.processors.JSONRenderer() if json else _plain_line,
    ]
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=final)


def _plain_line(_logger: Any, _method: str, fields: Fields) -> str:
    """A record for a person: time, level, logger, message, and the rest as name=value."""
    rest = dict(fields)
    at, level, logger, message, trace = (str(rest.pop(name, "")) for name in _SHOWN_FIRST)
    more = "".join(f" {name}={value}" for name, value in rest.items())
    return clean_line(f"{at[11:23]} {level:<7} {logger}: {message}{more}") + (f"\n{trace}" if trace else "")


def _open(path: Path) -> TextIO:
    """The log file for appending, readable by its owner only. A device or pipe keeps its mode."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.fchmod(descriptor, 0o600)
    except OSError as error:
        problem = f"the log file {path} cannot be written: {error.strerror}"
        raise ConfigError(Code.USAGE, evidence={"problem": problem}) from error
    return os.fdopen(descriptor, "a", encoding="utf-8")
