"""The live connection: who is logged in, how, over which route, with what crypto, and how long a round trip takes; and
which other names share it."""

from __future__ import annotations

from textual.content import Content

from tui.detail.details import HostDetails
from tui.detail.routes import route_row
from tui.detail.table import room_in, side_by_side, table
from tui.format import latency_text
from tui.glyphs import Glyphs, sparkline
from tui.hosts import HostView

_BARS = 20


def link_block(details: HostDetails, glyphs: Glyphs, width: int) -> Content:
    """Its rows; without a connection only the routes, where there is something to say of them."""
    facts, view = details.facts, details.view
    if facts is None:
        return table([route_row(details, glyphs, width)], width)
    login = f" {glyphs.dot} ".join(part for part in (facts.auth_method, facts.auth_detail) if part)
    return table(
        [
            ("who", f"{facts.user}@{facts.address}"),
            route_row(details, glyphs, width),
            ("login", login),
            ("shared", f"with {', '.join(details.shared_with)}" if details.shared_with else ""),
            ("crypto", crypto_words(facts.kex, facts.cipher, glyphs, room_in(width))),
            ("server", facts.server_version),
            ("host key", facts.host_key),
            ("latency", _latency(view, glyphs) if view.latencies else ""),
        ],
        width,
    )


def is_post_quantum(kex: str) -> bool:
    """Whether a key exchange keeps what is recorded today from a quantum computer of tomorrow.

    The hybrids of draft-ietf-sshm-mlkem-hybrid-kex and OpenSSH's sntrup761x25519 do.
    """
    return "mlkem" in kex or "sntrup" in kex


def crypto_words(kex: str, cipher: str, glyphs: Glyphs, room: int) -> Content:
    """`mlkem768x25519 · aes128-gcm  post-quantum`"""
    names = f" {glyphs.dot} ".join(dict.fromkeys(algorithm(name) for name in (kex, cipher) if name))
    if not kex:
        return Content(names)
    note = ("post-quantum", "$success") if is_post_quantum(kex) else ("not post-quantum", "$quiet")
    return side_by_side([Content(names), Content.styled(*note)], room)


def algorithm(name: str) -> str:
    """`aes128-gcm@openssh.com` is `aes128-gcm`; the full names are in the ladder."""
    return name.partition("@")[0].removesuffix("-sha256").removesuffix("-sha512")


def _latency(view: HostView, glyphs: Glyphs) -> Content:
    bars = sparkline(view.latencies, _BARS, glyphs)
    least, most = latency_text(min(view.latencies)), latency_text(max(view.latencies))
    spread = "" if least == most else f"  {least} to {most}"
    now = f"{latency_text(view.latencies[-1])}  "
    return Content.assemble(now, (bars, "$accent"), (spread, "$quiet"))
