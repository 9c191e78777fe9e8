"""The scripts by which root reads and replaces one file, and what their ends mean. POSIX sh; GNU, busybox and BSD.

A script gets the new content on its standard input. It counts it before anything else: a link that is lost looks like
the end of the input, and half a file must not take the name.
"""

from __future__ import annotations

import stat

from backend.complaints import code_of
from backend.connection.connector import Attributes, FileKind
from backend.errors import Code, FileError
from backend.files.editing import LARGEST, Check, Version, too_large
from backend.text import clean_line, clean_text, show_bytes

_SHOWN_REASON = 300

TARGET = b"readlink -f -- %(path)s\n"
READ = b"""p=%(path)s
test -e "$p" || { test -L "$p" && exit 68; exit 66; }
test -d "$p" && exit 67
test -f "$p" || exit 68
stat -L -c 'raw %%f %%s %%Y %%u %%g' -- "$p" 2>/dev/null || stat -L -f 'oct %%p %%z %%m %%u %%g' "$p" || exit 69
exec head -c %(most)s -- "$p"
"""
SAVE = b"""p=%(path)s; t=%(growing)s
umask 077
trap 'rm -f -- "$t"' EXIT
trap 'exit 70' HUP INT TERM PIPE
( set -C; cat > "$t" ) || exit 73
test "$(wc -c < "$t")" -eq %(size)s || exit 74
chmod 644 -- "$t"
%(existed)s
%(check)s
mv -f -- "$t" "$p" || exit 78
trap - EXIT
exit 0
"""
EXISTED = b"""test -e "$p" || exit 75
now=$(stat -L -c '%%s %%Y' -- "$p" 2>/dev/null || stat -L -f '%%z %%m' "$p")
test "$now" = '%(seen)s' || exit 75
chown %(owner)s -- "$t" && chmod %(mode)s -- "$t" || exit 76
chcon --reference="$p" -- "$t" 2>/dev/null
{ getfacl -p -- "$p" | setfacl --set-file=- -- "$t"; } >/dev/null 2>&1
:"""
"""What is kept of a file that was there: owner, mode, and label and list of access where the host has them."""
NEW = b'test ! -e "$p" || exit 75'

_READ_CODES = {67: Code.IS_DIRECTORY, 69: Code.FILE_FAILED}


def read_version(status: int | None, out: bytes, err: bytes, path: bytes, host: str) -> Version:
    """What `READ` came to. Raises FileError."""
    if status == 66:
        return Version(b"", None)
    line, _, content = out.partition(b"\n")
    fields = line.split()
    if status != 0 or len(fields) != 6 or fields[0] not in (b"raw", b"oct"):
        code = _READ_CODES.get(status or 0, Code.FILE_FAILED)
        reason = "it is no regular file" if status == 68 else _reason(err)
        raise FileError(code, evidence={"path": show_bytes(path), "reason": reason}, host=host)
    mode = int(fields[1], 16 if fields[0] == b"raw" else 8)
    size, modified, uid, gid = (int(field) for field in fields[2:])
    if size > LARGEST or len(content) > LARGEST:
        raise too_large(path, size)
    return Version(content, Attributes(FileKind.FILE, size, stat.S_IMODE(mode), uid, gid, float(modified)))


def save_problem(status: int | None, err: bytes, path: bytes, host: str, check: Check | None) -> FileError:
    """Why `SAVE` did not save; the old file is in place."""
    evidence = {"path": show_bytes(path), "reason": _reason(err)}
    if status == 75:
        message = f"Somebody else has written to {show_bytes(path)} just now."
        return FileError(Code.SOURCE_CHANGED, message, evidence=evidence, host=host)
    if status == 77 and check is not None:
        output = clean_text(err.decode("utf-8", "backslashreplace")).strip()
        return FileError(Code.CHECK_FAILED, evidence=evidence | {"command": check.command, "output": output}, host=host)
    return FileError(code_of(err) or Code.FILE_FAILED, evidence=evidence, host=host)


def _reason(err: bytes) -> str:
    return clean_line(show_bytes(err.strip()[-_SHOWN_REASON:])) or "the host did not say why"
