"""The one place where a failure becomes words: on stderr for people, as `{"error": …}` on stdout for programs.

Unexpected exceptions become INTERNAL with the name of the exception and the place in our code, never with its text:
what is in there is not known to be harmless.
"""

from __future__ import annotations

import json
import sys
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any

from backend.errors import Code, FairleadError
from backend.tty import size_of
from cli.fitting import fitted
from cli.flags import GlobalFlags
from cli.statuses import status_of


def internal(error: BaseException) -> FairleadError:
    """An exception that nobody expected, as a failure that can be told."""
    where = _where(error.__traceback__)
    return FairleadError(Code.INTERNAL, evidence={"reason": f"{type(error).__name__} at {where}"})


def _where(trace: TracebackType | None) -> str:
    frames = traceback.extract_tb(trace)
    if not frames:
        return "an unknown place"
    path = Path(frames[-1].filename)
    return f"{path.parent.name}/{path.name}:{frames[-1].lineno}"


def report(error: FairleadError, flags: GlobalFlags) -> int:
    """Tell about `error` where the person or program looks for it; the exit status."""
    if flags.json:
        print_json({"error": error.to_json()})
    else:
        width = size_of(sys.stderr.fileno()).columns if sys.stderr.isatty() else None
        sys.stderr.write(describe(error, verbose=flags.verbose > 0, width=width))
        sys.stderr.flush()
    return status_of(error)


def json_line(value: Any) -> str:
    """One JSON document on one line."""
    return json.dumps(value) + "\n"


def print_json(value: Any) -> None:
    """One JSON document on one line of stdout, at once."""
    sys.stdout.write(json_line(value))
    sys.stdout.flush()


def describe(error: FairleadError, *, verbose: bool, width: int | None = None) -> str:
    """`error` as lines for people: the sentence, the code, evidence when asked for, what to do next. `width` breaks
    sentences there; commands stay whole, to be copied."""
    lines = [*_broken(error.message, width, "fairlead: ", "  "), f"  code: {error.code}{_place(error)}"]
    if verbose:
        lines += [f"  {name}: {_indented(value)}" for name, value in error.evidence.items()]
    for item in error.advice:
        lines += _broken(item.text, width, "  - ", "    ")
        if item.command:
            lines.append(f"      {_indented(item.command)}")
    return "\n".join(lines) + "\n"


def _place(error: FairleadError) -> str:
    if error.hop is not None:
        return f" (at {error.hop}, on the way to {error.host or 'the host'})"
    return f" ({error.host})" if error.host is not None else ""


def _broken(text: str, width: int | None, first: str, rest: str) -> list[str]:
    return [first + _indented(text)] if "\n" in text else fitted(text, width, first=first, rest=rest)


def _indented(text: str) -> str:
    return text.rstrip("\n").replace("\n", "\n      ")
