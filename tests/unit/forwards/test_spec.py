"""Forwards are read as ssh(1) reads them, and what is printed is read again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.forwards.spec import ForwardKind, ForwardSpec, Port, Socket, from_ssh_options, parse_spec, read_forward

L, R, D = ForwardKind.LOCAL, ForwardKind.REMOTE, ForwardKind.DYNAMIC
DB = Port("db", 5432)


@pytest.mark.parametrize(
    ("kind", "text", "listen", "to"),
    [
        (L, "8080:db:5432", Port(None, 8080), DB),
        (L, "0:db:5432", Port(None, 0), DB),
        (L, "127.0.0.2:8080:db:5432", Port("127.0.0.2", 8080), DB),
        (L, "*:8080:db:5432", Port("", 8080), DB),
        (L, ":8080:db:5432", Port("", 8080), DB),
        (L, "[::1]:8080:[2001:db8::1]:22", Port("::1", 8080), Port("2001:db8::1", 22)),
        (L, "[::1]:8080:[fe80::1%eth0]:22", Port("::1", 8080), Port("fe80::1%eth0", 22)),
        (L, "8080/db/5432", Port(None, 8080), DB),
        (L, "::1/8080/2001:db8::1/22", Port("::1", 8080), Port("2001:db8::1", 22)),
        (L, "8080:/run/app.sock", Port(None, 8080), Socket("/run/app.sock")),
        (L, "localhost:8080:/run/app.sock", Port("localhost", 8080), Socket("/run/app.sock")),
        (L, "/tmp/here.sock:db:5432", Socket("/tmp/here.sock"), DB),
        (L, "/tmp/here.sock:/run/app.sock", Socket("/tmp/here.sock"), Socket("/run/app.sock")),
        (L, "8080:/22/x/33", Port(None, 8080), Socket("/22/x/33")),
        (L, r"8080:/odd\:name", Port(None, 8080), Socket("/odd:name")),
        (L, "8080:[/odd:name]", Port(None, 8080), Socket("/odd:name")),
        (R, "9000:localhost:22", Port(None, 9000), Port("localhost", 22)),
        (R, "0:localhost:22", Port(None, 0), Port("localhost", 22)),
        (R, "*:9000:localhost:22", Port("", 9000), Port("localhost", 22)),
        (R, "/tmp/there.sock:localhost:22", Socket("/tmp/there.sock"), Port("localhost", 22)),
        (R, "1080", Port(None, 1080), None),
        (R, "*:1080", Port("", 1080), None),
        (R, "[::1]:1080", Port("::1", 1080), None),
        (R, "/tmp/socks", Socket("/tmp/socks"), None),
        (D, "1080", Port(None, 1080), None),
        (D, "*:1080", Port("", 1080), None),
        (D, "[::]:1080", Port("::", 1080), None),
        (D, " 1080 ", Port(None, 1080), None),
    ],
)
def test_what_ssh_takes_is_taken(kind: ForwardKind, text: str, listen: Port | Socket, to: Port | Socket | None) -> None:
    assert parse_spec(kind, text) == ForwardSpec(kind, listen, to)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        *((L, text) for text in ("", "8080", "db:5432", "8080:db", "8080:db:0", "65536:db:5432", "http:db:5432")),
        *((L, text) for text in ("1:2:3:4:5", "8080:db:5432:", "[::1:8080:db:1", "[::1]x:80:db:1", "8080:d b:5432")),
        *(
            (L, text)
            for text in ("-1:db:5432", "8080:db:٣", "8080::5432", "8080:db:1\\", "8080:/" + "x" * 200, "8080:./x")
        ),
        *((D, text) for text in ("", "socks", "1080:db:5432", "/tmp/socks", "127.0.0.1:", "1:2:3")),
        *((R, text) for text in ("", "host", "9000:localhost:0")),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_sentence(kind: ForwardKind, text: str) -> None:
    with pytest.raises(ValueError, match=r"\w+ \w+"):
        parse_spec(kind, text)


_hosts = st.one_of(
    st.from_regex(r"[a-z][a-z0-9.-]{0,20}", fullmatch=True),
    st.ip_addresses().map(str),
)
_ports = st.integers(1, 65535)
_paths = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters=" "), max_size=20).map(
    lambda text: "/" + text.strip()
)
_listens = st.one_of(
    st.builds(Port, st.one_of(st.none(), st.just(""), _hosts), st.integers(0, 65535)), st.builds(Socket, _paths)
)
_targets = st.one_of(st.builds(Port, _hosts, _ports), st.builds(Socket, _paths))
_specs = st.one_of(
    st.builds(ForwardSpec, st.just(L), _listens, _targets),
    st.builds(ForwardSpec, st.just(R), _listens, st.one_of(_targets, st.none())),
    st.builds(ForwardSpec, st.just(D), _listens.filter(lambda place: isinstance(place, Port)), st.none()),
)


@given(_specs)
def test_what_is_printed_is_read_again(spec: ForwardSpec) -> None:
    assert read_forward(str(spec)) == spec


@given(st.sampled_from(ForwardKind), st.text(st.sampled_from("[]:/\\*-.8a \0é"), max_size=24))
def test_nothing_but_a_sentence_comes_of_nonsense(kind: ForwardKind, text: str) -> None:
    try:
        spec = parse_spec(kind, text)
    except ValueError as error:
        assert str(error)
    else:
        assert read_forward(str(spec)) == spec


@pytest.mark.parametrize("text", ["", "8080:db:5432", "X 1080", "L", "LL 1:a:2"])
def test_an_entry_names_its_kind(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_forward(text)


def test_the_forms_of_an_entry_mean_the_same() -> None:
    assert read_forward("L 8080:db:5432") == read_forward("-L 8080:db:5432") == read_forward(" L  8080:db:5432 ")


def test_only_loopback_and_sockets_are_out_of_the_reach_of_others() -> None:
    inside = ["1", "localhost:1", "127.0.0.9:1", "[::1]:1"]
    outside = ["*:1", ":1", "0.0.0.0:1", "10.0.0.1:1", "[::]:1", "myhost:1"]
    assert all(parse_spec(D, text).listen.is_loopback for text in inside)
    assert not any(parse_spec(D, text).listen.is_loopback for text in outside)
    assert Socket("/x").is_loopback


def test_the_lines_of_ssh_g_are_understood() -> None:
    """As OpenSSH 9.2 prints them, with the two dynamic ones that it makes up for sockets."""
    options = {
        "dynamicforward": ("/tmp/a", "9000", "1080", "[*]:1081"),
        "localforward": ("8080 [db]:5432", "[127.0.0.2]:8081 [::1]:22", "/tmp/a /tmp/b", "9000 /tmp/b"),
        "remoteforward": ("1080 [socks]:0", "[*]:9090 [localhost]:22", "/tmp/x [localhost]:22"),
    }
    assert [str(spec) for spec in from_ssh_options(options)] == [
        "L 8080:db:5432",
        "L 127.0.0.2:8081:[::1]:22",
        "L /tmp/a:/tmp/b",
        "L 9000:/tmp/b",
        "R 1080",
        "R *:9090:localhost:22",
        "R /tmp/x:localhost:22",
        "D 1080",
        "D *:1081",
    ]
    assert from_ssh_options({}) == ()
