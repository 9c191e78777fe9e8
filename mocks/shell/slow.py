"""What the scripts that measure a slow host are told by a simulated one: its socket, its processors, its disk."""

from __future__ import annotations

from typing import Final

from mocks.host import SimulatedHost
from mocks.shell.run import Run
from mocks.wire import Wire

_MSS: Final = 1448
_CLIENT: Final = "198.51.100.7 51234"
_BYTES_A_SECOND: Final = 900e6
"""What its SSH server carries with one processor."""
_PIECES: Final = (1, 1, 2, 4, 8, 16)
_LONGEST: Final = 1.2
"""Seconds after which no further piece is written."""
_BARE: Final = 0.01


async def answer(run: Run, what: str, marker: str) -> int:
    """Say what the script would say, each line after `marker`."""
    match what:
        case "snapshot":
            lines = _snapshot(run)
        case "login_files":
            lines = await _login_files(run)
        case "lookup":
            lines = await _lookup(run)
        case "disk":
            lines = await _disk(run)
        case _:
            return 2
    for line in lines:
        await run.line(f"{marker} {line}")
    return 0


def _up(run: Run) -> float:
    return (run.clock.now() - run.host.booted).total_seconds()


def _carried(host: SimulatedHost) -> tuple[int, int]:
    """Bytes to and from the host over the connections that are up."""
    wires = [wire for wire in host.wires if isinstance(wire, Wire)]
    return sum(wire.sent for wire in wires), sum(wire.received for wire in wires)


def _snapshot(run: Run) -> list[str]:
    host, up = run.host, _up(run)
    machine, network = host.machine, host.network
    came, went = _carried(host)
    busy = min(machine.load[0], machine.cores) * up * 100
    out, received = went // _MSS + 40, came // _MSS + 40
    trip = max(0.02, network.round_trip * 1000)
    return [
        f"connection {_CLIENT} {host.address} {host.port}",
        f"up {up:.2f}",
        f"server {(came + went) / _BYTES_A_SECOND * 1e9:.0f} 0 1",
        f"cpu cpu {busy:.0f} 0 0 {machine.cores * up * 100 - busy:.0f} 0 0 0 0",
        f"cores {machine.cores}",
        f"load {' '.join(f'{value:.2f}' for value in machine.load)} 1/200 4242",
        "psi_cpu some avg10=0.00 avg60=0.00 avg300=0.00 total=0",
        "psi_io some avg10=0.00 avg60=0.00 avg300=0.00 total=0",
        "psi_memory some avg10=0.00 avg60=0.00 avg300=0.00 total=0",
        f"ss cubic wscale:7,7 rto:{trip + 200:.0f} rtt:{trip:.3f}/{trip / 8:.3f} mss:{_MSS} pmtu:1500 cwnd:44 "
        f"segs_out:{out} segs_in:{received} data_segs_out:{out} data_segs_in:{received} "
        f"retrans:0/{int(out * network.loss)} minrtt:{trip:.3f}",
    ]


async def _login_files(run: Run) -> list[str]:
    took, up = _BARE + run.host.faults.slow_login_files, _up(run)
    await run.clock.sleep(2 * _BARE + took)
    fields = " ".join(["S", *(["0"] * 18), f"{(up - took) * 100:.0f}"])
    full, end = up + _BARE, up + _BARE + took + _BARE
    return [
        f"begun {up:.2f}",
        f"process {run.shell.pid} (sh) {fields}",
        f"shell {run.user.shell}",
        f"bare_from {up:.2f}",
        f"bare_to {full:.2f}",
        f"full_from {full:.2f}",
        f"full_to {end:.2f}",
    ]


async def _lookup(run: Run) -> list[str]:
    up, took = _up(run), run.host.faults.slow_lookup
    await run.clock.sleep(took)
    return [f"from {up:.2f}", f"to {up + took:.2f}"]


async def _disk(run: Run) -> list[str]:
    lines, room, written, spent = [], run.host.tree.space().free >> 20, 0, 0.0
    for piece in _PIECES:
        if room // 10 < written + piece or spent >= _LONGEST:
            break
        took = (piece << 20) / run.host.machine.disk_rate
        await run.clock.sleep(took)
        written, spent = written + piece, spent + took
        lines.append(f"wrote {piece} {took * 1000:.0f}")
    return lines or ["no too little room, or dd cannot write so"]
