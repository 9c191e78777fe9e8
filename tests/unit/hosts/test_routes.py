"""The routes of a host: which there are, in which order, and what each means."""

from __future__ import annotations

import asyncio
import string
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.connection.target import Target
from backend.connection.ways import DIRECT, Cloudflare, Proxy, ProxyCommand, ProxyKind, Tailscale
from backend.errors import Code, ConfigError
from backend.hosts.book import HostBook, Overrides
from backend.hosts.options import NoFiles
from backend.hosts.routes import expanded
from backend.settings import HostOptions, HostSettings, Settings
from backend.settings.reading import check_settings
from tests.unit.hosts.test_book import Written

pytestmark = pytest.mark.usefixtures("own_home")


def book(
    host: HostSettings,
    *,
    defaults: HostOptions | None = None,
    overrides: Overrides | None = None,
    source: Written | None = None,
    environ: dict[str, str] | None = None,
    **others: HostSettings,
) -> HostBook:
    settings = Settings(hosts={"gpu-7": host, **others}, defaults=defaults or HostOptions())
    return HostBook(settings=settings, overrides=overrides, source=source or Written(), environ=environ or {})


async def names(made: HostBook, host: str = "gpu-7") -> list[str]:
    return [target.route for target in await made.routes(host)]


ALL = HostSettings(
    address="192.0.2.7",
    jump="bastion",
    proxy="socks5://ada@proxy:9050",
    proxy_command="relay %h %p",
    tailscale="100.64.0.7",
    cloudflare="gpu7.example.com",
)


# --- which and in which order ---


@pytest.mark.parametrize(
    ("host", "routes"),
    [
        (HostSettings(address="192.0.2.7"), ["direct"]),
        (HostSettings(address="192.0.2.7", jump="bastion"), ["jump"]),
        (HostSettings(address="192.0.2.7", tailscale="100.64.0.7"), ["direct", "tailscale"]),
        (HostSettings(address="192.0.2.7", jump="none", tailscale="100.64.0.7"), ["direct", "tailscale"]),
        (HostSettings(tailscale="100.64.0.7", cloudflare="c.example"), ["tailscale", "cloudflare"]),
        (HostSettings(address="192.0.2.7", proxy="http://proxy"), ["proxy"]),
        (ALL, ["tailscale", "jump", "proxy", "proxy_command", "cloudflare"]),
    ],
)
async def test_without_an_order_what_is_given_is_tried(host: HostSettings, routes: list[str]) -> None:
    assert await names(book(host)) == routes


async def test_the_order_that_is_written_is_the_order() -> None:
    order = ("cloudflare", "direct", "jump:me@other:2222", "jump")
    made = book(replace(ALL, routes=order))
    assert await names(made) == list(order)
    assert (await made.resolve("gpu-7")).route == "cloudflare"
    via = (await made.routes("gpu-7"))[2]
    assert [(hop.address, hop.port, hop.user) for hop in via.jumps] == [("other", 2222, "me")]


async def test_an_order_from_the_defaults_leaves_out_what_a_host_has_not() -> None:
    order = HostOptions(routes=("tailscale", "jump", "direct"))
    assert await names(book(HostSettings(address="192.0.2.7", jump="bastion"), defaults=order)) == ["jump", "direct"]
    assert await names(book(HostSettings(address="192.0.2.7"), defaults=HostOptions(routes=("proxy",)))) == ["direct"]


async def test_a_host_of_the_ssh_configuration_has_its_one_route() -> None:
    source = Written(plain={}, far={"proxyjump": "bastion"}, odd={"proxycommand": "relay %n %h %p %r %%"})
    made = HostBook(source=source, environ={})
    assert await names(made, "plain") == ["direct"]
    assert await names(made, "far") == ["jump"]
    assert await names(made, "odd") == ["proxy_command"]


