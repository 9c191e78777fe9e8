"""What hosts answer to the scripts that measure them: read to the digit, and nothing made of nonsense."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.diagnostics.slowness.ciphers import cipher_speed
from backend.diagnostics.slowness.loads import load_between
from backend.diagnostics.slowness.own_socket import filter_of
from backend.diagnostics.slowness.scripts import (
    LOGIN_FILES_SHELL,
    disk_script,
    found_in,
    login_files_script,
    lookup_script,
    read_disk,
    read_login_files,
    read_lookup,
    read_snapshot,
    snapshot_script,
)
from backend.diagnostics.slowness.sockets import read_socket
from backend.diagnostics.slowness.throughput import steady
from backend.diagnostics.slowness.values import DiskSpeed, Snapshot, Socket
from backend.diagnostics.slowness.words import rate_text, share_text, size_text, time_text
from tests.support.waiting import until

MARK = "mark-1"
CUBIC = (
    "cubic wscale:7,7 rto:236 rtt:35.2/4.1 ato:40 mss:1448 pmtu:1500 rcvmss:1392 advmss:1448 cwnd:32 ssthresh:24 "
    "bytes_sent:8412345 bytes_retrans:43440 bytes_acked:8368905 bytes_received:51234 segs_out:5900 segs_in:3100 "
    "data_segs_out:5840 data_segs_in:310 send 10.5Mbps lastsnd:4 pacing_rate 12.6Mbps delivery_rate 9876543bps "
    "delivered:5811 busy:8120ms rwnd_limited:2030ms(25.0%) sndbuf_limited:40ms(0.5%) unacked:3 retrans:1/30 lost:2 "
    "dsack_dups:1 rcv_space:14480 rcv_ssthresh:64088 minrtt:33.9 rcv_ooopack:17 snd_wnd:2097152"
)
SCRIPTS = [
    snapshot_script(MARK),
    login_files_script(MARK),
    lookup_script(MARK),
    disk_script(MARK, ".probe"),
]


def test_a_socket_is_read_to_the_digit() -> None:
    assert read_socket(CUBIC) == Socket(
        rtt=0.0352,
        rttvar=0.0041,
        min_rtt=0.0339,
        retransmitted=29,
        segments_out=5840,
        segments_in=310,
        out_of_order=17,
        lost=2,
        congestion_window=32,
        mss=1448,
        path_mtu=1500,
        delivery_rate=9876543 / 8,
        busy=8.12,
        receiver_limited=0.25,
        sender_limited=0.005,
    )


def test_what_ss_leaves_out_is_none_of_it() -> None:
    socket = read_socket("bbr rto:204 rtt:0.03/0.01 mss:32768 segs_out:7 minrtt:0.02")
    assert socket is not None
    assert (socket.retransmitted, socket.lost, socket.out_of_order, socket.receiver_limited) == (0, 0, 0, 0.0)
    assert (socket.segments_out, socket.delivery_rate, socket.busy) == (7, None, None)


@pytest.mark.parametrize("line", ["", "ESTAB 0 0 10.0.0.1:22 10.0.0.2:5000", "Error: an inet prefix is expected"])
def test_other_lines_are_no_socket(line: str) -> None:
    assert read_socket(line) is None


@given(st.text())
def test_no_line_breaks_the_reader(line: str) -> None:
    read_socket(line)
    read_socket(f"rtt:{line} mss:{line} retrans:{line} busy:{line} rwnd_limited:{line}")


@given(st.binary(max_size=300), st.sampled_from([b"up", b"server", b"cpu", b"psi_io", b"begun", b"process", b"wrote"]))
def test_no_answer_breaks_the_reader(said: bytes, name: bytes) -> None:
    found = found_in(b"".join(b"mark-1 %s %s\n" % (name, line) for line in said.splitlines()), MARK)
    read_snapshot(found)
    read_login_files(found)
    read_lookup(found)
    read_disk(found)


def test_a_snapshot_is_read_whole() -> None:
    answer = f"""Welcome to the machine
{MARK} connection 203.0.113.9 50514 10.0.4.7 22
{MARK} up 1234.56
{MARK} server 2500000000 100000000 31
{MARK} cpu cpu  1000 0 500 8000 200 0 100 200 0 0
{MARK} cores 2
{MARK} load 1.50 1.20 1.00 2/345 6789
{MARK} psi_cpu some avg10=12.50 avg60=0.00 avg300=0.00 total=1
{MARK} psi_io
{MARK} ss ESTAB 0 0 10.0.4.7:22 203.0.113.9:50514
{MARK} ss {CUBIC}
"""
    found = found_in(answer.encode(), MARK)
    seen = read_snapshot(found)
    assert seen.connection == "203.0.113.9 50514 10.0.4.7 22"
    assert seen.socket == read_socket(CUBIC)
    assert (seen.up, seen.server_ran, seen.server_waited) == (1234.56, 2.5, 0.1)
    assert (seen.busy, seen.idle, seen.stolen) == (16.0, 82.0, 2.0)
    assert (seen.cores, seen.load, dict(seen.pressure)) == (2, 1.5, {"cpu": 12.5})


def test_a_host_without_proc_and_ss_tells_nothing() -> None:
    answer = f"{MARK} connection 203.0.113.9 50514 10.0.4.7 22\n{MARK} server \n{MARK} cpu \n{MARK} cores \n"
    assert read_snapshot(found_in(answer.encode(), MARK)) == Snapshot(connection="203.0.113.9 50514 10.0.4.7 22")


def test_login_files_are_the_time_since_the_process_began() -> None:
    fields = " ".join(["S", *["1"] * 18, "120000", "7"])
    answer = f"""{MARK} begun 1201.40
{MARK} process 812 (a (bad) name) {fields}
{MARK} shell /bin/zsh
{MARK} bare_from 1201.40
{MARK} bare_to 1201.42
{MARK} full_from 1201.42
{MARK} full_to 1203.00
"""
    files = read_login_files(found_in(answer.encode(), MARK))
    assert files is not None
    assert files.shell == "/bin/zsh"
    assert [round(value or 0, 2) for value in (files.command, files.bare, files.interactive)] == [1.4, 0.02, 1.58]


@pytest.mark.parametrize("shell", ["sh", "bash", "csh", "fish", "ksh", "tcsh", "zsh"])
async def test_how_long_the_script_was_on_its_way_is_not_told_as_login_files(shell: str) -> None:
    if (login_shell := shutil.which(shell)) is None:
        pytest.skip(f"no {shell} on this machine; on Debian and Ubuntu: apt install {shell}")
    process = await asyncio.create_subprocess_exec(
        login_shell, "-c", LOGIN_FILES_SHELL, stdin=PIPE, stdout=PIPE, env={**os.environ, "SHELL": "/bin/sh"}
    )
    await until(lambda: Path(f"/proc/{process.pid}/cmdline").read_bytes() == b"sh\0-s\0", seconds=30)
    ready = float(Path("/proc/uptime").read_text().split()[0])
    await until(lambda: float(Path("/proc/uptime").read_text().split()[0]) > ready + 0.5, seconds=30)
    output, _ = await process.communicate(login_files_script(MARK))
    [begun] = found_in(output, MARK)["begun"]
    assert float(begun.split()[0]) <= ready


def test_numbers_of_a_thousand_digits_are_none() -> None:
    huge = "9" * 1000
    process = f"1 (sh) {' '.join(['1'] * 19)} {huge}"
    assert read_login_files({"begun": ("1",), "process": (process,)}) is None
    assert isinstance(read_disk({"wrote": (f"{huge} 5", f"1 {huge}", f"{huge} {huge}")}), str)


@pytest.mark.parametrize(
    "odd",
    [f"mss:{'9' * 400}", f"retrans:0/{'9' * 400}", f"busy:{'9' * 1900}ms", "rwnd_limited:5ms(1.2.3%)"],
    ids=["mss", "retrans", "busy", "limited"],
)
def test_what_is_no_figure_of_a_socket_is_left_out(odd: str) -> None:
    assert read_socket(f"rtt:3.1/1.5 {odd}") == read_socket("rtt:3.1/1.5")


def test_only_numeric_addresses_are_looked_for_here() -> None:
    assert filter_of("192.0.2.7 50022 192.0.2.1 22") == "src [192.0.2.7] and sport = :50022 and dport = :22"
    assert filter_of("2001:db8::7 50022 2001:db8::1 22").startswith("src [2001:db8::7]")
    for odd in ("", "evil.example 1 192.0.2.1 22", "192.0.2.7 x 192.0.2.1 22", "1]or[2 1 3 4", "192.0.2.7 1 3"):
        assert filter_of(odd) == ""


def test_the_disk_is_as_quick_as_with_its_largest_piece() -> None:
    answer = f"{MARK} wrote 1 50\n{MARK} wrote 1 40\n{MARK} wrote 2 20\n{MARK} read 4 10\n"
    assert read_disk(found_in(answer.encode(), MARK)) == DiskSpeed(4 << 20, (2 << 20) / 0.02, (4 << 20) / 0.01)
    assert read_disk(found_in(f"{MARK} no too little room".encode(), MARK)) == "too little room"


def test_shares_are_of_the_time_that_bytes_went() -> None:
    before = Snapshot(up=10.0, server_ran=1.0, server_waited=0.0, idle=5.0, stolen=0.0, cores=2, socket=Socket())
    after = Snapshot(up=14.0, server_ran=2.5, server_waited=0.5, idle=9.0, stolen=0.8, cores=2, socket=Socket())
    load = load_between(before, after, None, carried=2.0)
    assert (load.server_running, load.server_waiting, load.idle, load.stolen) == (0.75, 0.25, 0.5, 0.1)
    assert load_between(Snapshot(), after, None).server_running is None


@pytest.mark.parametrize("script", SCRIPTS, ids=["snapshot", "login_files", "lookup", "disk"])
@pytest.mark.parametrize("shell", [("sh", "-n"), ("bash", "-n")])
def test_the_scripts_are_what_a_shell_can_read(script: bytes, shell: tuple[str, ...]) -> None:
    assert subprocess.run(shell, input=script, capture_output=True, check=True).stderr == b""


def test_a_busybox_host_tells_what_it_can(tmp_path: Path) -> None:
    busybox = shutil.which("busybox")
    if busybox is None:
        pytest.skip("no busybox on this machine; on Debian and Ubuntu: apt install busybox-static")
    tools = tmp_path / "bin"
    tools.mkdir()
    subprocess.run([busybox, "--install", "-s", str(tools)], check=True)
    home = tmp_path / "home"
    home.mkdir()
    around = {"PATH": str(tools), "HOME": str(home), "SHELL": "/bin/ash", "SSH_CONNECTION": "127.0.0.1 5 127.0.0.1 22"}
    said = [
        subprocess.run(
            [busybox, "sh", "-c", LOGIN_FILES_SHELL], input=script, env=around, capture_output=True, check=True
        ).stdout
        for script in SCRIPTS
    ]
    snapshot, files, _, disk = (found_in(one, MARK) for one in said)
    assert read_snapshot(snapshot).connection.startswith("127.0.0.1 5 ")
    assert (read_snapshot(snapshot).socket, read_snapshot(snapshot).up is None) == (None, False)
    told = read_login_files(files)
    assert told is not None
    assert told.shell == "/bin/ash"
    assert isinstance(read_disk(disk), DiskSpeed)
    assert list(home.iterdir()) == []


@given(st.floats(1e3, 1e8), st.integers(8, 200))
def test_a_steady_flow_has_its_rate_and_is_even(rate: float, blocks: int) -> None:
    landed = [((number + 1) * 4096 / rate, (number + 1) * 4096) for number in range(blocks)]
    measured, evenness = steady(landed, landed[-1][0])
    assert abs(measured - rate) < 0.001 * rate
    assert evenness > 0.6


def test_how_a_flow_gets_going_does_not_count() -> None:
    slow = [(number * 0.1, number * 1000) for number in range(1, 4)]
    quick = [(0.3 + number * 0.01, 3000 + number * 1000) for number in range(1, 61)]
    measured, _ = steady([*slow, *quick], 0.9)
    assert 95_000 < measured < 101_000


def test_numbers_are_told_as_people_read_them() -> None:
    assert [time_text(value) for value in (0.0004, 0.012, 0.62, 12.1)] == ["0.4 ms", "12 ms", "620 ms", "12.1 s"]
    assert [rate_text(value) for value in (900, 3.4e6, 84e6, 2.7e9)] == ["900 B/s", "3.4 MB/s", "84 MB/s", "2.7 GB/s"]
    assert [size_text(value) for value in (2097098, 24 << 10, 16 << 20)] == ["2 MiB", "24 KiB", "16 MiB"]
    assert [share_text(value) for value in (0, 0.004, 0.97)] == ["0 %", "0.4 %", "97 %"]


@pytest.mark.parametrize(
    "name", ["aes128-gcm@openssh.com", "aes256-ctr", "aes128-cbc", "chacha20-poly1305@openssh.com"]
)
def test_known_ciphers_have_a_speed(name: str) -> None:
    assert (cipher_speed(name) or 0) > 0


def test_others_have_none() -> None:
    assert cipher_speed("arcfour") is None
