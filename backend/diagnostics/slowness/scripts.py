"""The POSIX scripts that ask a host about our connection, its login files and its disk, and how their answers are read.

Pure. Nothing in them needs more than a shell; what a system does not have it leaves out, and so it is unknown.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from backend.diagnostics.host_answers import answers, first, whole
from backend.diagnostics.slowness.sockets import read_socket
from backend.diagnostics.slowness.values import DiskSpeed, LoginFiles, Snapshot

Found = Mapping[str, tuple[str, ...]]

LONGEST_LINE = 2000
"""Characters of one line of an answer that are kept."""
LOGIN_FILES_SHELL = b"exec sh -c 'read FAIRLEAD_BEGUN i </proc/uptime; export FAIRLEAD_BEGUN; exec sh -s'"
"""Runs `login_files_script`. It looks at the clock before the script comes, which takes a round trip or more."""
SHELL_LIMIT = 10
"""Seconds that a login shell may take to start."""
LOOKUP_LIMIT = 15
"""Seconds that looking up a name may take; a silent resolver takes ten of them (resolv.conf(5))."""
_NANO = 1e9
_TICKS = 100.0
"""Of /proc a second, on every Linux that one logs in to (USER_HZ)."""
_BARE = {
    "bash": "--norc --noprofile -c",
    "zsh": "-f -c",
    "fish": "--no-config -c",
    "csh": "-f -c",
    "tcsh": "-f -c",
    "sh": "-c",
    "dash": "-c",
    "ash": "-c",
    "ksh": "-c",
}
_FULL = {
    **dict.fromkeys(("bash", "zsh", "fish"), "-l -i -c"),
    **dict.fromkeys(("sh", "dash", "ash", "ksh"), "-l -c"),
}
_STEPS = (1, 1, 2, 4, 8, 16)
"""MiB that the disk gets in one go, as long as it is quick."""
_DISK_MS = 1200
"""After so long no further piece is written."""


def _script(what: str, arguments: str, body: str) -> bytes:
    """The first line says what is asked; the shell reads all of it before it begins."""
    return f"{{ set -- fairlead slow {what} {arguments}\nshift 3\nm=$1\n{body}true\n}}\n".encode()


def found_in(output: bytes, marker: str) -> Found:
    """The marked lines of an answer."""
    return answers(output, marker, most=LONGEST_LINE)


def snapshot_script(marker: str) -> bytes:
    """Our socket, the server's process that serves us (the parent of the login shell), and the machine."""
    body = """echo "$m connection $SSH_CONNECTION"
read u i </proc/uptime && echo "$m up $u"
echo "$m server $(cat /proc/$PPID/schedstat 2>/dev/null)"
echo "$m cpu $(head -n 1 /proc/stat 2>/dev/null)"
echo "$m cores $(nproc 2>/dev/null)"
echo "$m load $(cat /proc/loadavg 2>/dev/null)"
for r in cpu io memory; do echo "$m psi_$r $(head -n 1 /proc/pressure/$r 2>/dev/null)"; done
set -- $SSH_CONNECTION
if command -v ss >/dev/null 2>&1; then
ss -tinH "dst [$1] and sport = :$4 and dport = :$2" 2>/dev/null | while read -r l; do echo "$m ss $l"; done
fi
"""
    return _script("snapshot", marker, body)


def read_snapshot(found: Found) -> Snapshot:
    """One moment of the server, as far as it told."""
    ran, waited = _numbers(first(found, "server"), 2)
    socket = next((one for line in found.get("ss", ()) if (one := read_socket(line)) is not None), None)
    cores, load = _numbers(first(found, "cores"), 1), _numbers(first(found, "load"), 1)
    pressures = {name: _pressure(first(found, f"psi_{name}")) for name in ("cpu", "io", "memory")}
    busy, idle, stolen = _cpu(first(found, "cpu"))
    return Snapshot(
        up=_numbers(first(found, "up"), 1)[0],
        connection=first(found, "connection"),
        socket=socket,
        server_ran=None if ran is None else ran / _NANO,
        server_waited=None if waited is None else waited / _NANO,
        busy=busy,
        idle=idle,
        stolen=stolen,
        cores=None if cores[0] is None else int(cores[0]),
        load=load[0],
        pressure={name: value for name, value in pressures.items() if value is not None},
    )


def login_files_script(marker: str) -> bytes:
    """When the process of this very script was started, and when its first line was run: in between the login files
    are read. Then the same shell with all of its files and without any, timed. The process keeps its start when the
    login shell turns into it (`exec`)."""
    bare = "".join(f"{name}) b='{how}';; " for name, how in _BARE.items())
    full = "".join(f"{name}) f='{how}';; " for name, how in _FULL.items())
    body = f"""echo "$m begun $FAIRLEAD_BEGUN"
echo "$m process $(cat /proc/$$/stat 2>/dev/null)"
echo "$m shell $SHELL"
n=${{SHELL##*/}}; b=; f=
case $n in {bare}esac
case $n in {full}esac
t() {{ read u i </proc/uptime && echo "$m $1 $u"; }}
if command -v timeout >/dev/null 2>&1; then
if [ -n "$b" ]; then t bare_from; timeout {SHELL_LIMIT} "$SHELL" $b true </dev/null >/dev/null 2>&1; t bare_to; fi
if [ -n "$f" ]; then t full_from; timeout {SHELL_LIMIT} "$SHELL" $f true </dev/null >/dev/null 2>&1; t full_to; fi
fi
"""
    return _script("login_files", marker, body)