async def test_what_the_ssh_configuration_says_of_an_entry_holds_unless_the_order_says_direct() -> None:
    source = Written(alias={"proxyjump": "bastion"})
    host = HostSettings(ssh_host="alias", tailscale="100.64.0.7")
    assert await names(book(host, source=source)) == ["jump", "tailscale"]
    host = HostSettings(ssh_host="alias", tailscale="100.64.0.7", routes=("direct", "tailscale"))
    first = await book(host, source=source).resolve("gpu-7")
    assert (first.route, first.jumps) == ("direct", ())


async def test_a_jump_by_flag_is_the_only_route() -> None:
    assert await names(book(ALL, overrides=Overrides(jump="flag"))) == ["jump"]
    made = book(ALL, overrides=Overrides(jump="none"))
    assert await names(made) == ["direct"]
    assert (await made.resolve("gpu-7")).host.way == DIRECT


async def test_one_route_can_be_named() -> None:
    made = book(ALL, overrides=Overrides(route="proxy"))
    assert await names(made) == ["proxy"]
    assert (await made.resolve("gpu-7")).route == "proxy"


async def test_a_route_that_is_not_there_is_told_with_the_nearest() -> None:
    with pytest.raises(ConfigError) as raised:
        await book(ALL, overrides=Overrides(route="proxi")).resolve("gpu-7")
    assert raised.value.code is Code.ROUTE_UNKNOWN
    assert "tailscale, jump, proxy" in raised.value.message
    assert raised.value.advice[0].text == "Perhaps proxy was meant."


# --- what each means ---


async def test_each_route_reaches_the_same_host_in_its_own_way() -> None:
    routes = {target.route: target for target in await book(ALL).routes("gpu-7")}
    assert {target.host.identity for target in routes.values()} == {routes["jump"].host.identity}
    assert {target.host.address for target in routes.values()} == {"192.0.2.7"}
    assert routes["jump"].host.way == DIRECT
    assert [hop.name for hop in routes["jump"].hops] == ["bastion", "gpu-7"]
    assert routes["tailscale"].host.way == Tailscale("100.64.0.7")
    assert routes["proxy"].host.way == Proxy(ProxyKind.SOCKS5, "proxy", 9050, "ada")
    assert routes["proxy_command"].host.way == ProxyCommand("relay 192.0.2.7 22")
    assert routes["cloudflare"].host.way == Cloudflare("gpu7.example.com")
    assert all(not target.jumps for name, target in routes.items() if name != "jump")


async def test_a_host_that_has_only_a_tailnet_address_is_known_by_it() -> None:
    target = await book(HostSettings(tailscale="100.64.0.7")).resolve("gpu-7")
    assert (target.route, target.host.address) == ("tailscale", "100.64.0.7")


async def test_a_jump_host_is_reached_in_its_own_way() -> None:
    made = book(
        HostSettings(address="192.0.2.7", jump="bastion"),
        bastion=HostSettings(address="192.0.2.1", proxy="http://proxy:3128"),
    )
    bastion, host = (await made.resolve("gpu-7")).hops
    assert (bastion.way, host.way) == (Proxy(ProxyKind.HTTP, "proxy", 3128), DIRECT)


BOTH = HostSettings(address="192.0.2.1", tailscale="100.64.0.1")


async def test_each_way_to_a_jump_host_is_a_route_of_its_own() -> None:
    made = book(HostSettings(address="192.0.2.7", jump="bastion", tailscale="100.64.0.7"), bastion=BOTH)
    found = {target.route: target for target in await made.routes("gpu-7")}
    assert list(found) == ["tailscale", "jump/direct", "jump/tailscale"]
    assert [found[name].hops[0].way for name in found] == [Tailscale("100.64.0.7"), DIRECT, Tailscale("100.64.0.1")]
    assert found["jump/direct"].jumps[0].identity == found["jump/tailscale"].jumps[0].identity
    assert (await made.resolve("gpu-7")).route == "tailscale"


