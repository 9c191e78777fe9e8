"""What a person types for a host."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.hosts.names import Spec, is_plain_name, read_jumps, read_spec


@pytest.mark.parametrize(
    ("typed", "spec"),
    [
        ("web-1", Spec("web-1")),
        ("web-1.example.net", Spec("web-1.example.net")),
        ("deploy@web-1", Spec("web-1", "deploy")),
        ("web-1:2222", Spec("web-1", None, 2222)),
        ("deploy@web-1:2222", Spec("web-1", "deploy", 2222)),
        ("me@corp.example@web-1", Spec("web-1", "me@corp.example")),
        ("DOMAIN\\me@web-1", Spec("web-1", "DOMAIN\\me")),
        ("192.0.2.7", Spec("192.0.2.7")),
        ("192.0.2.7:22", Spec("192.0.2.7", None, 22)),
        ("::1", Spec("::1")),
        ("2001:db8::7", Spec("2001:db8::7")),
        ("me@2001:db8::7", Spec("2001:db8::7", "me")),
        ("[2001:db8::7]", Spec("2001:db8::7")),
        ("[2001:db8::7]:2222", Spec("2001:db8::7", None, 2222)),
        ("me@[::1]:99", Spec("::1", "me", 99)),
        ("fe80::1%eth0", Spec("fe80::1%eth0")),
        ("ssh://web-1", Spec("web-1")),
        ("ssh://me@web-1:2222/", Spec("web-1", "me", 2222)),
        ("SSH://me@[::1]:2222", Spec("::1", "me", 2222)),
        ("ssh://m%40e@web-1", Spec("web-1", "m@e")),
        ("ssh://me;fingerprint=x@web-1", Spec("web-1", "me")),
    ],
)
def test_every_usual_form_is_understood(typed: str, spec: Spec) -> None:
    assert read_spec(typed) == spec


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "-oProxyCommand=touch x",
        "me@-oProxyCommand=x",
        "-lroot@web-1",
        "ssh://-x",
        "@web-1",
        "me@",
        "web 1",
        "web-1\n",
        "web-1:",
        "web-1:http",
        "web-1:0",
        "web-1:65536",
        "web-1:-22",
        "web-1:٢٢",
        "[::1",
        "[web-1]:22",
        "[::1]22",
        "web-1/etc",
        "$(reboot)",
        "web;1",
        "`id`",
        "a'b",
        "\x1b[2J",
        "me`id`@web-1",
        "ssh://web-1/path",
        "ssh://%2dx",
    ],
)
def test_what_cannot_be_a_host_is_refused_with_a_reason(typed: str) -> None:
    with pytest.raises(ValueError, match=r"\w+ \w+"):
        read_spec(typed)


_HOSTS = st.one_of(
    st.from_regex(r"[a-z0-9]([a-z0-9.-]{0,20}[a-z0-9])?", fullmatch=True),
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(str),
)
_USERS = st.none() | st.from_regex(r"[a-z_][a-z0-9_.-]{0,10}", fullmatch=True)


@given(host=_HOSTS, user=_USERS, port=st.none() | st.integers(1, 65535))
def test_a_spec_reads_back_as_it_was_written(host: str, user: str | None, port: int | None) -> None:
    spec = Spec(host, user, port)
    assert read_spec(str(spec)) == spec


@given(st.text(max_size=40))
def test_no_text_gets_an_option_or_a_control_code_through(typed: str) -> None:
    try:
        spec = read_spec(typed)
    except ValueError:
        return
    for part in (spec.host, spec.user or "x"):
        assert not part.startswith("-")
        assert not any(ord(character) < 0x20 or character in "`$;|&<>\"'" for character in part)


def test_jump_hosts_are_read_in_order() -> None:
    assert read_jumps("me@bastion:2222, inner") == (Spec("bastion", "me", 2222), Spec("inner"))
    assert read_jumps("ssh://me@bastion:2222,[::1]:22") == (Spec("bastion", "me", 2222), Spec("::1", None, 22))


@pytest.mark.parametrize("text", ["none", "NONE", " none ", ""])
def test_none_means_no_jump_host(text: str) -> None:
    assert read_jumps(text) == ()


@pytest.mark.parametrize("text", ["a,,b", "a,", ",", "a,-x"])
def test_a_list_with_a_hole_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="host name"):
        read_jumps(text)


@pytest.mark.parametrize("name", ["web-1", "web_1.example", "Büro", "10.0.0.7"])
def test_names_of_entries_are_plain(name: str) -> None:
    assert is_plain_name(name)


@pytest.mark.parametrize("name", ["", "-x", "a b", "a@b", "a:1", "a/b", "*", "a\tb", "a,b", "[x]", "a\x9bb"])
def test_names_that_would_be_read_as_something_else_are_not(name: str) -> None:
    assert not is_plain_name(name)
