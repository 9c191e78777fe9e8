"""What is asked of a host about a login that it refuses: one POSIX script, whose answers all begin with a marker. Pure.

It runs with GNU, busybox and BSD tools and without any rights; what it may not see is left out, and that is told. It
changes nothing. Values are what the host says, so they are hostile until they are read (`facts`).
"""

from __future__ import annotations

from backend.dataclass import dataclass
from backend.files.host_commands import quote

LOGS = ("/var/log/auth.log", "/var/log/secure", "/var/log/authlog", "/var/log/messages")
"""Where servers without a journal write."""


@dataclass(frozen=True, slots=True)
class Question:
    """The login that is refused."""

    host: str
    user: str
    address: str
    """As the host is reached from here."""
    port: int
    shown: tuple[str, ...] = ()
    """Fingerprints of the keys that were shown, as `SHA256:…`."""
    methods: tuple[str, ...] = ()
    """What was tried: `publickey`, `password`, `keyboard-interactive`."""


def inside_script(question: Question, marker: str) -> bytes:
    """The script, for the stdin of sh. Its first line says what is asked, for hosts that are only simulated; the braces
    make the shell read all of it before it begins."""
    user = quote(question.user.encode())
    head = [b"{ set -- fairlead inside " + user + b" " + marker.encode(), b"shift 3", b"m=$1; u=" + user]
    return b"\n".join([*head, _BODY.replace(b"@LOGS@", " ".join(LOGS).encode())])