async def test_ways_to_jump_hosts_one_behind_the_other_are_named_from_the_nearest() -> None:
    inner = HostSettings(address="10.0.0.1", routes=("jump:bastion", "direct"))
    made = book(HostSettings(address="10.0.0.2", routes=("jump:inner",)), inner=inner, bastion=BOTH)
    routes = await made.routes("gpu-7")
    assert [target.route for target in routes] == [
        "jump:inner/jump:bastion/direct",
        "jump:inner/jump:bastion/tailscale",
        "jump:inner/direct",
    ]
    assert [[hop.name for hop in target.hops] for target in routes] == [
        ["bastion", "inner", "gpu-7"],
        ["bastion", "inner", "gpu-7"],
        ["inner", "gpu-7"],
    ]


async def test_a_route_can_be_named_with_or_without_its_jump_hosts_own() -> None:
    host = HostSettings(address="192.0.2.7", jump="bastion", tailscale="100.64.0.7")
    for asked, found in [("jump", ["jump/direct", "jump/tailscale"]), ("jump/tailscale", ["jump/tailscale"])]:
        assert await names(book(host, overrides=Overrides(route=asked), bastion=BOTH)) == found


async def test_no_more_than_four_ways_to_a_jump_host_are_tried_and_none_of_its_routes_is_lost() -> None:
    many = HostSettings(
        address="192.0.2.1",
        routes=("jump:far", "direct", "tailscale", "cloudflare"),
        tailscale="t",
        cloudflare="c.example",
    )
    far = HostSettings(
        address="192.0.2.9", tailscale="t2", proxy="http://proxy:3128", routes=("direct", "tailscale", "proxy")
    )
    made = book(HostSettings(address="192.0.2.7", jump="bastion"), bastion=many, far=far)
    routes = await made.routes("gpu-7")
    assert [target.route for target in routes] == [
        "jump/jump:far/direct",
        "jump/direct",
        "jump/tailscale",
        "jump/cloudflare",
    ]
    assert "of 6 ways to it as a jump host 4 are tried" in routes[0].jumps[-1].notes


async def test_a_way_that_leads_back_is_left_out_and_noted() -> None:
    made = book(
        HostSettings(address="192.0.2.7", jump="bastion"),
        bastion=HostSettings(address="192.0.2.1", routes=("jump:gpu-7", "direct")),
    )
    (only,) = await made.routes("gpu-7")
    assert only.route == "jump"
    assert "leads back" in only.jumps[0].notes[0]
    made = book(HostSettings(jump="bastion"), bastion=HostSettings(routes=("jump:gpu-7",)))
    with pytest.raises(ConfigError, match="round in a circle"):
        await made.routes("gpu-7")


async def test_many_hosts_that_all_lead_to_each_other_are_looked_up_quickly() -> None:
    everyone = [f"h{number}" for number in range(12)]
    ways = {name: tuple(f"jump:{one}" for one in everyone if one != name) for name in everyone}
    entries = {name: HostSettings(address=f"{name}.example", routes=(*ways[name], "direct")) for name in everyone}
    entries["gpu-7"] = HostSettings(address="192.0.2.7", jump="h0")
    async with asyncio.timeout(20):
        assert len(await HostBook(settings=Settings(hosts=entries), source=NoFiles(), environ={}).routes("gpu-7")) <= 4


async def test_a_later_jump_host_is_reached_through_the_one_before_only() -> None:
    made = book(
        HostSettings(address="192.0.2.7", jump="first,inner"),
        inner=HostSettings(address="192.0.2.1", proxy="http://proxy:3128"),
    )
    assert [hop.way for hop in (await made.resolve("gpu-7")).hops] == [DIRECT, DIRECT, DIRECT]


async def test_the_proxy_of_the_environment_is_used_where_it_is_asked_for() -> None:
    host = HostSettings(address="192.0.2.7", proxy="environment")
    environ = {"ALL_PROXY": "socks5://ada:hidden@proxy"}
    target = await book(host, environ=environ).resolve("gpu-7")
    assert target.host.way == Proxy(ProxyKind.SOCKS5, "proxy", 1080, "ada")
    assert "hidden" not in repr(target)
    without = await book(host).resolve("gpu-7")
    assert (without.route, without.host.way) == ("direct", DIRECT)
    assert (await book(HostSettings(address="192.0.2.7"), environ=environ).resolve("gpu-7")).host.way == DIRECT


