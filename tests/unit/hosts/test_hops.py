"""What each keyword of ssh_config means for a hop."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.connection.target import Family, Hop, HostKeyPolicy, Keepalive, Timeouts
from backend.errors import Code, ConfigError
from backend.hosts.expand import Surroundings, split_paths
from backend.hosts.hops import Answers, command_of, jumps_of, make_hop
from backend.hosts.names import Spec

HOME = Path("/home/me")
HERE = Surroundings(HOME, {"SSH_AUTH_SOCK": "/run/agent", "KEYS": "/keys"}, "me", "laptop.example")
USUAL = {
    "hostname": ("web-1",),
    "user": ("me",),
    "port": ("22",),
    "identityfile": ("~/.ssh/id_rsa", "~/.ssh/id_ed25519"),
    "userknownhostsfile": ("/root/.ssh/known_hosts /root/.ssh/known_hosts2",),
    "globalknownhostsfile": ("/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2",),
    "ciphers": ("chacha20-poly1305@openssh.com,aes128-ctr",),
    "kexalgorithms": ("curve25519-sha256",),
    "stricthostkeychecking": ("ask",),
    "serveraliveinterval": ("0",),
    "serveralivecountmax": ("3",),
    "connecttimeout": ("none",),
    "addressfamily": ("any",),
}
"""What `ssh -G` says of a host that nobody configured."""


def answers(**said: str | tuple[str, ...]) -> Answers:
    given = {keyword: (value,) if isinstance(value, str) else value for keyword, value in said.items()}
    return Answers({**USUAL, **given}, USUAL)


def hop(**said: str | tuple[str, ...]) -> Hop:
    return make_hop("web-1", Spec("web-1"), answers(**said), HERE)


def test_an_unconfigured_host_gets_our_own_defaults() -> None:
    made = hop()
    assert (made.address, made.port, made.user) == ("web-1", 22, "me")
    assert made.identity_files == (HOME / ".ssh/id_rsa", HOME / ".ssh/id_ed25519")
    assert not made.identities_named
    assert not made.identities_only
    assert made.agent_socket == Path("/run/agent")
    assert made.auth_methods == ("publickey", "keyboard-interactive", "password")
    assert made.host_key_policy is HostKeyPolicy.ASK
    assert made.algorithms.ciphers is made.algorithms.kex is None
    assert (made.keepalive, made.timeouts) == (Keepalive(), Timeouts())
    assert made.notes == ()


def test_the_usual_known_hosts_are_those_of_our_own_home() -> None:
    assert hop().known_hosts.user == (HOME / ".ssh/known_hosts", HOME / ".ssh/known_hosts2")
    assert hop().known_hosts.system == (Path("/etc/ssh/ssh_known_hosts"), Path("/etc/ssh/ssh_known_hosts2"))


def test_lists_of_revoked_host_keys_are_taken_over() -> None:
    assert hop(revokedhostkeys="~/.ssh/revoked").known_hosts.revoked == (HOME / ".ssh/revoked",)
    assert hop(revokedhostkeys="none").known_hosts.revoked == hop().known_hosts.revoked == ()


def test_named_keys_are_told_apart_from_the_usual_ones_and_their_tokens_replaced() -> None:
    made = hop(identityfile=("~/a b", "%d/%r@%h", "${KEYS}/%L-%l-%i", "~/a b", "${UNSET}/x"), identitiesonly="yes")
    assert made.identities_named
    assert made.identities_only
    assert made.identity_files[:2] == (HOME / "a b", HOME / "me@web-1")
    assert str(made.identity_files[2]).startswith("/keys/laptop-laptop.example-")
    assert made.identity_files[3:] == (Path("${UNSET}/x"),)


def test_no_identity_file_at_all_can_be_asked_for() -> None:
    assert hop(identityfile="none").identity_files == ()


@pytest.mark.parametrize(
    ("said", "socket"),
    [
        ("none", None),
        ("SSH_AUTH_SOCK", Path("/run/agent")),
        ("$SSH_AUTH_SOCK", Path("/run/agent")),
        ("$UNSET", None),
        ("~/agent.sock", HOME / "agent.sock"),
        ("${KEYS}/agent", Path("/keys/agent")),
        ("/run/%u.sock", Path("/run/me.sock")),
    ],
)
def test_the_agent_is_found_where_the_configuration_says(said: str, socket: Path | None) -> None:
    assert hop(identityagent=said).agent_socket == socket


def test_without_an_agent_in_the_environment_there_is_none() -> None:
    made = make_hop("web-1", Spec("web-1"), answers(), Surroundings(HOME, {}, "me"))
    assert made.agent_socket is None


@pytest.mark.parametrize(
    ("said", "policy"),
    [
        ("yes", HostKeyPolicy.STRICT),
        ("true", HostKeyPolicy.STRICT),
        ("ask", HostKeyPolicy.ASK),
        ("accept-new", HostKeyPolicy.ACCEPT_NEW),
        ("no", HostKeyPolicy.ASK),
        ("off", HostKeyPolicy.ASK),
        ("false", HostKeyPolicy.ASK),
    ],
)
def test_host_keys_are_never_checked_less_than_by_asking(said: str, policy: HostKeyPolicy) -> None:
    made = hop(stricthostkeychecking=said)
    assert made.host_key_policy is policy
    assert bool(made.notes) is (said in {"no", "off", "false"})


def test_known_hosts_files_of_the_configuration_are_taken_as_they_are() -> None:
    made = hop(userknownhostsfile="~/mine /srv/a b /srv/%k", hashknownhosts="yes", hostkeyalias="alias")
    assert made.known_hosts.user == (HOME / "mine", Path("/srv/a b"), Path("/srv/alias"))
    assert made.known_hosts.hash_names
    assert made.host_key_alias == "alias"


def test_no_known_hosts_file_means_that_nothing_is_known() -> None:
    assert hop(userknownhostsfile="none").known_hosts.user == ()
    assert hop(globalknownhostsfile="none").known_hosts.system == ()


@pytest.mark.parametrize(
    ("said", "methods"),
    [
        ({"passwordauthentication": "no"}, ("publickey", "keyboard-interactive")),
        ({"pubkeyauthentication": "false"}, ("keyboard-interactive", "password")),
        ({"pubkeyauthentication": "unbound"}, ("publickey", "keyboard-interactive", "password")),
        ({"kbdinteractiveauthentication": "no"}, ("publickey", "password")),
        ({"preferredauthentications": "gssapi-with-mic,password,publickey"}, ("password", "publickey")),
        ({"preferredauthentications": "hostbased"}, ()),
    ],
)
def test_only_methods_that_are_allowed_are_used_in_the_order_preferred(
    said: dict[str, str], methods: tuple[str, ...]
) -> None:
    assert hop(**said).auth_methods == methods


def test_algorithms_count_only_where_somebody_set_them() -> None:
    made = hop(ciphers="aes256-ctr", kexalgorithms="curve25519-sha256")
    assert made.algorithms.ciphers == "aes256-ctr"
    assert made.algorithms.kex is None


def test_limits_and_keepalive_are_taken_over() -> None:
    made = hop(connecttimeout="7", serveraliveinterval="30", serveralivecountmax="5", compression="yes")
    assert made.timeouts.connect == 7
    assert (made.keepalive.interval, made.keepalive.misses) == (30, 5)
    assert made.compression


def test_keepalive_is_on_even_where_the_configuration_leaves_it_off() -> None:
    assert hop(serveraliveinterval="0", serveralivecountmax="9").keepalive == Keepalive()


def test_certificates_that_are_named_are_taken_over() -> None:
    made = hop(certificatefile=("~/.ssh/work-cert.pub", "/etc/%u-cert.pub"))
    assert made.certificate_files == (HOME / ".ssh/work-cert.pub", Path("/etc/me-cert.pub"))
    assert hop().certificate_files == ()


def test_what_is_not_followed_is_noted() -> None:
    made = hop(bindinterface="eth1", knownhostscommand="/bin/keys %h")
    assert len(made.notes) == 2
    assert "bindinterface eth1" in made.notes[0]


def test_the_family_and_the_address_to_send_from_are_taken_over() -> None:
    made = hop(addressfamily="inet6", bindaddress="192.0.2.1")
    assert (made.family, made.source_address, made.notes) == (Family.IPV6, "192.0.2.1", ())
    assert (hop().family, hop(bindaddress="none").source_address) == (Family.ANY, "")


def test_what_ssh_would_do_besides_connecting_is_noted_where_it_is_left_out() -> None:
    made = hop(
        forwardagent="yes",
        remotecommand="tmux attach",
        permitlocalcommand="yes",
        localcommand="notify %h",
        setenv=("EDITOR=vi", "LC_ALL=C"),
        sendenv=("LANG", "LC_*", "COLORTERM"),
    )
    told = "; ".join(made.notes)
    for note in (
        "forwardagent yes",
        "remotecommand tmux attach",
        "localcommand notify %h",
        "setenv EDITOR=vi LC_ALL=C",
    ):
        assert f"{note} is not followed" in told
    assert "sendenv COLORTERM is not followed" in told and "LANG" not in told


def test_what_would_have_no_effect_in_ssh_either_is_not_noted() -> None:
    assert hop(sendenv=("LANG", "LC_*"), localcommand="notify %h", forwardagent="no").notes == ()


def test_an_address_in_brackets_loses_them() -> None:
    assert hop(hostname="[2001:db8::7]").address == "2001:db8::7"


# --- jump hosts --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "jumps"),
    [
        ({}, ""),
        ({"proxyjump": "me@bastion:2222,inner"}, "me@bastion:2222,inner"),
        ({"proxyjump": "none"}, ""),
        ({"proxycommand": "none"}, ""),
        ({"proxycommand": "ssh -W %h:%p bastion"}, "bastion"),
        ({"proxycommand": "ssh -q -W [%h]:%p me@bastion"}, "me@bastion"),
        ({"proxycommand": "exec /usr/bin/ssh bastion -W %h:%p 2>/dev/null"}, "bastion"),
    ],
)
def test_jump_hosts_are_found_in_their_new_and_old_form(said: dict[str, str], jumps: str) -> None:
    assert jumps_of(answers(**said)) == jumps
    assert command_of(answers(**said), "web-1") == ""


@pytest.mark.parametrize(
    "command",
    ["nc -X connect -x proxy:3128 %h %p", "ssh -W %h:%p bastion; reboot", "ssh -W other:22 bastion", "ssh -W %h:%p"],
)
def test_any_other_proxy_command_is_one_as_it_stands(command: str) -> None:
    assert jumps_of(answers(proxycommand=command)) == ""
    assert command_of(answers(proxycommand=command), "web-1") == command


def test_a_proxy_command_that_is_to_pass_a_socket_is_told_to_be_unsupported() -> None:
    with pytest.raises(ConfigError) as raised:
        command_of(answers(proxycommand="pass %h", proxyusefdpass="yes"), "web-1")
    assert raised.value.code is Code.ROUTE_UNSUPPORTED
    assert "ProxyUseFdpass" in raised.value.message


# --- several paths in one value ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "paths"),
    [
        ("none", ()),
        ("", ()),
        ("/a", ("/a",)),
        ("/a /b", ("/a", "/b")),
        ("/a b /c", ("/a b", "/c")),
        ("~/a %d/b", ("~/a", "%d/b")),
    ],
)
def test_paths_with_blanks_stay_together(value: str, paths: tuple[str, ...]) -> None:
    assert split_paths(value) == paths


@given(st.lists(st.from_regex(r"/[a-z]{1,5}( [a-z]{1,5})?", fullmatch=True), min_size=1, max_size=4))
def test_absolute_paths_come_apart_as_they_were_put_together(paths: list[str]) -> None:
    assert split_paths(" ".join(paths)) == tuple(paths)
