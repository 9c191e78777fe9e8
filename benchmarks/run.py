"""`make bench`: print the table. `python -m benchmarks.run --quick` for small sizes, `--runs N` for more certainty,
`python -m benchmarks.run starting` for some of the rows only."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks import files, forwards, starting
from benchmarks.harness import HEADER, compare
from benchmarks.lab import lab

_ROOMS = {"starting": starting, "files": files, "forwards": forwards}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rooms", nargs="*", metavar="ROOM", help=f"{', '.join(_ROOMS)}; all of them when left out")
    parser.add_argument("--quick", action="store_true", help="a sixteenth of the sizes")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    if unknown := set(options.rooms).difference(_ROOMS):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    scale = 1 / 16 if options.quick else 1.0
    print(HEADER, flush=True)
    with lab() as made:
        for room in options.rooms or _ROOMS:
            for comparison in _ROOMS[room].comparisons(made, scale):
                print(compare(comparison, Path(made.state.parent / "log"), options.runs), flush=True)


if __name__ == "__main__":
    main()
