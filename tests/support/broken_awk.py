"""An awk(1) that breaks off every other time, as mawk does where a process ends while it is read."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def broken_awk(directory: Path) -> str:
    """A PATH on which an awk that goes through /proc reads half, says `read error` and ends with 2, at its first call
    and every other one."""
    place = directory / "broken"
    place.mkdir()
    script = place / "awk"
    script.write_text(
        f'#!/bin/sh\ncase "$*" in\n*"ls /proc"*)\n'
        f"  if [ -e {place}/once ]; then rm {place}/once\n"
        f"  else : >{place}/once; echo 's 1 half'; echo 'awk: read error (No such process)' >&2; exit 2\n"
        f'  fi ;;\nesac\nexec {shutil.which("awk")} "$@"\n'
    )
    script.chmod(0o755)
    return f"{place}:{os.environ['PATH']}"
