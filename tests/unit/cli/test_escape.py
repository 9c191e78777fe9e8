"""The escape character of a shell session."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.escape import Escapes, Keys


@pytest.mark.parametrize(
    ("typed", "keys"),
    [
        (b"ls\r", Keys(b"ls\r")),
        (b"~.", Keys(b"", ended=True)),
        (b"ls\r~.rest", Keys(b"ls\r", ended=True)),
        (b"a~.", Keys(b"a~.")),
        (b"~~x", Keys(b"~x")),
        (b"~~.", Keys(b"~.")),
        (b"~x", Keys(b"~x")),
        (b"~?", Keys(b"", help_wanted=True)),
        (b"~?~.", Keys(b"", ended=True)),
        (b"cd ~/x\r", Keys(b"cd ~/x\r")),
    ],
)
def test_a_tilde_means_something_only_at_the_beginning_of_a_line(typed: bytes, keys: Keys) -> None:
    assert Escapes().feed(typed) == keys


def test_a_tilde_waits_for_the_key_that_follows_it() -> None:
    escapes = Escapes()
    assert escapes.feed(b"~") == Keys(b"")
    assert escapes.feed(b".") == Keys(b"", ended=True)


@given(st.binary(max_size=60).filter(lambda typed: b"~" not in typed))
def test_keys_without_a_tilde_pass_unchanged(typed: bytes) -> None:
    assert Escapes().feed(typed) == Keys(typed)


@given(st.lists(st.sampled_from([b"~", b"a", b"\r", b"?", b"."]), max_size=12))
def test_it_does_not_matter_how_keys_are_cut_into_pieces(typed: list[bytes]) -> None:
    whole, pieces = Escapes(), Escapes()
    expected = whole.feed(b"".join(typed))
    sent = b""
    for piece in typed:
        keys = pieces.feed(piece)
        sent += keys.send
        if keys.ended:
            break
    assert (sent, keys.ended if typed else False) == (expected.send, expected.ended)
