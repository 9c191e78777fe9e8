"""The conversations with SOCKS and HTTP proxies, without a network."""

from __future__ import annotations

import contextlib
import ipaddress
from base64 import b64encode
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.connection import http_connect, socks
from backend.connection.proxying import Conversation, NotThisProxy, PasswordWanted, ProxyRefusal, Talk

REPLY = b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"
BANNER = b"SSH-2.0-OpenSSH_9.2\r\n"


def spoken(conversation: Conversation, answers: bytes, slices: list[int] | None = None) -> tuple[Talk, bytes]:
    """The talk after it heard `answers`, in slices of these sizes, and all that it sent."""
    talk = Talk(conversation)
    sent = talk.take_outgoing()
    sizes = iter(slices or [len(answers)])
    while answers:
        size = next(sizes, len(answers))
        talk.feed(answers[:size])
        answers = answers[size:]
        sent += talk.take_outgoing()
    return talk, sent


slices = st.lists(st.integers(1, 7), min_size=1, max_size=200).map(lambda sizes: sizes * 20)


class TestSocks:
    def test_a_name_goes_to_the_proxy_as_it_is(self) -> None:
        talk, sent = spoken(socks.connect("gpu-7.internal", 2222), b"\x05\x00" + REPLY)
        assert talk.finished
        assert sent == b"\x05\x01\x00" + b"\x05\x01\x00\x03\x0egpu-7.internal\x08\xae"

    @pytest.mark.parametrize(("host", "kind"), [("192.0.2.7", 1), ("2001:db8::7", 4)])
    def test_an_address_goes_as_an_address(self, host: str, kind: int) -> None:
        _, sent = spoken(socks.connect(host, 22), b"\x05\x00" + REPLY)
        assert sent[3:] == b"\x05\x01\x00" + bytes((kind,)) + ipaddress.ip_address(host).packed + b"\x00\x16"

    def test_a_password_is_given_when_the_proxy_asks_for_one(self) -> None:
        talk, sent = spoken(socks.connect("h", 22, "ada", "pw"), b"\x05\x02" + b"\x01\x00" + REPLY)
        assert talk.finished
        assert sent.startswith(b"\x05\x02\x00\x02" + b"\x01\x03ada\x02pw")

    def test_no_password_is_given_when_the_proxy_asks_for_none(self) -> None:
        _, sent = spoken(socks.connect("h", 22, "ada", "pw"), b"\x05\x00" + REPLY)
        assert b"pw" not in sent

    @pytest.mark.parametrize(
        ("user", "password", "answers", "refused"),
        [("ada", None, b"\x05\x02", False), ("ada", "pw", b"\x05\x02\x01\x01", True), ("", None, b"\x05\xff", False)],
    )
    def test_a_login_that_is_wanted_is_told_apart_from_one_refused(
        self, user: str, password: str | None, answers: bytes, refused: bool
    ) -> None:
        with pytest.raises(PasswordWanted) as caught:
            spoken(socks.connect("h", 22, user, password), answers)
        assert caught.value.refused is refused

    @pytest.mark.parametrize("code", range(1, 256))
    def test_every_refusal_has_words(self, code: int) -> None:
        with pytest.raises(ProxyRefusal) as caught:
            spoken(socks.connect("h", 22), b"\x05\x00" + b"\x05" + bytes((code,)) + b"\x00\x01" + bytes(6))
        assert socks.REPLIES.get(code, str(code)) in str(caught.value)

    def test_a_method_nobody_offered_is_a_refusal(self) -> None:
        with pytest.raises(ProxyRefusal, match="method 1"):
            spoken(socks.connect("h", 22), b"\x05\x01")

    @pytest.mark.parametrize("answer", [b"HTTP/1.1 400", BANNER, b"\x04\x5a"])
    def test_what_is_no_socks_proxy_is_seen_at_once(self, answer: bytes) -> None:
        with pytest.raises(NotThisProxy):
            spoken(socks.connect("h", 22), answer)

    @pytest.mark.parametrize("host", ["", "n" * 256])
    def test_a_name_that_does_not_fit_is_not_sent(self, host: str) -> None:
        with pytest.raises(ValueError, match="1 to 255"):
            Talk(socks.connect(host, 22))

    @given(slices, st.sampled_from([(1, 4), (4, 16)]))
    def test_slices_make_no_difference_and_the_servers_first_words_are_kept(
        self, sizes: list[int], bound: tuple[int, int]
    ) -> None:
        kind, length = bound
        answers = b"\x05\x02\x01\x00" + b"\x05\x00\x00" + bytes((kind,)) + bytes(length + 2) + BANNER
        talk, _ = spoken(socks.connect("h", 22, "u", "p"), answers, sizes)
        assert talk.finished
        assert talk.rest == BANNER

    def test_a_proxy_that_names_where_it_sends_from_is_read_to_the_end(self) -> None:
        answers = b"\x05\x00" + b"\x05\x00\x00\x03\x05proxy\x00\x16" + BANNER
        talk, _ = spoken(socks.connect("h", 22), answers)
        assert talk.rest == BANNER


