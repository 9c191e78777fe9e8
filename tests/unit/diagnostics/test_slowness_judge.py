"""The verdict over measurements of known truth: for each limit the numbers that it leaves behind."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.diagnostics.slowness.judge import judge
from backend.diagnostics.slowness.report import LimitKind, SlowReport
from backend.diagnostics.slowness.table import table
from backend.diagnostics.slowness.values import (
    DiskSpeed,
    Lane,
    Load,
    LoginFiles,
    Measurements,
    PhaseTime,
    Snapshot,
    Socket,
    Transfer,
    Way,
)

MIB = 1 << 20
IDLE = Load(
    server_running=0.05,
    server_waiting=0.0,
    retransmitted=0,
    segments_out=5000,
    out_of_order=0,
    segments_in=5000,
    own_retransmitted=0,
    own_segments_out=5000,
)


def phases(trip: float, **slower: float) -> tuple[PhaseTime, ...]:
    """A handshake over a path of `trip` seconds, some phases of it longer by so many seconds."""
    trips = {"name": 0.0, "tcp": 1.0, "banner": 1.0, "kex": 2.0, "host_key": 0.0, "auth": 2.0}
    return tuple(PhaseTime("web", name, count * trip + 0.002 + slower.get(name, 0.0)) for name, count in trips.items())


def carried(way: Way, rate: float, lane: Lane = Lane.SFTP, **more: Any) -> Transfer:
    window = 2 * MIB if way is Way.UP or lane is Lane.EXEC else 16 * MIB
    return replace(Transfer(way, lane, int(rate * 3), 3.0, rate, 0.95, window, 0.1), **more)


def healthy(trip: float = 0.01, rate: float = 90e6, **more: Any) -> Measurements:
    """A host with nothing wrong, over a path of `trip` seconds that carries `rate` bytes a second."""
    seen = Measurements(
        "web",
        cipher="aes128-gcm@openssh.com",
        phases=phases(trip),
        first_command=2 * trip + 0.03,
        pings=(trip,) * 10,
        channel_open=trip,
        commands=(2 * trip + 0.01,) * 20,
        login_files=LoginFiles("/bin/bash", 0.01, 0.1, 0.01),
        transfers=tuple(carried(way, rate, lane) for way in Way for lane in Lane),
        loads=dict.fromkeys(Way, IDLE),
        before=Snapshot(socket=Socket(rtt=trip, min_rtt=trip, mss=1448, path_mtu=1500), cores=4, load=0.2),
        disk=DiskSpeed(32 * MIB, 400e6),
        cipher_speed=2e9,
    )
    return replace(seen, **more)


def both(rate: float, **more: Any) -> tuple[Transfer, ...]:
    return tuple(carried(way, rate, **more) for way in Way)


def loads(**more: Any) -> dict[Way, Load]:
    return {way: replace(IDLE, **more) for way in Way}


CASES: dict[LimitKind, Measurements] = {
    LimitKind.LOOKUP_HERE: healthy(phases=phases(0.01, name=5.0)),
    LimitKind.TCP: healthy(phases=phases(0.01, tcp=3.0)),
    LimitKind.BANNER: healthy(phases=phases(0.01, banner=4.0)),
    LimitKind.KEX: healthy(phases=phases(0.01, kex=2.0)),
    LimitKind.LOGIN: healthy(phases=phases(0.01, auth=3.0), lookup=0.02),
    LimitKind.LOOKUP_THERE: healthy(phases=phases(0.01, auth=10.0), lookup=10.0),
    LimitKind.SESSION: healthy(first_command=4.0, lookup=0.01),
    LimitKind.LOGIN_FILES: healthy(
        login_files=LoginFiles("/bin/bash", 1.4, 1.5, 0.01), commands=(1.43,) * 8, first_command=1.45
    ),
    LimitKind.COMMANDS: healthy(commands=(1.2,) * 8, first_command=1.25),
    LimitKind.DISTANCE: healthy(0.3, 60e6),
    LimitKind.WINDOW: healthy(0.62, transfers=both(2 * MIB / 0.62)[1:]),
    LimitKind.RATE: healthy(transfers=both(1.2e6)),
    LimitKind.LOSS: healthy(0.04, transfers=both(0.4e6), loads=loads(retransmitted=150)),
    LimitKind.QUEUE: healthy(before=Snapshot(socket=Socket(rtt=0.4, min_rtt=0.012, mss=1448))),
    LimitKind.DISK: healthy(disk=DiskSpeed(4 * MIB, 3e6)),
    LimitKind.CIPHER: healthy(
        cipher="3des-cbc",
        cipher_speed=24e6,
        transfers=both(17e6, cpu_here=0.97),
        loads=loads(server_running=0.95),
    ),
    LimitKind.CPU_HERE: healthy(transfers=both(30e6, cpu_here=0.99)),
    LimitKind.CPU_THERE: healthy(transfers=both(9e6), loads=loads(server_running=0.98)),
    LimitKind.HOST_BUSY: healthy(transfers=both(3e6), loads=loads(server_running=0.06, server_waiting=0.9)),
    LimitKind.UNEXPLAINED: healthy(transfers=both(2e6, evenness=0.2)),
}


@pytest.mark.parametrize("kind", LimitKind)
def test_each_limit_is_named_from_its_numbers(kind: LimitKind) -> None:
    report = judge(CASES[kind])
    assert report.limit is not None
    assert report.limit.kind is kind, report.to_json()
    assert report.limit.sentence.endswith(".")
    assert report.limit.arithmetic
    assert report.limit.remedies


@pytest.mark.parametrize(("trip", "rate"), [(0.0003, 400e6), (0.01, 90e6), (0.04, 60e6), (0.02, 45e6)])
def test_a_healthy_host_has_no_limit_and_its_numbers_are_told(trip: float, rate: float) -> None:
    report = judge(healthy(trip, rate))
    assert (report.limit, report.limits) == (None, ())
    assert report.sentence.startswith("Nothing stands out: round trip ")
    assert "Not known" not in report.sentence


def test_the_window_is_told_with_its_division() -> None:
    report = judge(CASES[LimitKind.WINDOW])
    assert report.sentence == (
        "Uploads stop at 3.4 MB/s: a window of 2 MiB over a round trip of 620 ms allows 2 MiB / 0.62 s = 3.4 MB/s."
    )


def test_a_distance_that_the_window_explains_comes_after_it() -> None:
    kinds = [limit.kind for limit in judge(CASES[LimitKind.WINDOW]).limits]
    assert kinds == [LimitKind.WINDOW, LimitKind.DISTANCE]


def test_loss_is_held_against_what_tcp_can_make_of_it() -> None:
    report = judge(CASES[LimitKind.LOSS])
    assert "3.0 % of the packets are lost" in report.sentence
    assert "1448 B / 40 ms × 1.22 / √0.030 = 255 kB/s" in report.arithmetic


def test_loss_on_the_way_up_is_known_from_our_own_socket_or_guessed_from_gaps() -> None:
    up = (carried(Way.UP, 0.5e6),)
    ours = judge(healthy(transfers=up, loads=loads(own_retransmitted=100))).limit
    theirs = judge(
        healthy(transfers=up, loads=loads(own_retransmitted=None, own_segments_out=None, out_of_order=900))
    ).limit
    assert ours is not None
    assert theirs is not None
    assert (ours.kind, theirs.kind) == (LimitKind.LOSS, LimitKind.LOSS)
    assert "2.0 % of the packets are lost on the way up" in ours.sentence
    assert theirs.confidence < ours.confidence


def test_what_a_starved_host_acknowledges_late_is_not_lost() -> None:
    starved = loads(server_running=0.05, server_waiting=0.9, own_retransmitted=300)
    limit = judge(healthy(transfers=(carried(Way.UP, 5e6),), loads=starved)).limit
    assert limit is not None
    assert limit.kind is LimitKind.HOST_BUSY


def test_packets_out_of_order_that_nobody_sent_again_are_no_loss() -> None:
    up = (carried(Way.UP, 0.5e6),)
    limit = judge(healthy(transfers=up, loads=loads(out_of_order=900))).limit
    assert limit is not None
    assert limit.kind is LimitKind.RATE


def test_a_lost_packet_makes_a_login_pause_and_is_still_what_is_named() -> None:
    seen = replace(CASES[LimitKind.LOSS], phases=phases(0.04, kex=1.2))
    assert next(limit.kind for limit in judge(seen).limits) is LimitKind.LOSS


def test_a_slow_login_is_not_blamed_on_a_name_server_that_answers() -> None:
    kinds = {limit.kind for limit in judge(CASES[LimitKind.LOGIN]).limits}
    assert LimitKind.LOOKUP_THERE not in kinds


def test_a_jump_hosts_pause_is_not_blamed_on_the_last_hosts_name_server() -> None:
    slow = (PhaseTime("bastion", "auth", 6.0), *phases(0.01))
    report = judge(healthy(phases=slow, lookup=6.0))
    assert report.limit is not None
    assert (report.limit.kind, "bastion" in report.sentence) == (LimitKind.LOGIN, True)


def test_a_transfer_that_had_no_time_to_get_going_says_nothing_about_the_line() -> None:
    short = both(17e6, seconds=1.5)
    kinds = {limit.kind for limit in judge(healthy(0.3, transfers=short)).limits}
    assert LimitKind.RATE not in kinds


def test_login_files_that_were_slow_once_are_not_what_every_command_waits_for() -> None:
    once = LoginFiles("/bin/bash", 0.9, 0.1, 0.0)
    assert LimitKind.LOGIN_FILES not in {limit.kind for limit in judge(healthy(login_files=once)).limits}
    always = judge(healthy(login_files=once, commands=(0.85,) * 20)).limit
    assert always is not None
    assert (always.kind, "waits 850 ms" in always.sentence) == (LimitKind.LOGIN_FILES, True)


def test_a_shell_that_starts_slowly_even_without_files_is_not_the_files_fault() -> None:
    slow = LoginFiles("/bin/bash", 0.08, 1.2, 0.08)
    assert LimitKind.LOGIN_FILES not in {limit.kind for limit in judge(healthy(login_files=slow)).limits}


def test_without_loss_and_processor_figures_a_rate_is_named_with_less_confidence() -> None:
    known = judge(healthy(transfers=both(1e6)))
    unknown = judge(healthy(transfers=both(1e6, cpu_here=None, window=None), loads={}))
    assert known.limit is not None
    assert unknown.limit is not None
    assert unknown.limit.kind is LimitKind.RATE
    assert unknown.limit.confidence < known.limit.confidence - 0.2


def test_what_was_not_measured_is_said_and_nothing_is_made_of_it() -> None:
    missing = {"download": "no SFTP", "upload": "no SFTP", "commands": "refused", "disk": "refused"}
    report = judge(Measurements("web", phases=phases(0.01), pings=(0.01,) * 3, missing=missing))
    assert report.limit is None
    assert "Not known: commands, downloads, uploads, disk." in report.sentence


def test_what_came_back_before_the_link_was_lost_is_not_called_unknown() -> None:
    missing = {"round_trip": "The connection to web was lost.", "commands": "The connection to web was lost."}
    rows = table(Measurements("web", pings=(0.3,) * 4, missing=missing))
    assert [row.value for row in rows if row.label == "round trip"] == ["300 ms"]
    assert [row.label for row in rows if row.value == "not known"] == ["commands"]


def test_nothing_at_all_is_said_to_be_nothing() -> None:
    assert judge(Measurements("web")).sentence == "Nothing stands out: nothing was measured."


def test_small_segments_are_noted_and_no_limit_by_themselves() -> None:
    report = judge(healthy(before=Snapshot(socket=Socket(rtt=0.01, min_rtt=0.01, mss=1180, path_mtu=1220))))
    assert report.limit is None
    assert any("1180 bytes" in note and "1220" in note for note in report.notes)


# --- properties ------------------------------------------------------------------------------------------------------

seconds = st.one_of(st.none(), st.floats(0, 1e4))
shares = st.one_of(st.none(), st.floats(0, 40))
counts = st.one_of(st.none(), st.integers(0, 10**9))
transfers = st.builds(
    Transfer,
    st.sampled_from(Way),
    st.sampled_from(Lane),
    st.integers(0, 10**10),
    st.floats(0, 1e3),
    st.floats(0, 1e11),
    st.floats(0, 1),
    st.one_of(st.none(), st.integers(0, 1 << 31)),
    shares,
)
loads_of = st.builds(Load, shares, shares, shares, shares, *[counts] * 6, seconds)
anything = st.builds(
    Measurements,
    host=st.just("web"),
    cipher=st.sampled_from(["", "aes256-ctr", "aes128-gcm@openssh.com"]),
    phases=st.lists(
        st.builds(PhaseTime, st.sampled_from(["a", "web"]), st.sampled_from(["tcp", "auth", "odd"]), st.floats(0, 99))
    ).map(tuple),
    first_command=seconds,
    pings=st.lists(st.floats(0, 50), max_size=4).map(tuple),
    commands=st.lists(st.floats(0, 50), max_size=4).map(tuple),
    login_files=st.one_of(st.none(), st.builds(LoginFiles, st.just("/bin/zsh"), seconds, seconds, seconds)),
    lookup=seconds,
    transfers=st.lists(transfers, max_size=5).map(tuple),
    loads=st.dictionaries(st.sampled_from(Way), loads_of),
    before=st.builds(Snapshot, socket=st.one_of(st.none(), st.builds(Socket, seconds, seconds, seconds, mss=counts))),
    disk=st.one_of(st.none(), st.builds(DiskSpeed, st.integers(0, 1 << 40), st.floats(0, 1e10))),
    cipher_speed=st.one_of(st.none(), st.floats(1e3, 1e10)),
)


def check(report: SlowReport) -> None:
    """What holds for every report."""
    weights = [limit.weight for limit in report.limits]
    assert weights == sorted(weights, reverse=True)
    assert all(limit.weight >= 1 and 0 <= limit.confidence <= 1 for limit in report.limits)
    assert len({limit.kind for limit in report.limits}) == len(report.limits)
    assert report.sentence.endswith(".")
    assert "nan" not in json.dumps(report.to_json(), allow_nan=False)


@given(anything)
def test_whatever_was_measured_there_is_one_answer(seen: Measurements) -> None:
    check(judge(seen))


@given(
    trip=st.floats(0.05, 2.0),
    window=st.integers(32 << 10, 2 * MIB),
    fit=st.floats(0.65, 1.1),
)
def test_a_rate_that_is_window_over_round_trip_is_the_windows(trip: float, window: int, fit: float) -> None:
    rate = window / trip * fit
    report = judge(healthy(trip, transfers=(carried(Way.UP, rate, window=window, seconds=12 * trip),)))
    assert report.limit is not None
    assert report.limit.kind is LimitKind.WINDOW
    assert math.isclose(report.limit.weight, 40e6 / rate, rel_tol=0.01)


@given(rate=st.floats(1e4, 20e6), trip=st.floats(0.001, 0.05))
def test_a_steady_rate_far_below_the_window_is_the_lines(rate: float, trip: float) -> None:
    window = int(max(4 * rate * trip, 2 * MIB))
    report = judge(healthy(trip, transfers=both(rate, window=window)))
    assert report.limit is not None
    assert report.limit.kind is LimitKind.RATE


@given(pause=st.floats(1.0, 60.0), part=st.floats(0.5, 1.2), trip=st.floats(0.0, 0.05))
def test_a_pause_as_long_as_the_lookup_is_the_lookups(pause: float, part: float, trip: float) -> None:
    report = judge(healthy(trip, phases=phases(trip, auth=pause + 2 * trip), lookup=pause * part))
    assert report.limit is not None
    assert report.limit.kind is LimitKind.LOOKUP_THERE
