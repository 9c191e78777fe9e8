"""The POSIX scripts that start, look at, stop and remove jobs on a host. Text only; `host.py` runs them.

Each is one compound command that goes over stdin: a script that arrives in part does nothing at all, and neither the
command's variables nor their values ever stand on a command line. A job is a directory below
`${XDG_STATE_HOME:-~/.local/state}/fairlead/jobs`, for its owner alone:

```
about      what was asked for, when, in which boot; complete before anything starts
command    the command, byte for byte
pid        the keeper's process, its start time, process group and session
out, err   what the job says
rc         status and time of its end; in one step, in a block that was set aside at the start: a full disk keeps it not
```
Making the directory is what starts a job once and not twice: the ID is ours, and a second start finds it there. The
keeper is a shell in a session of its own that runs the command and notes how it ended. A process is known by its PID
and its start time (`/proc/P/stat`, field 22; `ps -o lstart` where there is no /proc).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from backend.commands.again import AGAIN
from backend.commands.jobs import awk
from backend.commands.quoting import directory_word, entering, posix_join, posix_quote

LISTED = 1000
"""Jobs that one look tells of: the newest."""

_COMMON = (
    rb"""set -f
case ${XDG_STATE_HOME:-} in /*) base=$XDG_STATE_HOME ;; *) base=$HOME/.local/state ;; esac
base=$base/fairlead/jobs
proc=; [ -r /proc/self/stat ] && proc=1
nap() { sleep 0.1 2>/dev/null || sleep 1; }
encoded() { od -An -v -tx1 | tr -d ' \t\n' | sed 's/../%&/g'; }
"""
    + AGAIN
    + rb"""boot() {
  b=; { read -r b </proc/sys/kernel/random/boot_id; } 2>/dev/null ||
    b=$(sysctl -n kern.bootsessionuuid 2>/dev/null || sysctl -n kern.boot_id 2>/dev/null)
  printf %s "$b"
}
"""
)
_TOKEN = rb"""token() {
  if [ -n "$proc" ]; then
    l=; { read -r l <"/proc/$1/stat"; } 2>/dev/null
    set -- ${l##*) }
    [ "${1:-Z}" = Z ] || printf %s "${20}"
  else
    LC_ALL=C ps -o lstart= -p "$1" 2>/dev/null | tr -s ' ' _
  fi
}
"""

_KEEPER = (
    rb"""set -f
proc=; [ -r /proc/self/stat ] && proc=1
"""
    + _TOKEN
    + rb"""trap : TERM
d=$1 s=$2 c=$3 m=$4 p=$PATH
PATH=$5
if [ -n "$proc" ]; then
  read -r l </proc/$$/stat
  set -- ${l##*) }
  g=$3 e=$4
else
  g=$(ps -o pgid= -p $$ | tr -d ' '); e=$g
fi
printf '%s %s %s %s\n' $$ "$(token $$)" "$g" "$e" >"$d/pid.new" && mv -f "$d/pid.new" "$d/pid"
umask "$m"
PATH=$p "$s" -c "$c"
printf '%s %s\n' $? "$(date +%s)" 1<>"$d/rc.new"
mv -f "$d/rc.new" "$d/rc"
"""
)

_START = (
    _TOKEN
    + rb"""id=$1 name=$2 shown=$3 length=$4 names=$5 c=$6
d=$base/$id m=$(umask)
umask 077
failed() { printf 'failed %s\n' "$(printf %s "$1" | encoded)"; exit 0; }
undo() { rm -rf "$d"; failed "$1"; }
nowhere() {
  rm -rf "$d"
  if [ -d @directory@ ]; then echo nowhere closed
  elif [ -e @directory@ ]; then echo nowhere other
  else echo nowhere missing
  fi
  exit 0
}
why=$(mkdir -p "$base" 2>&1) || failed "$why"
if mkdir "$d" 2>/dev/null; then
  @place@ >/dev/null 2>&1 || nowhere
  why=$({
    printf 'fairlead-job 1\nname %s\ncommand %s\nlength %s\nvariables %s\n' "$name" "$shown" "$length" "$names"
    printf 'cwd %s\nstarted %s\nboot %s\n' "$(pwd -P | encoded)" "$(date +%s)" "$(boot)"
  } 2>&1 >"$d/about.new" && mv "$d/about.new" "$d/about" 2>&1 && printf %s "$c" 2>&1 >"$d/command" &&
    : >"$d/out" && : >"$d/err" && printf '%64s\n' '' 2>&1 >"$d/rc.new") || undo "$why"
  scope= risk=
  if [ -d /run/systemd/system ] && [ "$(id -u)" != 0 ] && [ "$(timeout 5 busctl get-property \
    org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager KillUserProcesses 2>/dev/null)" = \
    'b true' ]; then
    if [ -e "/var/lib/systemd/linger/$(id -un)" ] && timeout 5 systemd-run --user --scope --quiet true 2>/dev/null
    then scope="$(command -v systemd-run) --user --scope --quiet --collect --"
    else risk=logind
    fi
  fi
  if apart=$(command -v setsid); then :
  elif apart=$(command -v perl); then apart="$apart -MPOSIX=setsid -e setsid();exec{\$ARGV[0]}@ARGV"
  else apart=
  fi
  (
    trap '' HUP
    path=$PATH
    @setting@
    exec $scope $apart /bin/sh -c @keeper@ fairlead-job "$d" "${SHELL:-/bin/sh}" "$c" "$m" "$path"
  ) </dev/null >>"$d/out" 2>>"$d/err" &
  [ -z "$risk" ] || printf 'risk %s\n' "$risk"
elif ! [ -d "$d" ]; then
  failed "$(mkdir "$d" 2>&1)"
fi
n=0
until [ -s "$d/pid" ] || [ $n -ge 100 ]; do sleep 0.02 2>/dev/null || nap; n=$((n + 1)); done
set -- "$id" ''
"""
)

_LOOK = rb"""wanted=$1 deep=$2
printf 'boot %s\nnow %s\nbase %s\n' "$(boot)" "$(date +%s)" "$(printf %s "$base" | encoded)"
printf 'ticks %s\n' "$(getconf CLK_TCK 2>/dev/null || echo 100)"
if [ -d "$base" ]; then
  cd "$base" 2>/dev/null || { echo closed; exit 0; }
  if [ -n "$wanted" ]; then set -- "$wanted"; else set +f; set -- [0-9]*; set -f; fi
  if [ $# -gt @listed@ ]; then echo "left-out $(($# - @listed@))"; shift $(($# - @listed@)); fi
  for n do
    shift
    case $n in *[!0-9a-f-]*) continue ;; esac
    [ -d "$n" ] || continue
    for f in about rc pid; do
      if [ -e "$n/$f" ] && ! [ -f "$n/$f" ]; then echo "job $n"; continue 2; fi
    done
    set -- "$@" "$n"
  done
  [ $# = 0 ] || again awk -v proc="$proc" -v deep="$deep" @look@ "$@" || exit 0
  if [ -n "$wanted" ] && [ -f "$wanted/out" ] && [ -f "$wanted/err" ]; then
    echo "size" $(wc -c <"$wanted/out") $(wc -c <"$wanted/err")
  fi
fi
echo end
"""

_ALIVE = (
    _TOKEN
    + rb"""id=$1 d=$base/$1
[ -d "$d" ] || { echo unknown; exit 0; }
p= t= g= s=
if [ -f "$d/about" ] && [ -f "$d/pid" ] && ! [ -e "$d/rc" ]; then
  { read -r p t g s <"$d/pid"; } 2>/dev/null
  [ "$(sed -n 's/^boot //p' "$d/about" 2>/dev/null)" = "$(boot)" ] || p=
  case $p in *[!0-9]*) p= ;; esac
fi
triples() {
  if [ -n "$proc" ] && again awk @triples@; then :
  else ps -A -o pid= -o ppid= -o pgid= | awk '{ print $1, $2, $3, $3 }'
  fi
}
members() { triples | LC_ALL=C awk -v root="$p" @members@; }
n=; [ -z "$p" ] || n=$(token "$p")
if [ -n "$p" ] && [ "$n" != "$t" ] && { [ -n "$n" ] || [ -z "$(members)" ]; }; then p=; fi
"""
)
_PARTS = {
    b"keeper": posix_quote(_KEEPER),
    b"look": posix_quote(awk.LOOK),
    b"listed": b"%d" % LISTED,
    b"triples": posix_quote(awk.TRIPLES),
    b"members": posix_quote(awk.MEMBERS),
}

_STOP = (
    _ALIVE
    + rb"""[ -n "$p" ] || { echo over; exit 0; }
grace=$(($2 * 10)) killed=no
send() { members | while read -r q o; do kill "-$1" "$q"; done 2>/dev/null; }
if [ "$g" = "$p" ]; then
  kill -TERM "-$p" 2>/dev/null
  members | while read -r q o; do [ "$o" = "$p" ] || kill -TERM "$q"; done 2>/dev/null
else
  send TERM
fi
step=1; sleep 0.1 2>/dev/null || step=10
n=0
while [ -n "$(members)" ] && [ $n -lt $grace ]; do nap; n=$((n + step)); done
n=0
while [ -n "$(members)" ] && [ $n -lt 20 ]; do killed=yes; send KILL; nap; n=$((n + step)); done
if [ -z "$(members)" ]; then
  n=0
  until [ -f "$d/rc" ] || [ -z "$(token "$p")" ] || [ $n -ge 20 ]; do nap; n=$((n + step)); done
  if ! [ -f "$d/rc" ]; then
    [ "$(token "$p")" != "$t" ] || kill -KILL "$p" 2>/dev/null
    printf '%s %s\n' 137 "$(date +%s)" 1<>"$d/rc.new" && mv -f "$d/rc.new" "$d/rc"
  fi
fi
echo "stopped $killed" $(members | while read -r q o; do echo "$q"; done)
"""
)
_REMOVE = (
    _ALIVE
    + rb"""[ -z "$p" ] || { echo running; exit 0; }
why=$(mv "$d" "$base/.removed-$id" 2>&1 && rm -rf "$base/.removed-$id" 2>&1) || {
  printf 'failed %s\n' "$(printf %s "$why" | encoded)"; exit 0
}
echo removed
"""
)


def _whole(verb: bytes, arguments: Iterable[bytes], *parts: bytes, **more: bytes) -> bytes:
    known = {**_PARTS, **{name.encode(): text for name, text in more.items()}}
    words = posix_join((b"fairlead", b"jobs", verb, *arguments))
    body = re.sub(rb"@([a-z]+)@", lambda found: known[found[1]], b"".join((_COMMON, *parts)))
    return b"{ set -- " + words + b"\nshift 3\n" + body + b"} </dev/null\n"


def start(
    job_id: str,
    *,
    command: bytes,
    head: bytes,
    name: bytes,
    variables: bytes,
    cwd: bytes | None,
    setting: bytes,
) -> bytes:
    """Start `command`, unless a job of that ID was started before; then tell of it as `look` does.

    `head`, `name` and `variables` are noted as they are: on one line. It runs in `cwd`, or where a login begins.
    `setting` are commands that export the variables.
    """
    arguments = (job_id.encode(), name, head, b"%d" % len(command), variables, command)
    place, directory = (b":", b".") if cwd is None else (entering(cwd), directory_word(cwd))
    return _whole(b"start", arguments, _START, _LOOK, place=place, directory=directory, setting=setting)


def look(job_id: str = "", *, deep: bool = False) -> bytes:
    """Tell of one job, or of all. `deep`: its shares of memory as well, which the host has to add up."""
    return _whole(b"look", (job_id.encode(), b"1" if deep else b""), _LOOK)


def stop(job_id: str, *, grace: int) -> bytes:
    """TERM for everything of the job, KILL `grace` seconds later for what is left; the keeper notes the end."""
    return _whole(b"stop", (job_id.encode(), b"%d" % grace), _STOP)


def remove(job_id: str) -> bytes:
    """Remove the directory of a job that is over."""
    return _whole(b"remove", (job_id.encode(),), _REMOVE)
