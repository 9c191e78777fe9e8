"""The recovery's commands on a host. Text only."""

from __future__ import annotations

from backend.commands.quoting import posix_join, posix_quote

WAIT = 30
"""Seconds within which a unit must be active again."""
STEADY = 3
"""Seconds for which it must then stay so."""

_RESTART = r"""unit=$1
run="systemctl --no-ask-password --no-pager"
[ "$(id -u)" = 0 ] || run="sudo -n $run"
why=$($run restart -- "$unit" 2>&1) || { echo "refused $(printf %s "$why" | head -n 1 | cut -b 1-300)"; exit 0; }
left=@wait@ good=0
while [ $left -gt 0 ]; do
  state=$(systemctl is-active -- "$unit" 2>/dev/null)
  if [ "$state" = active ]; then good=$((good + 1)); else good=0; fi
  [ $good -gt @steady@ ] && { echo "active"; exit 0; }
  left=$((left - 1))
  sleep 1
done
echo "state $state"
"""
_CLEAR = r"""gone() { while read -r one; do rm -f -- "$one" && echo "removed"; done; }
me=$(id -un)
find "${TMPDIR:-/tmp}" -maxdepth 1 -type f -user "$me" -name 'fairlead.??????????' -mtime +0 2>/dev/null | gone
find "$HOME" -maxdepth 1 -type f -user "$me" -name '.fairlead-????????????????' -mtime +0 2>/dev/null | gone
echo "end"
"""


def restarting(unit: str) -> bytes:
    """Restart `unit` and wait until it is active, and stays so for some seconds."""
    body = _RESTART.replace("@wait@", str(WAIT)).replace("@steady@", str(STEADY))
    return _whole(("restart", unit), body)


def clearing() -> bytes:
    """Remove scripts and probe files that Fairlead has left over: its own names, of this account, older than a day.
    Unfinished copies stay: they are resumed."""
    return _whole(("clear",), _CLEAR)


def shown_restart(unit: str) -> bytes:
    """What `restarting` runs, as it is asked about and judged by the lists of commands."""
    return b"sudo -n systemctl restart " + posix_quote(unit.encode())


def shown_clear() -> bytes:
    """Likewise."""
    return b"rm -f /tmp/fairlead.* ~/.fairlead-*"


def _whole(words: tuple[str, ...], body: str) -> bytes:
    head = posix_join((b"fairlead", b"recovery", *(word.encode() for word in words)))
    return b"{ set -- " + head + b"\nshift 3\n" + body.encode() + b"} </dev/null\n"
