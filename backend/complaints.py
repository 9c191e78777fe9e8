"""What a host complains of, as codes: its commands in the C locale (strerror(3)), shells, its SFTP server. Pure."""

from __future__ import annotations

from backend.errors import Code

_WORDS = (
    (b"quota", Code.QUOTA),
    (b"no space left", Code.DISK_FULL),
    (b"file too large", Code.QUOTA),
    (b"read-only file system", Code.READ_ONLY),
    (b"permission denied", Code.PERMISSION),
    (b"not permitted", Code.PERMISSION),
    (b"not empty", Code.NOT_EMPTY),
    (b"file exists", Code.EXISTS),
    (b"already exists", Code.EXISTS),
    (b"existing file", Code.EXISTS),
    (b"not a directory", Code.NOT_DIRECTORY),
    (b"is a directory", Code.IS_DIRECTORY),
    (b"directory nonexistent", Code.NOT_FOUND),
    (b"no such file", Code.NOT_FOUND),
    (b"name too long", Code.NAME_INVALID),
)


def code_of(complaint: bytes) -> Code | None:
    """What was complained of; None when unknown."""
    lower = complaint.lower()
    return next((code for words, code in _WORDS if words in lower), None)
