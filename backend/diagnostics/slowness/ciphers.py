"""How quickly one processor of this machine encrypts with a cipher of SSH. Blocks for some milliseconds."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

_PACKET = 32 << 10
"""Bytes of one call: about a packet of a channel."""
_SECONDS = 0.02
_NONCE = 12

Encrypt = Callable[[bytes], object]


def cipher_speed(name: str) -> float | None:
    """Bytes a second with the cipher `name` (RFC 4253 §6.3, RFC 5647); None for one that is not known here."""
    encrypt = _encrypting(name)
    if encrypt is None:
        return None
    packet = bytes(_PACKET)
    encrypt(packet)
    began, count = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - began) < _SECONDS:
        encrypt(packet)
        count += 1
    return count * _PACKET / elapsed


def _encrypting(name: str) -> Encrypt | None:
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
    from cryptography.hazmat.primitives.ciphers.algorithms import AES
    from cryptography.hazmat.primitives.ciphers.modes import CBC, CTR

    plain = name.partition("@")[0]
    if plain.startswith("chacha20"):
        chacha = ChaCha20Poly1305(os.urandom(32))
        return lambda data: chacha.encrypt(bytes(_NONCE), data, None)
    kind, _, mode = plain.partition("-")
    if kind not in ("aes128", "aes192", "aes256"):
        return _triple_des() if plain == "3des-cbc" else None
    key = os.urandom(int(kind.removeprefix("aes")) // 8)
    if mode == "gcm":
        gcm = AESGCM(key)
        return lambda data: gcm.encrypt(bytes(_NONCE), data, None)
    if mode in ("ctr", "cbc"):
        encryptor = Cipher(AES(key), CTR(bytes(16)) if mode == "ctr" else CBC(bytes(16))).encryptor()
        return encryptor.update
    return None


def _triple_des() -> Encrypt | None:
    try:
        from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
        from cryptography.hazmat.primitives.ciphers import Cipher
        from cryptography.hazmat.primitives.ciphers.modes import CBC

        return Cipher(TripleDES(os.urandom(24)), CBC(bytes(8))).encryptor().update
    except Exception:  # a build of OpenSSL that leaves it out says so in ways of its own
        return None