_BODY = rb"""LC_ALL=C; export LC_ALL
PATH=$PATH:/usr/sbin:/sbin:/usr/local/sbin:/usr/bin:/bin; export PATH
set -f
say() { printf '%s %s %s\n' "$m" "$1" "$2"; }
each() { n=$1; head -n "$2" | while IFS= read -r l; do say "$n" "$l"; done; }
soon() { if command -v timeout >/dev/null 2>&1; then timeout 4 "$@"; else "$@"; fi; }
say me "$(id -un 2>/dev/null)"
say uid "$(id -u 2>/dev/null)"
say from "${SSH_CONNECTION%% *}"
say now "$(date +%s 2>/dev/null)"
say system "$(uname -s 2>/dev/null)"

# the account
e=$(getent passwd "$u" 2>/dev/null | head -n 1)
case $e in "$u":*) ;; *) e=;; esac
[ -n "$e" ] || e=$(while IFS= read -r l; do case $l in "$u":*) printf '%s\n' "$l"; break;; esac; done </etc/passwd)
if [ -z "$e" ] && command -v dscl >/dev/null 2>&1 && i=$(id -u "$u" 2>/dev/null); then
  about() { dscl . -read "/Users/$u" "$1" 2>/dev/null | sed 's/^[^:]*: *//' | head -n 1; }
  e=$u:x:$i:::$(about NFSHomeDirectory):$(about UserShell)
fi
h=
if [ -n "$e" ]; then
  h=$(printf '%s\n' "$e" | cut -d: -f6); s=$(printf '%s\n' "$e" | cut -d: -f7)
  say account_uid "$(printf '%s\n' "$e" | cut -d: -f3)"
  say account_gid "$(printf '%s\n' "$e" | cut -d: -f4)"
  say home "$h"; say shell "${s:-/bin/sh}"
  if [ -x "${s:-/bin/sh}" ] && [ ! -d "${s:-/bin/sh}" ]; then say shell_is there; else say shell_is missing; fi
  say groups "$(id -Gn "$u" 2>/dev/null)"
  # Only the first character of the password's hash: ! is what locks an account.
  say password_begins "$(getent shadow "$u" 2>/dev/null | cut -d: -f2 | cut -c1)"
  chage -l "$u" 2>/dev/null | tr '\t' ' ' | each ageing 12
  faillock --user "$u" 2>/dev/null | each faillock 20
else
  say account none
fi
[ -e /etc/nologin ] && say nologin /etc/nologin
[ -e /run/nologin ] && say nologin /run/nologin

# the server that serves this very connection, and its configuration
p=$PPID; i=0; f=
while [ -n "$p" ] && [ "$p" -gt 1 ] && [ "$i" -lt 8 ]; do
  t=$(tr '\000' ' ' <"/proc/$p/cmdline" 2>/dev/null || ps -o args= -p "$p" 2>/dev/null)
  case $t in *'[listener]'*)
    set -- $t
    while [ $# -gt 1 ]; do case $1 in -f) f=$2;; -f*) f=${1#-f};; esac; shift; done
    break;;
  esac
  q=; [ -r "/proc/$p/status" ] && q=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$p/status" 2>/dev/null)
  [ -n "$q" ] || q=$(ps -o ppid= -p "$p" 2>/dev/null | tr -d ' ')
  p=$q; i=$((i + 1))
done
f=${f:-/etc/ssh/sshd_config}
say config "$f"
w='allowusers|denyusers|allowgroups|denygroups|strictmodes|authorizedkeysfile|pubkeyauthentication'
w="$w|passwordauthentication|kbdinteractiveauthentication|permitrootlogin|usepam|maxauthtries|forcecommand"
w="$w|authenticationmethods|authorizedkeyscommand|trustedusercakeys|authorizedprincipalsfile"
a=${SSH_CONNECTION%% *}
c=$(sshd -T -f "$f" -C "user=$u,host=${a:-localhost},addr=${a:-127.0.0.1}" 2>/dev/null | grep -E "^($w) " | head -n 60)
if [ -n "$c" ]; then
  say settled yes
  printf '%s\n' "$c" | each set 60
elif [ -r "$f" ]; then
  sed -n -e '/^[[:space:]]*[Mm][Aa][Tt][Cc][Hh][[:space:]]/q' -e 's/^[[:space:]]*//' -e '/^[A-Za-z]/p' "$f" |
    grep -Ei "^($w)[[:space:]=]" | each set 60
  say settled no
else
  say unseen "the server's configuration, $f"
fi

# the files of keys
k=$(printf '%s\n' "$c" | sed -n 's/^authorizedkeysfile //p' | head -n 1)
[ -n "$k" ] || k=$([ -r "$f" ] && sed -n 's/^[[:space:]]*[Aa]uthorized[Kk]eys[Ff]ile[[:space:]=]*//p' "$f" | head -n 1)
look() { x=$(ls -ldn "$1" 2>&1 | head -n 1); say path "$1"; say path_is "$x"; }
if [ -n "$h" ]; then
  look "$h"
  [ -d "$h" ] && say home_is there
  [ -d "$h" ] && df -Pk "$h" 2>/dev/null | tail -n 1 | each df 1
  j=0
  for g in ${k:-.ssh/authorized_keys .ssh/authorized_keys2}; do
    [ "$j" -lt 4 ] || break
    [ "$g" = none ] && continue
    j=$((j + 1))
    case $g in *%h*) g=${g%%%h*}$h${g#*%h};; esac
    case $g in *%u*) g=${g%%%u*}$u${g#*%u};; esac
    case $g in /*) ;; *) g=$h/$g;; esac
    d=${g%/*}
    [ "$d" = "$h" ] || look "$d"
    look "$g"
    say keys "$g"
    if [ -r "$g" ]; then
      say keys_are readable
      say keys_bytes "$(wc -c <"$g" | tr -d ' ')"
      head -c 131072 "$g" 2>/dev/null | each key 400
    elif [ -e "$g" ]; then say keys_are closed
    elif [ -x "$d" ] || { [ -x "$h" ] && [ ! -e "$d" ]; }; then say keys_are missing
    else say keys_are hidden; fi
    if [ "$(getenforce 2>/dev/null)" = Enforcing ]; then say label_of "$g"; say label "$(ls -dZ "$g" 2>/dev/null)"; fi
  done
fi

# who is shut out
soon fail2ban-client status sshd 2>/dev/null | grep -i 'banned ip' | each banned 1

# the server's log
if command -v journalctl >/dev/null 2>&1 && soon journalctl -q -n 1 _COMM=sshd >/dev/null 2>&1; then
  c=$(soon journalctl -q --no-pager -o short-iso --since -30min -n 400 \
    _COMM=sshd + _COMM=sshd-session + _COMM=sshd-auth 2>/dev/null | tail -c 65536)
  if [ -n "$c" ]; then say log_from journal; printf '%s\n' "$c" | each log 400; fi
  id -Gn 2>/dev/null | tr ' ' '\n' | grep -Eqx 'root|adm|wheel|systemd-journal' || say unseen "other users' journal"
fi
for l in @LOGS@; do
  [ -e "$l" ] || continue
  if [ -r "$l" ]; then
    say log_from "$l"
    tail -c 262144 "$l" 2>/dev/null | grep -E 'sshd(-session|-auth)?(\[|:)' | tail -n 400 | each log 400
  else say unseen "$l"; fi
done
say end yes
exit 0
}
"""