def read_login_files(found: Found) -> LoginFiles | None:
    """What the shell took; None where the host tells no times."""
    begun = _numbers(first(found, "begun"), 1)[0]
    fields = first(found, "process").rpartition(")")[2].split()
    started = whole(fields[19]) if len(fields) >= 20 else None
    if begun is None or started is None:
        return None
    return LoginFiles(
        shell=first(found, "shell") or "unknown",
        command=max(0.0, begun - started / _TICKS),
        interactive=_between(found, "full_from", "full_to"),
        bare=_between(found, "bare_from", "bare_to"),
    )


def lookup_script(marker: str) -> bytes:
    """The host looks up the name of our address, as sshd does with `UseDNS yes`."""
    body = f"""set -- $SSH_CONNECTION
command -v getent >/dev/null 2>&1 && command -v timeout >/dev/null 2>&1 || exit 0
read u i </proc/uptime && echo "$m from $u"
timeout {LOOKUP_LIMIT} getent hosts "$1" >/dev/null 2>&1
read u i </proc/uptime && echo "$m to $u"
"""
    return _script("lookup", marker, body)


def read_lookup(found: Found) -> float | None:
    """Seconds it took, found or not."""
    return _between(found, "from", "to")


def disk_script(marker: str, name: str) -> bytes:
    """Pieces of a private file in the home directory, each bigger than the last and each on the disk before the next
    (fsync), as long as they are quick; then some of it is read past the page cache.

    The file has no name while it is written: whatever happens, nothing of it stays. It takes no more than a tenth of
    the room that is left."""
    steps = " ".join(str(step) for step in _STEPS)
    body = f"""umask 077; set -C
read u i </proc/uptime || exit 0
k=$(df -Pk "$HOME" 2>/dev/null | tail -n 1 | awk '{{print $4}}')
case $k in ''|*[!0-9]*) echo "$m no the room is not known"; exit 0;; esac
f="$HOME/$2"
trap 'rm -f "$f"' EXIT HUP INT TERM
: > "$f" || {{ echo "$m no the home directory cannot be written to"; exit 0; }}
set +C
exec 3<>"$f"
rm -f "$f"
w=0
t() {{ read u i </proc/uptime; n=${{u%.*}}${{u#*.}}0; }}
t; z=$n
for s in {steps}; do
[ $((k / 10240)) -ge $((w + s)) ] || break
t; a=$n
dd if=/dev/zero bs=1048576 count=$s conv=fsync 2>/dev/null >&3 || break
t
w=$((w + s)); echo "$m wrote $s $((n - a))"
[ $((n - z)) -lt {_DISK_MS} ] || break
done
[ $w -gt 0 ] || echo "$m no too little room, or dd cannot write so"
if [ $w -gt 0 ]; then
t; a=$n
[ $w -lt 4 ] && c=$w || c=4
dd if=/proc/self/fd/3 of=/dev/null bs=1048576 count=$c iflag=direct 2>/dev/null && t && echo "$m read $c $((n - a))"
fi
"""
    return _script("disk", f"{marker} {name}", body)


def read_disk(found: Found) -> DiskSpeed | str:
    """How quick the disk is, or why that is not known. It is as quick as with its largest piece: small ones mostly show
    what one fsync costs."""
    pieces = [piece for line in found.get("wrote", ()) if (piece := _piece(line)) is not None]
    if not pieces:
        return first(found, "no") or "the host does not tell"
    size, seconds = pieces[-1]
    read = _piece(first(found, "read"))
    return DiskSpeed(
        bytes=sum(size for size, _ in pieces), write=size / seconds, read=None if read is None else read[0] / read[1]
    )


def _piece(line: str) -> tuple[int, float] | None:
    """Bytes and seconds (at least the clock's own step) of `MIB MILLISECONDS`."""
    numbers = [whole(word) for word in line.split()]
    if len(numbers) != 2:
        return None
    mib, ms = numbers
    return (mib << 20, max(0.01, ms / 1000)) if mib and ms is not None else None


def _between(found: Found, begin: str, end: str) -> float | None:
    begun, ended = _numbers(first(found, begin), 1)[0], _numbers(first(found, end), 1)[0]
    return None if begun is None or ended is None else max(0.0, ended - begun)


def _numbers(text: str, count: int) -> list[float | None]:
    """The first numbers of a line; None in place of all of them where one is none."""
    words = text.split()[:count]
    try:
        values = [float(word) for word in words]
    except ValueError:
        values = []
    return list(values) if len(values) == count and all(map(math.isfinite, values)) else [None] * count


def _pressure(line: str) -> float | None:
    """`some avg10=0.31 …`."""
    name, _, value = next((word for word in line.split() if word.startswith("avg10=")), "").partition("=")
    return _numbers(value, 1)[0] if name else None


def _cpu(line: str) -> tuple[float | None, float | None, float | None]:
    """Busy, idle and stolen seconds of `cpu user nice system idle iowait irq softirq steal …` (proc(5))."""
    words = line.split()
    values = _numbers(" ".join(words[1:9]), 8)
    if not words or words[0] != "cpu" or values[0] is None:
        return None, None, None
    ticks = [(value or 0.0) / _TICKS for value in values]
    return sum(ticks[:3]) + sum(ticks[5:7]), ticks[3] + ticks[4], ticks[7]
