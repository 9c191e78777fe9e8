"""Channel data in and out of an AES-GCM connection at a fraction of asyncssh's cost. Everything else stays asyncssh's.

For each packet asyncssh sends an empty one before it (a counter-measure for CBC ciphers, which GCM does not need),
makes a new cipher object, and copies its input buffer up to four times. Here the packets of open channels take a
shorter way over the same state: keys, counters and windows remain asyncssh's own, so key exchange, errors and all other
packets go on as before. It is tied to the library's inside: any version but those in `CHECKED` keeps asyncssh's way.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import asyncssh
from asyncssh.crypto.cipher import GCMCipher
from asyncssh.encryption import GCMEncryption
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

CHECKED = frozenset({"2.24.1"})
"""Versions of asyncssh whose packet code this was held against."""

_IGNORE = 2
_CHANNEL_FIRST = 93
_WINDOW_ADJUST = 93
_CHANNEL_DATA = 94
_TAG = 16
_BLOCK = 16
_LENGTH = 4
_HEAD = 10
"""Bytes before the data of a decrypted CHANNEL_DATA: padding length, type, channel, length of the data."""


def quicken(conn: asyncssh.SSHClientConnection, version: str = asyncssh.__version__) -> bool:
    """Take over the data packets of `conn` from now on; False where this asyncssh is not known well enough."""
    if version not in CHECKED:
        return False
    Sender(conn).attach()
    Receiver(conn).attach()
    return True


class _Kept:
    """The cipher object of one direction, made anew when the keys change."""

    def __init__(self) -> None:
        self._of: object = None
        self._cipher: GCMCipher | None = None
        self._aead = AESGCM(bytes(16))

    def matching(self, encryption: Any) -> GCMCipher | None:
        """The cipher state behind `encryption` where that is GCM."""
        if encryption is not self._of:
            self._of = encryption
            self._cipher = encryption._cipher if type(encryption) is GCMEncryption else None
            if self._cipher is not None:
                self._aead = AESGCM(self._cipher._key)
        return self._cipher

    @property
    def aead(self) -> AESGCM:
        return self._aead


class Sender:
    """Packets out."""

    def __init__(self, conn: Any) -> None:
        self._conn = conn
        self._theirs: Callable[..., None] = conn.send_packet
        self._kept = _Kept()

    def attach(self) -> None:
        self._conn.send_packet = self.send

    def send(self, kind: int, *fields: bytes, handler: Any = None) -> None:
        """As `SSHConnection.send_packet`."""
        cipher = self._kept.matching(self._conn._send_encryption)
        if cipher is None:
            self._theirs(kind, *fields, handler=handler)
        elif kind >= _CHANNEL_FIRST and self._is_plain_sailing():
            self._seal(cipher, kind, fields)
        elif kind != _IGNORE:
            self._theirs(kind, *fields, handler=handler)

    def _is_plain_sailing(self) -> bool:
        """Neither log-in nor key exchange is under way or due, and nothing is compressed."""
        conn = self._conn
        return bool(
            conn._auth_complete
            and conn._kex_complete
            and not conn._compressor
            and conn._rekey_bytes_sent < conn._rekey_bytes
            and not (conn._rekey_seconds and time.monotonic() >= conn._rekey_time)
        )

    def _seal(self, cipher: GCMCipher, kind: int, fields: tuple[bytes, ...]) -> None:
        """One packet (RFC 4253 §6, RFC 5647 §7): the length in clear, the rest encrypted, the tag."""
        conn = self._conn
        size = 2 + sum(map(len, fields))
        padding = -size % _BLOCK
        if padding < 4:
            padding += _BLOCK
        plain = b"".join((bytes((padding, kind)), *fields, os.urandom(padding)))
        sealed = bytearray(_LENGTH + len(plain) + _TAG)
        sealed[:_LENGTH] = len(plain).to_bytes(_LENGTH, "big")
        room = memoryview(sealed)
        self._kept.aead.encrypt_into(cipher._iv, plain, room[:_LENGTH], room[_LENGTH:])
        cipher._update_iv()
        conn._send(sealed)
        conn._send_seq = (conn._send_seq + 1) & 0xFFFFFFFF
        conn._rekey_bytes_sent += len(plain)


class Receiver:
    """Packets in."""

    def __init__(self, conn: Any) -> None:
        self._conn = conn
        self._theirs: Callable[[], bool] = conn._recv_pkthdr
        self._kept = _Kept()

    def attach(self) -> None:
        conn = self._conn
        if conn._recv_handler == conn._recv_pkthdr:
            conn._recv_handler = self.receive
        conn._recv_pkthdr = self.receive

    def receive(self) -> bool:
        """As `SSHConnection._recv_pkthdr`, after having taken what stands before the next packet of another kind."""
        conn = self._conn
        cipher = self._kept.matching(conn._recv_encryption)
        if cipher is not None and not conn._decompressor and conn._auth_complete:
            self._take_data(cipher)
        return bool(conn._inpbuf) and self._theirs()

    def _take_data(self, cipher: GCMCipher) -> None:
        conn = self._conn
        buffer: bytes = conn._inpbuf
        at = 0
        while conn._inpbuf is buffer and conn._transport:
            end = self._open_one(cipher, buffer, at)
            if not end:
                break
            at = end
        if at and conn._inpbuf is buffer:  # it is emptied where the connection was closed meanwhile
            conn._inpbuf = buffer[at:]

    def _open_one(self, cipher: GCMCipher, buffer: bytes, at: int) -> int:
        """Do what the packet at `at` says; where it ends, or 0 where it is not for us."""
        conn = self._conn
        start = at + _LENGTH
        size = int.from_bytes(buffer[at:start], "big")
        end = start + size + _TAG
        if size > conn._max_recv_pktlen or end > len(buffer):
            return 0
        view = memoryview(buffer)
        try:
            plain = self._kept.aead.decrypt(cipher._iv, view[start:end], view[at:start])
        except InvalidTag:
            return 0
        action = self._action(plain)
        if action is None:
            return 0
        cipher._update_iv()
        conn._recv_seq = (conn._recv_seq + 1) & 0xFFFFFFFF
        conn._auth_final = True
        action()
        return end

    def _action(self, plain: bytes) -> Callable[[], None] | None:
        """What a decrypted packet does, where it is data or room for an open channel; asyncssh judges the rest."""
        if len(plain) < _HEAD or plain[1] not in (_CHANNEL_DATA, _WINDOW_ADJUST):
            return None
        channel = self._conn._channels.get(int.from_bytes(plain[2:6], "big"))
        if channel is None or channel._recv_state != "open":
            return None
        size, rest = int.from_bytes(plain[6:_HEAD], "big"), len(plain) - _HEAD - plain[0]
        if plain[1] == _CHANNEL_DATA:
            fits = rest == size <= channel._recv_window
            return partial(channel._accept_data, plain[_HEAD : _HEAD + size]) if fits else None
        return partial(_give_room, channel, size) if rest == 0 else None


def _give_room(channel: Any, size: int) -> None:
    """WINDOW_ADJUST (RFC 4254 §5.2)."""
    channel._send_window += size
    channel._flush_send_buf()
