"""The scripts that find a host's `module` and ask it something. Pure.

`module` is a function of login shells, and a plain command has none. So the script becomes a login shell (bash where
there is one), and looks there, then where both systems leave their traces: `LMOD_PKG`, `MODULESHOME`, `BASH_ENV`,
`/etc/profile.d`, the usual places. What start files say or read is kept away from the answer: every part of it stands
between marks that nobody can guess.
"""

from __future__ import annotations

from backend.commands.quoting import posix_join, posix_quote

ABSENT = b"absent"
"""What stands in the part `how` where there is no module system."""

_OUTER = b"""exec 3>&1 </dev/null
M=%(mark)s
printf '%%s:before\\n' $M; env -0 2>/dev/null || cat /proc/self/environ; printf '%%s:end\\n' $M
S=sh; command -v bash >/dev/null 2>&1 && S=bash
$S -l -c %(inner)s >/dev/null 2>&1
test $? = 91 || $S -c %(inner)s >/dev/null 2>&1
test $? = 91
"""
"""Should a start file replace the shell with another one, the script is not read: then it goes without start files."""

_FIND = b"""exec 2>&1
fl_has() { command -v module >/dev/null 2>&1; }
fl_how=
fl_try() {
  test -r "$1" || return 1
  . "$1" >/dev/null 2>&1
  fl_has && fl_how="found in $1"
}
fl_kind=sh; test -n "$BASH_VERSION" && fl_kind=bash
if fl_has; then fl_how="found in the login shell"; else
  for fl_dir in "$LMOD_PKG" "$MODULESHOME"; do
    test -n "$fl_dir" && fl_try "$fl_dir/init/$fl_kind" && break
  done
  fl_has || { test -n "$BASH_ENV" && fl_try "$BASH_ENV"; }
  fl_has || for fl_file in /etc/profile.d/*lmod*.sh /etc/profile.d/*modul*.sh; do fl_try "$fl_file" && break; done
  fl_has || for fl_dir in /usr/share/lmod/lmod /usr/share/modules /usr/share/Modules /opt/lmod/lmod \
      /apps/lmod/lmod /usr/local/lmod/lmod /usr/local/Modules /opt/modules/default; do
    fl_try "$fl_dir/init/$fl_kind" && break
  done
fi
if fl_has; then
  if test -n "$LMOD_CMD"; then fl_how="Lmod, $fl_how"; else fl_how="Environment Modules, $fl_how"; fi
else fl_how=absent; fi
printf '%%s:how\\n%%s%%s:end\\n' %(mark)s "$fl_how" %(mark)s >&3
fl_has || exit 91
"""

_SAY = b"""fl_said() { printf '%%s:said\\n' %(mark)s; "$@" 2>&1; fl_status=$?
  printf '%%s:end\\n%%s:status\\n%%s%%s:end\\n' %(mark)s %(mark)s "$fl_status" %(mark)s; }
"""

_QUERY = b"""export LMOD_PAGER=none LMOD_COLORIZE=no LMOD_SHORT_TIME=86400 MODULES_PAGER= MODULES_COLOR=never TERM=dumb
fl_said module %(words)s >&3
exit 91
"""

_LOAD = b"""fl_said module load %(words)s >&3
printf '%%s:after\\n' %(mark)s >&3; { env -0 2>/dev/null || cat /proc/self/environ; } >&3
printf '%%s:end\\n' %(mark)s >&3
exit 91
"""


def query(mark: bytes, *words: bytes) -> bytes:
    """A script that answers what `module WORDS` says; for a POSIX shell."""
    return _script(mark, _QUERY, words)


def load(mark: bytes, *names: bytes) -> bytes:
    """A script that answers the environment before and after `module load NAMES`; for a POSIX shell."""
    return _script(mark, _LOAD, names)


def _script(mark: bytes, last: bytes, words: tuple[bytes, ...]) -> bytes:
    values = {b"mark": mark, b"words": posix_join(words)}
    inner = _FIND % values + _SAY % values + last % values
    return _OUTER % {b"mark": mark, b"inner": posix_quote(inner)}
