"""The shorter way for channel data does what asyncssh's own code does with the same bytes, and leaves it the rest."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from asyncssh.crypto.cipher import GCMCipher
from asyncssh.encryption import GCMEncryption
from hypothesis import given
from hypothesis import strategies as st

from backend.connection.ssh.quick_packets import Receiver, Sender, quicken

KEY, IV = bytes(range(16)), bytes(range(12))
DATA, ADJUST, EOF, IGNORE = 94, 93, 96, 2


@dataclass
class Channel:
    """An open channel that keeps what it gets."""

    data: list[bytes] = field(default_factory=list)
    _recv_state: str = "open"
    _recv_window: int = 1 << 20
    _send_window: int = 0
    flushed: int = 0

    def _accept_data(self, data: bytes) -> None:
        self.data.append(data)

    def _flush_send_buf(self) -> None:
        self.flushed += 1


class Connection:
    """As much of asyncssh's connection as the packets touch, in the state after log-in."""

    def __init__(self) -> None:
        self._send_encryption: Any = GCMEncryption(GCMCipher("aes128-gcm", KEY, IV))
        self._recv_encryption: Any = GCMEncryption(GCMCipher("aes128-gcm", KEY, IV))
        self._auth_complete = self._kex_complete = True
        self._compressor = self._decompressor = None
        self._rekey_bytes_sent, self._rekey_bytes = 0, 1 << 30
        self._rekey_seconds = self._rekey_time = 0.0
        self._send_seq = self._recv_seq = 7
        self._max_recv_pktlen = 256 << 10
        self._auth_final = False
        self._transport: Any = object()
        self._inpbuf = b""
        self._channels: dict[int, Channel] = {3: Channel()}
        self.sent = b""
        self.left_to_asyncssh: list[tuple[int, bytes]] = []
        self._recv_handler = self._recv_pkthdr

    def _send(self, data: bytes) -> None:
        self.sent += bytes(data)

    def send_packet(self, kind: int, *fields: bytes, handler: Any = None) -> None:
        self.left_to_asyncssh.append((kind, b"".join(fields)))

    def _recv_pkthdr(self) -> bool:
        """What stands first in the buffer is asyncssh's now: taken if it is whole."""
        size = int.from_bytes(self._inpbuf[:4], "big")
        packet = self._inpbuf[: 4 + size + 16]
        if len(packet) < 20 or len(packet) < 4 + size + 16:
            return False
        self._inpbuf = self._inpbuf[len(packet) :]
        plain = self._recv_encryption.decrypt_packet(0, packet[:16], packet[16:-16], 4, packet[-16:])
        self.left_to_asyncssh.append((plain[1], plain[2 : -plain[0]]) if plain else (0, b""))
        return True

    def receive(self, data: bytes) -> None:
        """As `SSHConnection.data_received`."""
        self._inpbuf += data
        while self._inpbuf and self._recv_handler():
            pass


def packet(cipher: GCMEncryption, kind: int, body: bytes) -> bytes:
    """As asyncssh seals it."""
    size = 2 + len(body)
    padding = -size % 16
    padding += 16 if padding < 4 else 0
    plain = bytes((padding, kind)) + body + os.urandom(padding)
    return b"".join(cipher.encrypt_packet(0, len(plain).to_bytes(4, "big"), plain))


def data_body(data: bytes, channel: int = 3) -> bytes:
    return channel.to_bytes(4, "big") + len(data).to_bytes(4, "big") + data


def sealed(packets: Sequence[tuple[int, bytes]]) -> bytes:
    cipher = GCMEncryption(GCMCipher("aes128-gcm", KEY, IV))
    return b"".join(packet(cipher, kind, body) for kind, body in packets)


def receiving() -> tuple[Connection, Channel]:
    conn = Connection()
    Receiver(conn).attach()
    return conn, conn._channels[3]


PACKETS = st.lists(
    st.one_of(
        st.binary(min_size=1, max_size=200).map(lambda data: (DATA, data_body(data))),
        st.just((EOF, (3).to_bytes(4, "big"))),
        st.just((IGNORE, bytes(4))),
        st.integers(0, 1 << 20).map(lambda room: (ADJUST, (3).to_bytes(4, "big") + room.to_bytes(4, "big"))),
        st.just((DATA, data_body(b"to nobody", channel=9))),
    ),
    max_size=12,
)


@given(PACKETS, st.lists(st.integers(1, 90), max_size=40))
def test_every_packet_takes_effect_once_and_in_order_however_it_is_sliced(
    packets: list[tuple[int, bytes]], cuts: list[int]
) -> None:
    conn, channel = receiving()
    stream = sealed(packets)
    for size in cuts:
        conn.receive(stream[:size])
        stream = stream[size:]
    conn.receive(stream)
    ours = [(kind, body) for kind, body in packets if kind in (DATA, ADJUST) and body[:4] == bytes((0, 0, 0, 3))]
    assert channel.data == [body[8:] for kind, body in ours if kind == DATA]
    assert channel._send_window == sum(int.from_bytes(body[4:], "big") for kind, body in ours if kind == ADJUST)
    assert conn.left_to_asyncssh == [one for one in packets if one not in ours]
    assert conn._inpbuf == b""


