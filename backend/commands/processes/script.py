"""The POSIX scripts that list the processes of a host and signal one of them. Text only.

On Linux numbers come from /proc (one awk(1)), accounts and command lines from ps(1), in whatever way this host's ps
knows: procps, busybox. Elsewhere ps alone tells, in the words that BSD, macOS and POSIX share.
"""

from __future__ import annotations

from backend.commands.again import AGAIN
from backend.commands.quoting import posix_join, posix_quote

LONGEST = 400
"""Bytes of a command line that are asked for."""

_AWK = rb"""BEGIN {
  while (("ls /proc" | getline p) > 0) {
    if (p !~ /^[0-9]+$/) continue
    f = "/proc/" p "/stat"; t = ""
    while ((getline l < f) > 0) t = t l
    close(f)
    sub(/^.*\) /, "", t)
    if (split(t, a, " ") >= 22) printf "s %s %s %s %s %.0f %.0f\n", p, a[2], a[1], a[20], a[12] + a[13], a[22]
  }
}
"""
_LIST = (
    AGAIN
    + rb"""if [ -r /proc/self/stat ]; then
  echo linux
  echo "ticks $(getconf CLK_TCK 2>/dev/null || echo 100)"
  echo "page $(getconf PAGESIZE 2>/dev/null || echo 4096)"
  read -r up rest </proc/uptime; echo "up $up"
  awk '/^MemTotal:/ { print "memory", $2; exit }' /proc/meminfo
  again awk @awk@ || exit 0
  if ps -o user:32= -p $$ >/dev/null 2>&1; then ps -ww -A -o pid= -o user:32= -o args=
  elif ps -A -o pid= -o user= -o args= >/dev/null 2>&1; then ps -A -o pid= -o user= -o args=
  else ps -o pid,user,args
  fi | cut -b 1-@longest@ | sed 's/^/p /'
else
  echo other
  echo "memory $(($(sysctl -n hw.memsize 2>/dev/null || sysctl -n hw.physmem 2>/dev/null || echo 0) / 1024))"
  LC_ALL=C ps -ww -A -o pid= -o ppid= -o state= -o rss= -o time= -o etime= -o lstart= -o user= -o args= |
    cut -b 1-@longest@ | sed 's/^/o /'
fi
echo end
"""
)
_SIGNAL = rb"""pid=$1 start=$2 signal=$3
if [ -r /proc/self/stat ]; then
  l=; { read -r l <"/proc/$pid/stat"; } 2>/dev/null
  set -f
  set -- ${l##*) }
  now=${20}
else
  now=$(LC_ALL=C ps -o lstart= -p "$pid" 2>/dev/null | tr -s ' ' _ | sed 's/^_//; s/_$//')
fi
if [ -z "$now" ]; then echo gone
elif [ "$now" != "$start" ]; then echo other
elif why=$(kill -s "$signal" "$pid" 2>&1); then echo sent
elif [ -r /proc/self/stat ] && ! [ -e "/proc/$pid" ]; then echo gone
else echo "refused $why"
fi
"""


def listing() -> bytes:
    """A script that tells of all processes."""
    body = _LIST.replace(b"@awk@", posix_quote(_AWK)).replace(b"@longest@", b"%d" % LONGEST)
    return _whole(b"list", (), body)


def signalling(pid: int, start: str, signal: str) -> bytes:
    """A script that sends `signal` to `pid`, if that is still the process that began at `start`."""
    return _whole(b"signal", (b"%d" % pid, start.encode(), signal.encode()), _SIGNAL)


def _whole(verb: bytes, arguments: tuple[bytes, ...], body: bytes) -> bytes:
    words = posix_join((b"fairlead", b"processes", verb, *arguments))
    return b"{ set -- " + words + b"\nshift 3\n" + body + b"} </dev/null\n"
