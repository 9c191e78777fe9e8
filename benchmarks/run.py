"""`make bench`: print the table. `python -m benchmarks.run --quick` for small sizes, `--runs N` for more certainty."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks import files, forwards, starting
from benchmarks.harness import HEADER, compare
from benchmarks.lab import lab


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a sixteenth of the sizes")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    scale = 1 / 16 if options.quick else 1.0
    print(HEADER, flush=True)
    with lab() as made:
        for room in (starting, files, forwards):
            for comparison in room.comparisons(made, scale):
                print(compare(comparison, Path(made.state.parent / "log"), options.runs), flush=True)


if __name__ == "__main__":
    main()
