"""SFTP's packets: what is sent, what is read, and that nothing a server sends can do more than fail."""

from __future__ import annotations

import contextlib
import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.connection.connector import FileKind
from backend.connection.ssh import sftp_wire as wire
from backend.connection.ssh.sftp_wire import BadPacket, Framer, Greeting, Reader, Type

VERSION = wire.packet(Type.VERSION, wire.uint32(3), wire.string(b"limits@openssh.com"), wire.string(b"1"))


def test_a_packet_carries_its_length_and_type() -> None:
    assert wire.init() == b"\x00\x00\x00\x05\x01\x00\x00\x00\x03"


def test_a_version_packet_tells_the_extensions() -> None:
    greeting = Greeting()
    whole = greeting.feed(VERSION + b"rest")
    assert whole is not None
    assert wire.parse_version(whole[0]) == (3, {b"limits@openssh.com": b"1"})
    assert whole[1] == b"rest"


@given(st.lists(st.binary(max_size=300), max_size=6), st.lists(st.integers(0, 2000), max_size=8))
def test_packets_come_out_whole_however_the_stream_is_cut(bodies: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(wire.packet(Type.DATA, body) for body in bodies)
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    framer, packets = Framer(), []
    for start, end in pairwise(edges):
        packets += framer.feed(stream[start:end])
    assert packets == [bytes([Type.DATA]) + body for body in bodies]


@pytest.mark.parametrize("size", [0, wire.MOST_PACKET_BYTES + 1, 0xFFFFFFFF])
def test_a_packet_of_an_impossible_size_is_refused_at_once(size: int) -> None:
    with pytest.raises(BadPacket):
        Framer().feed(struct.pack(">I", size))


@given(st.binary(max_size=120))
def test_no_answer_whatever_it_holds_does_more_than_fail(body: bytes) -> None:
    parsers = (
        wire.parse_version,
        wire.parse_status,
        wire.parse_names,
        wire.parse_limits,
        wire.parse_space,
        lambda raw: wire.parse_attributes(Reader(raw)),
    )
    for parse in parsers:
        with contextlib.suppress(BadPacket):
            parse(body)


def test_a_count_of_names_that_are_not_there_is_a_broken_packet() -> None:
    with pytest.raises(BadPacket):
        wire.parse_names(b"\xff\xff\xff\xff")


@given(
    st.none() | st.integers(0, 2**63 - 1),
    st.none() | st.integers(0, 0o7777),
    st.none() | st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)),
)
def test_attributes_survive_the_wire(size: int | None, mode: int | None, times: tuple[int, int] | None) -> None:
    read = wire.parse_attributes(Reader(wire.attributes(size=size, mode=mode, times=times)))
    assert (read.size, read.mode) == (size, mode)
    assert read.modified == (times[1] if times else None)


@pytest.mark.parametrize("size", [2**63, 2**64 - 1])
def test_a_size_that_no_file_can_have_is_none(size: int) -> None:
    assert wire.parse_attributes(Reader(wire.attributes(size=size, mode=0o100644))).size is None


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        (0o100644, FileKind.FILE),
        (0o040755, FileKind.DIRECTORY),
        (0o120777, FileKind.SYMLINK),
        (0o010600, FileKind.SPECIAL),
        (0o140777, FileKind.SPECIAL),
        (0o060660, FileKind.SPECIAL),
        (0o644, FileKind.UNKNOWN),
    ],
)
def test_kinds_come_from_the_mode(mode: int, kind: FileKind) -> None:
    assert wire.parse_attributes(Reader(struct.pack(">II", 4, mode))).kind is kind


def test_owner_and_group_come_from_the_long_name_where_it_has_the_usual_form() -> None:
    raw = struct.pack(">I", 0)
    named = wire.parse_attributes(Reader(raw), b"-rw-r--r--    1 deploy   www\x1b[1m     5 Jan  1 10:00 a b")
    assert (named.owner, named.group) == ("deploy", r"www\x1b[1m")
    assert wire.parse_attributes(Reader(raw), b"something else").owner == ""


def test_extended_attributes_are_passed_over() -> None:
    raw = struct.pack(">I", 0x80000000) + wire.uint32(1) + wire.string(b"a") + wire.string(b"b") + b"next"
    reader = Reader(raw)
    wire.parse_attributes(reader)
    assert reader.uint32() == int.from_bytes(b"next", "big")


def test_space_counts_what_ordinary_users_may_use() -> None:
    body = struct.pack(">11Q", 4096, 4096, 1000, 500, 400, 100, 50, 40, 7, 0, 255)
    space, read_only = wire.parse_space(body)
    assert (space.total, space.free, space.files_free, read_only) == (4096000, 1638400, 40, False)
    assert wire.parse_space(struct.pack(">11Q", 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, 0))[1] is True
    assert wire.parse_space(struct.pack(">11Q", 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0))[0].files_free is None


# --- noise ---


@pytest.mark.parametrize("noise", [b"Welcome!\n", b"\x1b[1mhi\r\n" * 20, b"stty: stdin isn't a terminal\n"])
@pytest.mark.parametrize("step", [1, 3, 10000])
def test_what_a_shell_prints_is_told_from_the_protocol(noise: bytes, step: int) -> None:
    greeting, stream = Greeting(), noise + VERSION
    for start in range(0, len(stream), step):
        assert greeting.feed(stream[start : start + step]) is None
    assert greeting.noisy
    assert greeting.answered
    assert greeting.noise == noise


def test_noise_without_an_answer_is_all_noise() -> None:
    greeting = Greeting()
    greeting.feed(b"This account is currently not available.\n")
    assert greeting.noisy and not greeting.answered
    assert greeting.noise.startswith(b"This account")


@given(st.integers(1, len(VERSION) - 1))
def test_half_a_version_packet_is_not_noise(cut: int) -> None:
    greeting = Greeting()
    assert greeting.feed(VERSION[:cut]) is None
    assert not greeting.noisy
    assert greeting.feed(VERSION[cut:]) is not None


@pytest.mark.parametrize(
    ("letter", "kind"),
    [("-", FileKind.FILE), ("d", FileKind.DIRECTORY), ("l", FileKind.SYMLINK), ("p", FileKind.SPECIAL)],
)
def test_the_kind_comes_from_the_long_name_where_no_permissions_are_sent(letter: str, kind: FileKind) -> None:
    raw = wire.attributes(size=5)
    long_name = f"{letter}rw-r--r--    1 deploy   www  5 Jan  1 00:00 name".encode()
    assert wire.parse_attributes(Reader(raw), long_name).kind is kind
    assert wire.parse_attributes(Reader(raw), b"long-ago.txt").kind is FileKind.UNKNOWN
