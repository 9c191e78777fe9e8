"""What takes the room on a simulated host: as du(1) counts it, two levels deep, the biggest first."""

from __future__ import annotations

from collections import Counter

from mocks.nodes import size_of
from mocks.shell.files import readable
from mocks.shell.run import Run, encode

_LEVELS = 2
_MOST = 27


async def look(run: Run, path: str) -> int:
    """Answer the script: below the home directory, which lies on the same disk as everything else here."""
    place = encode(run.shell.variables["HOME"])
    sizes: Counter[bytes] = Counter()
    for found, node, _ in readable(run, run.host.tree.get(place, run.actor), place):
        parts = found.removeprefix(place).strip(b"/").split(b"/")
        for depth in range(min(_LEVELS, len(parts) if parts[0] else 0) + 1):
            sizes[b"/".join((b".", *parts[:depth]))] += size_of(node)
    await run.line(f"place {run.shell.variables['HOME']}")
    for name, size in sizes.most_common(_MOST):
        await run.out(b"%d\t%b\n" % (-(-size // 1024), name))
    return 0