async def test_a_proxy_of_the_environment_that_cannot_be_read_is_told_without_its_password() -> None:
    host = HostSettings(address="192.0.2.7", proxy="environment")
    with pytest.raises(ConfigError) as raised:
        await book(host, environ={"all_proxy": "ftp://ada:hidden@proxy"}).resolve("gpu-7")
    assert "all_proxy" in raised.value.message
    assert "hidden" not in raised.value.message


# --- proxy commands ---


def tokens(**values: str) -> dict[str, str]:
    return {"h": "10.0.0.7", "k": "key-name", "n": "gpu-7", "p": "2222", "r": "ada", "%": "%", **values}


def test_every_token_of_a_proxy_command_is_replaced() -> None:
    assert expanded("relay %h:%p -l%r --name=%n -k %k 100%%", tokens()) == (
        "relay 10.0.0.7:2222 -lada --name=gpu-7 -k key-name 100%"
    )


@pytest.mark.parametrize("command", ["relay %x", "relay %", "relay %C"])
def test_a_token_that_ssh_does_not_know_is_refused(command: str) -> None:
    with pytest.raises(ValueError, match="not a token"):
        expanded(command, tokens())


@pytest.mark.parametrize("value", ["a;reboot", "$(id)", "`id`", "a b", "-oProxy", "a\nb", "a|b", "'"])
def test_no_host_or_user_brings_commands_in(value: str) -> None:
    for letter in "hknr":
        with pytest.raises(ValueError, match="mean something to the shell"):
            expanded(f"relay %{letter}", tokens(**{letter: value}))


@given(st.text(string.ascii_letters + "%hpnr -:", max_size=40))
def test_expanding_never_leaves_a_token_behind_and_never_expands_twice(command: str) -> None:
    try:
        found = expanded(command, tokens(h="100%p"))
    except ValueError:
        return
    assert found == "%".join(_by_hand(part) for part in command.split("%%"))


def _by_hand(part: str) -> str:
    values = {"h": "100%p", "p": "2222", "n": "gpu-7", "r": "ada", "k": "key-name"}
    first, *rest = part.split("%")
    return first + "".join(values[piece[0]] + piece[1:] for piece in rest)


async def test_the_name_that_was_given_is_the_entrys_or_the_aliass() -> None:
    source = Written(odd={"hostname": "192.0.2.9", "proxycommand": "relay %n %h %p %r"})
    target: Target = await HostBook(source=source, environ={}).resolve("ada@odd:2222")
    assert target.host.way == ProxyCommand("relay odd 192.0.2.9 2222 ada")
    own = book(HostSettings(address="192.0.2.7", proxy_command="relay %n %h"))
    assert (await own.resolve("me@gpu-7")).host.way == ProxyCommand("relay gpu-7 192.0.2.7")


# --- mistakes ---


@pytest.mark.parametrize(
    ("line", "told", "nearest"),
    [
        ('routes = ["direct", "tailscail"]', "did you mean tailscale?", "tailscale"),
        ('routes = ["vpn"]', "routes are direct", None),
        ('routes = ["jump:"]', "a jump host is missing", None),
        ('routes = ["jump:a b"]', "jump:a b", None),
        ('routes = ["proxy:x"]', "there is no route", "proxy"),
        ("routes = []", "it is empty", None),
        ('routes = ["jump"]', "needs a value for the key jump", None),
        ('proxy = "socks5://ada:secret@proxy"', "a password does not belong", None),
        ('proxy = "proxy:1080"', "is written as", None),
        ('proxy_command = "relay %q"', "%q is not a token", None),
        ('tailscale = "$(id)"', "cannot be a host", None),
        ('cloudflare = "-x"', "cannot be a host", None),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, line: str, told: str, nearest: str | None) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f'[hosts.gpu-7]\naddress = "192.0.2.7"\n{line}\n')
    (problem,) = check_settings(file, environ={})
    assert (problem.line, problem.nearest) == (3, nearest)
    assert told in problem.message
    assert "secret" not in problem.message
