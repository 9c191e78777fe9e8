"""The script that signals what runs in a session's shell and spares the shell. Pure.

It comes over a channel of its own: servers refuse to signal for root, and a signal to the shell's process group would
end the session. Whatever descends from the shell is meant, but for the background jobs of earlier commands.
"""

from __future__ import annotations

_SCRIPT = b"""{ ps -A -o pid= -o ppid= 2>/dev/null || ps -o pid,ppid; } | awk -v shell=%d -v spared=' %s ' '
{ parent[$1] = $2 }
END {
  for (one in parent) {
    meant = one != shell
    for (at = one; meant && at != shell; at = parent[at]) {
      if (!(at in parent) || at == parent[at] || ++steps[one] > 200) meant = 0
      if (index(spared, " " at " ")) meant = 0
    }
    if (meant) print one
  }
}' | while read -r pid; do kill -%s "$pid" 2>/dev/null; done
true
"""


def signal_script(shell: int, spared: tuple[int, ...], signal: str) -> bytes:
    """Send `signal` (`INT`, `TERM`, `KILL`) to what runs below the process `shell`, without `spared` and theirs."""
    return _SCRIPT % (shell, " ".join(map(str, spared)).encode(), signal.encode())
