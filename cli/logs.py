"""`--log-file` and `-v`: the log is on while a command runs, and failures that pass through are in it."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

from backend.connection.vault import Vault
from backend.errors import FairleadError
from backend.log import configure_logging, reset_logging
from cli.flags import GlobalFlags

log = logging.getLogger(__name__)


@contextlib.contextmanager
def logged(flags: GlobalFlags, vault: Vault, *, on_stderr: bool = True) -> Iterator[None]:
    """Log while inside as the flags say. Raises ConfigError when the log file cannot be written."""
    configure_logging(file=flags.log_file, verbosity=flags.verbose, vault=vault, on_stderr=on_stderr)
    try:
        with failures_logged():
            yield
    finally:
        reset_logging()


@contextlib.contextmanager
def failures_logged() -> Iterator[None]:
    """Note a failure in the log, once: the innermost of these comes first, while the vault still knows its secrets."""
    try:
        yield
    except BrokenPipeError:
        raise
    except FairleadError as error:
        _once(error, logging.ERROR, f"{error.code}: {error.message}")
        raise
    except Exception as error:
        _once(error, logging.CRITICAL, f"unexpected {type(error).__name__}", trace=error)
        raise


def _once(error: Exception, level: int, message: str, *, trace: Exception | None = None) -> None:
    if error.__dict__.get("noted"):
        return
    error.__dict__["noted"] = True
    log.log(level, "%s", message, exc_info=trace)
