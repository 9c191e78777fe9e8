"""One socket as `ss -tin` of iproute2 prints it, taken apart. Pure; what is odd is left out, never guessed."""

from __future__ import annotations

import re

from backend.diagnostics.slowness.values import Socket

_FIGURE = r"\d{1,18}(?:\.\d{1,9})?(?!\d)"
"""A host may say anything: what has more digits is no number of a socket's."""
_PAIR = re.compile(rf"({_FIGURE})/({_FIGURE})")
_NUMBER = re.compile(_FIGURE)
_LIMITED = re.compile(rf"(\d{{1,18}})ms(?:\(({_FIGURE})%\))?")


def read_socket(line: str) -> Socket | None:
    """The socket of an info line (`cubic wscale:7,7 rto:204 rtt:3.1/1.5 …`); None where it is none."""
    words = line.split()
    found: dict[str, str] = {}
    for number, word in enumerate(words):
        name, colon, value = word.partition(":")
        if colon:
            found.setdefault(name, value)
        elif name == "delivery_rate" and number + 1 < len(words):
            found.setdefault(name, words[number + 1].removesuffix("bps"))
    if "rtt" not in found and "mss" not in found:
        return None
    rtt, rttvar = _pair(found.get("rtt", ""))
    unacknowledged, retransmitted = _pair(found.get("retrans", ""))
    del unacknowledged
    bits = _number(found.get("delivery_rate"))
    return Socket(
        rtt=_seconds(rtt),
        rttvar=_seconds(rttvar),
        min_rtt=_seconds(_number(found.get("minrtt"))),
        retransmitted=max(0, int(retransmitted or 0) - (_whole(found.get("dsack_dups")) or 0)),
        segments_out=_whole(found.get("data_segs_out") or found.get("segs_out")),
        segments_in=_whole(found.get("data_segs_in") or found.get("segs_in")),
        out_of_order=_whole(found.get("rcv_ooopack")) or 0,
        lost=_whole(found.get("lost")) or 0,
        congestion_window=_whole(found.get("cwnd")),
        mss=_whole(found.get("mss")),
        path_mtu=_whole(found.get("pmtu")),
        delivery_rate=None if bits is None else bits / 8,
        busy=_busy(found.get("busy", "")),
        receiver_limited=_share(found.get("rwnd_limited", "")),
        sender_limited=_share(found.get("sndbuf_limited", "")),
    )


def _pair(text: str) -> tuple[float | None, float | None]:
    match = _PAIR.match(text)
    return (float(match[1]), float(match[2])) if match else (None, None)


def _number(text: str | None) -> float | None:
    match = _NUMBER.match(text or "")
    return float(match[0]) if match else None


def _whole(text: str | None) -> int | None:
    value = _number(text)
    return None if value is None else int(value)


def _seconds(ms: float | None) -> float | None:
    return None if ms is None else round(ms / 1000, 9)


def _busy(text: str) -> float | None:
    match = _LIMITED.match(text)
    return int(match[1]) / 1000 if match else None


def _share(text: str) -> float:
    """`1200ms(34.5%)`; what ss leaves out is nothing."""
    match = _LIMITED.match(text)
    return float(match[2]) / 100 if match and match[2] else 0.0