class TestHttp:
    def test_the_request_names_the_host_twice(self) -> None:
        _, sent = spoken(http_connect.connect("gpu-7", 22), b"HTTP/1.1 200 Connection established\r\n\r\n")
        assert sent == b"CONNECT gpu-7:22 HTTP/1.1\r\nHost: gpu-7:22\r\n\r\n"

    def test_an_ipv6_address_stands_in_brackets(self) -> None:
        _, sent = spoken(http_connect.connect("2001:db8::7", 22), b"HTTP/1.0 200\r\n\r\n")
        assert sent.startswith(b"CONNECT [2001:db8::7]:22 ")

    def test_a_password_goes_as_basic_login(self) -> None:
        _, sent = spoken(http_connect.connect("h", 22, "ada", "pä:w"), b"HTTP/1.1 200 OK\r\n\r\n")
        assert b"Proxy-Authorization: Basic " + b64encode("ada:pä:w".encode()) + b"\r\n" in sent

    @pytest.mark.parametrize(("password", "refused"), [(None, False), ("pw", True)])
    def test_a_login_that_is_wanted_is_told_apart_from_one_refused(self, password: str | None, refused: bool) -> None:
        answer = b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=x\r\n\r\n"
        with pytest.raises(PasswordWanted) as caught:
            spoken(http_connect.connect("h", 22, "ada", password), answer)
        assert caught.value.refused is refused

    def test_a_login_that_is_not_spoken_is_named(self) -> None:
        answer = b"HTTP/1.1 407 No\r\nProxy-Authenticate: NTLM\r\nproxy-authenticate: Negotiate abc\r\n\r\n"
        with pytest.raises(ProxyRefusal, match="NTLM, Negotiate"):
            spoken(http_connect.connect("h", 22), answer)

    @pytest.mark.parametrize("status", [*http_connect.MEANINGS, 302, 418])
    def test_every_refusal_has_words_and_its_number(self, status: int) -> None:
        with pytest.raises(ProxyRefusal) as caught:
            spoken(http_connect.connect("h", 22), f"HTTP/1.1 {status} So\x1b[31m it is\r\n\r\n".encode())
        told = str(caught.value)
        assert f"({status} So" in told
        assert http_connect.MEANINGS.get(status, "something else") in told
        assert "\x1b" not in told

    @pytest.mark.parametrize("answer", [BANNER + b"\r\n\r\n", b"x" * (http_connect.MOST_HEADER + 1), b"\x05\xff\n\r\n"])
    def test_what_is_no_http_proxy_is_seen(self, answer: bytes) -> None:
        with pytest.raises(NotThisProxy):
            spoken(http_connect.connect("h", 22), answer)

    @pytest.mark.parametrize("host", ["", "a b", "a\r\nX: y", "u@h"])
    def test_a_name_cannot_write_headers(self, host: str) -> None:
        with pytest.raises(ValueError, match="cannot be asked"):
            Talk(http_connect.connect(host, 22))

    @given(slices, st.sampled_from([b"", b"Via: 1.1 x\r\nDate: now\r\n"]))
    def test_slices_make_no_difference_and_the_servers_first_words_are_kept(
        self, sizes: list[int], headers: bytes
    ) -> None:
        answers = b"HTTP/1.1 200 OK\r\n" + headers + b"\r\n" + BANNER
        talk, _ = spoken(http_connect.connect("h", 22), answers, sizes)
        assert talk.finished
        assert talk.rest == BANNER


@given(st.binary(max_size=300), st.sampled_from([socks.connect, http_connect.connect]), slices)
def test_no_answer_however_odd_breaks_anything(
    answers: bytes, connect: Callable[[str, int], Conversation], sizes: list[int]
) -> None:
    with contextlib.suppress(PasswordWanted, ProxyRefusal, NotThisProxy):
        spoken(connect("h", 22), answers, sizes)
