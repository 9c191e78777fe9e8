"""What it costs to begin: the program itself, and the first command on a host."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from benchmarks.harness import Comparison, Contender
from benchmarks.lab import Lab

_BARE = (
    "from textual.app import App\n"
    "from textual.widgets import Static\n"
    "class Bare(App):\n"
    "  def compose(self): yield Static('first-picture')\n"
    "Bare().run()"
)
_UNTIL = [sys.executable, "-m", "benchmarks.first_picture"]


def comparisons(lab: Lab, scale: float) -> Iterator[Comparison]:
    for host, where in (("near", "loopback"), ("far", "50 ms")):
        yield Comparison(
            f"run true, cold, {where}",
            Contender("fairlead", lab.fairlead("run", host, "--", "true")),
            Contender("ssh", lab.openssh("ssh", host, "true")),
            "1.3",
        )
    yield Comparison(
        "first picture of the demo",
        Contender("fairlead", [*_UNTIL, "mirror-au", sys.executable, "-m", "cli.main", "demo"]),
        Contender("bare Textual app", [*_UNTIL, "first-picture", sys.executable, "-c", _BARE]),
        "1.4",
    )
