"""Recognising an SSH server by its first words, however they are cut into pieces."""

from __future__ import annotations

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.connection.ssh.banner import MOST_BYTES, Identification, NotSsh, first_line


def feed(*pieces: bytes) -> str | None:
    parser = Identification()
    found = None
    for piece in pieces:
        found = found or parser.feed(piece)
    return found


def test_the_software_version_is_what_follows_the_protocol() -> None:
    assert feed(b"SSH-2.0-OpenSSH_9.6 Ubuntu-3\r\n") == "OpenSSH_9.6 Ubuntu-3"
    assert feed(b"SSH-1.99-Cisco-1.25\n") == "Cisco-1.25"


@given(st.lists(st.integers(0, 60), max_size=6))
def test_pieces_of_any_size_make_no_difference(cuts: list[int]) -> None:
    whole = b"Welcome\r\nto the cluster\r\nSSH-2.0-dropbear_2022.83\r\nmore"
    edges = [0, *sorted(cuts), len(whole)]
    pieces = [whole[start:end] for start, end in pairwise(edges)]
    assert feed(*pieces) == "dropbear_2022.83"


def test_lines_before_the_identification_are_allowed() -> None:
    assert feed(b"hello\r\n", b"SSH-2.0-x\r\n") == "x"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n", "HTTP/1.1 400 Bad Request"),
        (b"220 mail.example.org ESMTP\r\n", "220 mail.example.org ESMTP"),
        (b"SSH-1.5-old\r\n", "SSH-1.5-old"),
        (b"\x15\x03\x01\x00\x02\x02", r"\x15\x03\x01\x00\x02\x02"),
    ],
)
def test_other_protocols_are_told_at_once(said: bytes, shown: str) -> None:
    with pytest.raises(NotSsh) as caught:
        feed(said)
    assert caught.value.first_line == shown


def test_endless_text_is_not_an_ssh_server() -> None:
    with pytest.raises(NotSsh):
        feed(b"x" * 80, b"\n" * MOST_BYTES)


@given(st.binary(max_size=200))
def test_what_is_shown_is_harmless_whatever_was_said(said: bytes) -> None:
    try:
        feed(said)
    except NotSsh as error:
        assert harmless(error.first_line)
    assert harmless(first_line(said))


def harmless(text: str) -> bool:
    return not any(unicodedata.category(character) in {"Cc", "Cs"} for character in text)
