"""Reading /proc with awk(1), once more where a process ended while it was read. Text only.

mawk, the awk of Debian, ends at once when a read fails, and that of `/proc/PID/stat` does where PID ends between open
and read: what follows would be missing, half of a list of processes as it may be.
"""

from __future__ import annotations

AGAIN = rb"""again() {
  for k in 1 2 3 4 5; do
    seen=$(LC_ALL=C "$@" 2>/dev/null) || continue
    [ -z "$seen" ] || printf '%s\n' "$seen"
    return 0
  done
  return 1
}
"""
"""A POSIX shell function: the output of a command that ends well, at the fifth try at last; else none, and status 1."""
