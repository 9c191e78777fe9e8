"""Reading a proxy's address, and telling of a way."""

from __future__ import annotations

import pytest

from backend.connection.ways import (
    DIRECT,
    Cloudflare,
    Proxy,
    ProxyCommand,
    ProxyKind,
    Tailscale,
    Way,
    described,
    read_proxy,
)


@pytest.mark.parametrize(
    ("text", "proxy"),
    [
        ("socks5://proxy.example.net", Proxy(ProxyKind.SOCKS5, "proxy.example.net", 1080)),
        ("socks5h://ada@10.0.0.1:9050", Proxy(ProxyKind.SOCKS5, "10.0.0.1", 9050, "ada")),
        ("http://a%40b@proxy:3128/", Proxy(ProxyKind.HTTP, "proxy", 3128, "a@b")),
        ("https://[2001:db8::1]", Proxy(ProxyKind.HTTPS, "2001:db8::1", 443)),
    ],
)
def test_a_proxy_is_read(text: str, proxy: Proxy) -> None:
    assert read_proxy(text) == proxy


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("proxy:1080", "is written as"),
        ("socks4://proxy", "is written as"),
        ("socks5://ada:secret@proxy", "a password does not belong"),
        ("http://proxy:99999", "port"),
        ("http://proxy:port", "port"),
        ("http:///path", "a host and a port"),
        ("http://proxy/path", "nothing after"),
    ],
)
def test_what_cannot_be_a_proxy_is_refused_with_a_reason(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_proxy(text)


def test_a_password_in_the_environment_is_left_out() -> None:
    proxy = read_proxy("http://ada:secret@proxy:3128", with_password=True)
    assert proxy == Proxy(ProxyKind.HTTP, "proxy", 3128, "ada")


@pytest.mark.parametrize(
    ("way", "told"),
    [
        (DIRECT, ""),
        (ProxyCommand("nc %h"), "by the command nc %h"),
        (Proxy(ProxyKind.SOCKS5, "::1", 1080, "ada"), "through the proxy socks5://ada@[::1]:1080"),
        (Tailscale("gpu-7"), "over Tailscale, gpu-7"),
        (Cloudflare("gpu-7.example.net"), "over Cloudflare Access, gpu-7.example.net"),
    ],
)
def test_a_way_is_told_in_words(way: Way, told: str) -> None:
    assert described(way) == told