def test_a_forged_packet_is_left_to_asyncssh_with_all_that_follows() -> None:
    conn, channel = receiving()
    good, bad = (DATA, data_body(b"good")), (DATA, data_body(b"forged"))
    stream = bytearray(sealed([good, bad]))
    stream[-1] ^= 1
    conn.receive(bytes(stream))
    assert channel.data == [b"good"]
    assert conn.left_to_asyncssh == [(0, b"")]


@pytest.mark.parametrize(
    "body",
    [
        data_body(b"x" * 200),
        data_body(b"short")[:-1],
        data_body(b"long") + b"more",
        b"",
        (3).to_bytes(4, "big") + b"\xff\xff\xff\xff",
    ],
    ids=["over the window", "size too large", "size too small", "empty", "no data"],
)
def test_what_breaks_the_protocol_is_judged_by_asyncssh(body: bytes) -> None:
    conn, channel = receiving()
    channel._recv_window = 100
    conn.receive(sealed([(DATA, body)]))
    assert channel.data == []
    assert conn.left_to_asyncssh == [(DATA, body)]


def test_a_packet_that_claims_to_be_huge_is_not_waited_for() -> None:
    conn, _ = receiving()
    conn._inpbuf = b"\x7f\xff\xff\xff" + bytes(100)
    assert not conn._recv_handler()
    assert len(conn._inpbuf) == 104


def test_data_for_a_channel_that_closes_the_connection_is_the_last() -> None:
    conn, channel = receiving()

    def close(data: bytes) -> None:
        channel.data.append(data)
        conn._transport, conn._inpbuf = None, b""

    channel._accept_data = close  # type: ignore[method-assign]
    conn.receive(sealed([(DATA, data_body(b"one")), (DATA, data_body(b"two"))]))
    assert channel.data == [b"one"]
    assert conn._inpbuf == b""


@pytest.mark.parametrize("change", ["_auth_complete", "_decompressor"])
def test_before_log_in_and_with_compression_everything_is_asyncssh_s(change: str) -> None:
    conn, channel = receiving()
    setattr(conn, change, object() if change == "_decompressor" else False)
    conn.receive(sealed([(DATA, data_body(b"data"))]))
    assert channel.data == []
    assert conn.left_to_asyncssh == [(DATA, data_body(b"data"))]


# --- out ---


def sending() -> Connection:
    conn = Connection()
    Sender(conn).attach()
    return conn


@given(st.lists(st.binary(max_size=100), max_size=8))
def test_what_is_sent_can_be_read_by_asyncssh_and_by_the_receiver(texts: list[bytes]) -> None:
    out = sending()
    for text in texts:
        out.send_packet(DATA, data_body(text))
    assert out.left_to_asyncssh == []
    assert out._send_seq == 7 + len(texts)
    for way in (Connection(), receiving()[0]):
        way.receive(out.sent)
        assert way._inpbuf == b""
        taken = [body for _, body in way.left_to_asyncssh] + [data_body(data) for data in way._channels[3].data]
        assert taken == [data_body(text) for text in texts]


def test_new_keys_are_used_from_the_next_packet_on() -> None:
    out, there = sending(), receiving()[0]
    out.send_packet(DATA, data_body(b"old keys"))
    there.receive(out.sent)
    other = bytes(reversed(KEY))
    out._send_encryption = GCMEncryption(GCMCipher("aes128-gcm", other, IV))
    there._recv_encryption = GCMEncryption(GCMCipher("aes128-gcm", other, IV))
    out.sent = b""
    out.send_packet(DATA, data_body(b"new keys"))
    there.receive(out.sent)
    assert there._channels[3].data == [b"old keys", b"new keys"]


def test_a_key_exchange_that_is_due_is_asyncssh_s_business() -> None:
    out = sending()
    out._rekey_bytes = 10
    out.send_packet(DATA, data_body(b"first"))
    out.send_packet(DATA, data_body(b"second"))
    assert out.left_to_asyncssh == [(DATA, data_body(b"second"))]


def test_the_empty_packets_before_each_packet_are_left_out_with_gcm_only() -> None:
    out = sending()
    out.send_packet(IGNORE, bytes(4))
    assert out.left_to_asyncssh == [] and out.sent == b""
    out._send_encryption = object()
    out.send_packet(IGNORE, bytes(4))
    assert out.left_to_asyncssh == [(IGNORE, bytes(4))]


def test_another_version_of_asyncssh_keeps_its_own_way() -> None:
    conn: Any = Connection()
    before = conn.send_packet, conn._recv_pkthdr
    assert not quicken(conn, version="2.99.0")
    assert (conn.send_packet, conn._recv_pkthdr) == before
