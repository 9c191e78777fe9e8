"""The entry point: `fairlead …` and `python -m cli.main …`.

How the program is loaded and how its process ends, each in the way that is quickest; `cli.root` is the program.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Sequence
from typing import NoReturn

from backend import garbage, later


def main() -> NoReturn:
    """Be the program, from its arguments to the end of the process."""
    _end(run())


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the program within a process; its exit status."""
    garbage.hold()
    later.postpone()
    from cli import root

    try:
        return root.run(arguments)
    finally:
        garbage.search()


def _end(status: int) -> NoReturn:
    """End the process as Python does, but for taking its memory apart first, for which somebody would wait."""
    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        sys.exit(status)  # for Python to tell
    os._exit(status)


if __name__ == "__main__":
    main()
