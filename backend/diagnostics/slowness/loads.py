"""What a host did between two looks at it. Pure."""

from __future__ import annotations

from dataclasses import replace

from backend.diagnostics.slowness.values import Load, Snapshot, Socket


def with_own(load: Load, before: Socket | None, after: Socket | None) -> Load:
    """`load` with what this machine's own socket counted."""
    if before is None or after is None:
        return load
    sent, again = (
        _difference(before.segments_out, after.segments_out),
        _difference(before.retransmitted, after.retransmitted),
    )
    return replace(
        load,
        own_segments_out=None if sent is None else int(sent),
        own_retransmitted=None if again is None else int(again),
    )


def load_between(before: Snapshot, after: Snapshot, during: Snapshot | None, *, carried: float | None = None) -> Load:
    """Shares of the time between, and what the server's socket counted; None for what either did not tell.

    `carried`: for so many seconds of it bytes went; that is when the server's process had something to do.
    """
    seconds = _difference(before.up, after.up)
    span = seconds if seconds else None
    whole = None if span is None or after.cores is None else span * after.cores
    worked = span if carried is None or span is None else min(span, carried)
    one, other = before.socket or Socket(), after.socket or Socket()
    sent, received = _difference(one.segments_out, other.segments_out), _difference(one.segments_in, other.segments_in)
    again, gaps = _difference(one.retransmitted, other.retransmitted), _difference(one.out_of_order, other.out_of_order)
    return Load(
        server_running=_share(_difference(before.server_ran, after.server_ran), worked),
        server_waiting=_share(_difference(before.server_waited, after.server_waited), worked),
        idle=_share(_difference(before.idle, after.idle), whole),
        stolen=_share(_difference(before.stolen, after.stolen), whole),
        retransmitted=None if again is None else int(again),
        segments_out=None if sent is None else int(sent),
        out_of_order=None if gaps is None else int(gaps),
        segments_in=None if received is None else int(received),
        rtt=during.socket.rtt if during is not None and during.socket is not None else None,
    )


def _difference(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None or after < before else after - before


def _share(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else part / whole
