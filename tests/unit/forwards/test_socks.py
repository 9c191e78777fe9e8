"""The SOCKS handshake: every form that is allowed, in pieces of any size, and a proper refusal for everything else."""

from __future__ import annotations

import ipaddress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.forwards.socks import Outcome, SocksHandshake, SocksRefused, SocksRequest, reply_to

GREETING = b"\x05\x01\x00"


def five(address: bytes, port: int = 443, command: int = 1) -> bytes:
    return bytes((5, command, 0)) + address + port.to_bytes(2, "big")


def named(name: bytes) -> bytes:
    return bytes((3, len(name))) + name


def four(address: str = "10.0.0.7", port: int = 80, user: bytes = b"me", name: bytes | None = None) -> bytes:
    packed = ipaddress.IPv4Address(address).packed
    return b"\x04\x01" + port.to_bytes(2, "big") + packed + user + b"\0" + (b"" if name is None else name + b"\0")


V4 = b"\x01" + bytes((10, 0, 0, 7))
V6 = b"\x04" + ipaddress.IPv6Address("2001:db8::1").packed


@pytest.mark.parametrize(
    ("sent", "request_", "said"),
    [
        (GREETING + five(V4), SocksRequest(5, "10.0.0.7", 443), b"\x05\x00"),
        (GREETING + five(V6), SocksRequest(5, "2001:db8::1", 443), b"\x05\x00"),
        (GREETING + five(named(b"db.example")), SocksRequest(5, "db.example", 443), b"\x05\x00"),
        (b"\x05\x03\x02\x00\x01" + five(named(b"x" * 255)), SocksRequest(5, "x" * 255, 443), b"\x05\x00"),
        (four(), SocksRequest(4, "10.0.0.7", 80), b""),
        (four(user=b""), SocksRequest(4, "10.0.0.7", 80), b""),
        (four("0.0.0.1", name=b"db.example"), SocksRequest(4, "db.example", 80), b""),
    ],
)
@given(cuts=st.lists(st.integers(0, 300), max_size=8))
def test_a_request_is_understood_however_it_is_cut(
    sent: bytes, request_: SocksRequest, said: bytes, cuts: list[int]
) -> None:
    handshake, answered, whole = SocksHandshake(), b"", sent + b"and the first bytes"
    edges = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
    for start, end in pairwise(edges):
        answered += handshake.feed(whole[start:end])
    assert handshake.request == request_
    assert handshake.rest == b"and the first bytes"
    assert answered == said


@pytest.mark.parametrize(
    ("sent", "reply"),
    [
        (b"GET / HTTP/1.1\r\n", b""),
        (b"\x00", b""),
        (b"\x05\x00", b"\x05\xff"),
        (b"\x05\x01\x02", b"\x05\xff"),
        (GREETING + five(V4, command=2), reply_to(5, Outcome.COMMAND_UNSUPPORTED)),
        (GREETING + five(V4, command=3), reply_to(5, Outcome.COMMAND_UNSUPPORTED)),
        (GREETING + five(b"\x02\x00"), reply_to(5, Outcome.ADDRESS_UNSUPPORTED)),
        (GREETING + five(named(b"")), reply_to(5, Outcome.FAILED)),
        (GREETING + five(named(b"a b")), reply_to(5, Outcome.FAILED)),
        (GREETING + five(named(b"a\x1b[2Jb")), reply_to(5, Outcome.FAILED)),
        (GREETING + five(named("bücher".encode())), reply_to(5, Outcome.FAILED)),
        (GREETING + five(V4, port=0), reply_to(5, Outcome.FAILED)),
        (GREETING + b"\x04\x01\x00\x01", reply_to(5, Outcome.FAILED)),
        (GREETING + b"\x05\x01\x07\x01", reply_to(5, Outcome.FAILED)),
        (b"\x04\x02\x00\x50", reply_to(4, Outcome.FAILED)),
        (four(port=0), reply_to(4, Outcome.FAILED)),
        (four(user=b"u" * 300), reply_to(4, Outcome.FAILED)),
        (four("0.0.0.9", name=b"n" * 300), reply_to(4, Outcome.FAILED)),
        (four("0.0.0.9", name=b""), reply_to(4, Outcome.FAILED)),
        (four("0.0.0.9", name=b"a\nb"), reply_to(4, Outcome.FAILED)),
    ],
)
def test_what_cannot_be_served_gets_the_reply_for_it(sent: bytes, reply: bytes) -> None:
    with pytest.raises(SocksRefused) as caught:
        SocksHandshake().feed(sent)
    assert caught.value.reply == reply
    assert str(caught.value)


@given(st.lists(st.binary(max_size=400), max_size=12))
def test_no_input_does_more_than_ask_or_be_refused(pieces: list[bytes]) -> None:
    handshake = SocksHandshake()
    for piece in pieces:
        try:
            answer = handshake.feed(piece)
        except SocksRefused as refused:
            assert refused.reply in (b"", b"\x05\xff") or refused.reply[0] in (0, 5)
            return
        assert answer in (b"", b"\x05\x00")


@given(st.sampled_from([4, 5]), st.binary(max_size=2000))
def test_an_unfinished_handshake_is_bounded(version: int, more: bytes) -> None:
    handshake, head = SocksHandshake(), GREETING if version == 5 else b"\x04\x01\x00\x50\x0a\x00\x00\x01"
    try:
        for byte in head + more:
            handshake.feed(bytes((byte,)))
            if handshake.request is not None:
                return
            assert len(handshake._held) <= 601
    except SocksRefused:
        return


def test_the_replies_are_those_of_the_standards() -> None:
    assert reply_to(5, Outcome.DONE) == b"\x05\x00\x00\x01" + bytes(6)
    assert reply_to(5, Outcome.REFUSED)[1] == 5
    assert reply_to(4, Outcome.DONE) == b"\x00\x5a" + bytes(6)
    assert reply_to(4, Outcome.REFUSED) == b"\x00\x5b" + bytes(6)
