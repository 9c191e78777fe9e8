"""Reading and judging deep checks: answers of real systems by table, and answers that nobody should trust."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.diagnostics.clock_offset import Offset
from backend.health.deep.disks import silent_mounts
from backend.health.deep.judging import Judge, problems, rebooted
from backend.health.deep.parts import MOST_LINES, read_answer
from backend.health.deep.script import deep_script
from backend.health.deep.seen import Seen
from backend.health.deep.thresholds import DEFAULTS, Thresholds
from backend.health.deep.values import DeepCheck, Level, Reading, worst
from backend.health.deep.words import plain
from backend.text import clean_line
from tests.unit.health.deep_answers import ALPINE, FREEBSD, MACOS, UBUNTU

NOW = 1795759901.0
OK, WARN, CRITICAL, UNKNOWN = Level.OK, Level.WARN, Level.CRITICAL, Level.UNKNOWN


def judged(answer: bytes, **seen: object) -> dict[str, Reading]:
    told = read_answer(answer)
    readings = Judge(told, Seen(now=NOW, **seen), Thresholds()).readings()  # type: ignore[arg-type]
    assert len({one.name for one in readings}) == len(readings), "a name came twice"
    return {one.name: one for one in readings}


@pytest.mark.parametrize(
    ("name", "value", "level", "text"),
    [
        ("load.per_cpu", 0.16, OK, "Load 0.64 over 5 minutes on 4 CPUs: 0.16 for each."),
        ("load.15m", 0.58, OK, "Load 0.58 over 15 min."),
        ("memory.available_ratio", 0.0374, CRITICAL, "307.2 MB of 8.2 GB memory available: 3.7 %."),
        ("swap.used_ratio", 0.714, WARN, "1.5 GB of 2.1 GB swap used: 71 %."),
        ("pressure.cpu", 0.071, OK, "Something waited for a CPU in 7.1 % of the last minute."),
        ("pressure.io", 0.814, CRITICAL, "Something waited for disks in 81 % of the last minute."),
        ("disk./.used_ratio", 0.955, WARN, "/ is 96 % full: 4.5 GB of 105.1 GB are free."),
        ("disk./.free_bytes", 4367192 * 1024, OK, "4.5 GB free on /."),
        ("disk./srv/my data.used_ratio", 0.095, OK, "/srv/my data is 9.5 % full: 194.2 GB of 214.6 GB are free."),
        ("inodes./.used_ratio", 0.94, WARN, "6,160,384 of 6,553,600 inodes of / are in use: 94 %."),
        ("mounts.read_only", 1.0, CRITICAL, "1 file system read-only that should not be: /srv/my data."),
        ("units.failed", 2.0, WARN, "2 failed units: nginx.service, snapd.service."),
        ("uptime", 3553920.36, OK, "Up for 41 d."),
        ("sockets.tcp", 14.0, OK, "14 TCP connections and listeners."),
        ("sockets.time_wait", 2.0, OK, "2 sockets in TIME_WAIT."),
        ("conntrack.used_ratio", 0.9, WARN, "236,000 of 262,144 connections tracked by the firewall: 90 %."),
        ("files.used_ratio", 0.0, OK, "1,824 file handles in use; there is no limit to speak of."),
        ("oom.kills", 3.0, OK, "3 processes were killed for want of memory since the host started."),
        ("oom.recent", 1.0, WARN, "1 process was killed for want of memory lately: java."),
        ("processes.count", 214.0, OK, "214 processes."),
        ("processes.zombies", 2.0, OK, "2 zombies among the processes."),
        ("reboot.required", 1.0, OK, "It asks to be restarted, for linux-image-6.8.0-57-generic, linux-base."),
        ("gpu.0.used_ratio", 0.861, OK, "GPU 0 (NVIDIA H100 PCIe): 70,210 of 81,559 MiB in use."),
        ("gpu.0.celsius", 96.0, CRITICAL, "GPU 0 (NVIDIA H100 PCIe) has 96 °C."),
        ("gpu.1.celsius", 41.0, OK, "GPU 1 (Tesla T4) has 41 °C."),
        (
            "disk./mnt/nas.used_ratio",
            None,
            WARN,
            "df of /mnt/nas did not answer in time: the server of this file system may be gone.",
        ),
    ],
)
def test_a_host_with_much_that_is_wrong(name: str, value: float | None, level: Level, text: str) -> None:
    one = judged(UBUNTU)[name]
    assert (one.value if value is None else pytest.approx(one.value, abs=0.002)) == value
    assert (one.level, one.text) == (level, text)


@pytest.mark.parametrize(
    ("answer", "levels"),
    [
        (
            ALPINE,
            {
                "load.per_cpu": OK,
                "memory.available_ratio": OK,
                "pressure.cpu": UNKNOWN,
                "disk./.used_ratio": OK,
                "inodes./.used_ratio": OK,
                "mounts.read_only": OK,
                "units.failed": UNKNOWN,
                "uptime": OK,
                "files.used_ratio": OK,
                "processes.count": OK,
            },
        ),
        (
            FREEBSD,
            {
                "load.per_cpu": OK,
                "memory.available_ratio": OK,
                "disk./.used_ratio": OK,
                "disk./data.used_ratio": WARN,
                "inodes./.used_ratio": OK,
                "mounts.read_only": CRITICAL,
                "uptime": OK,
                "oom.kills": UNKNOWN,
                "processes.count": OK,
            },
        ),
        (
            MACOS,
            {
                "load.per_cpu": OK,
                "memory.available_ratio": OK,
                "swap.used_ratio": OK,
                "disk./System/Volumes/Data.used_ratio": OK,
                "mounts.read_only": OK,
                "uptime": OK,
            },
        ),
    ],
    ids=["alpine", "freebsd", "macos"],
)
def test_other_systems_tell_what_they_know(answer: bytes, levels: dict[str, Level]) -> None:
    found = judged(answer)
    assert {name: found[name].level for name in levels} == levels
    assert problems(read_answer(answer)) == ()


def test_memory_of_freebsd_and_macos_is_counted_in_pages() -> None:
    assert judged(FREEBSD)["memory.available_ratio"].value == pytest.approx(500_000 * 4096 / 4294967296)
    assert judged(MACOS)["memory.available_ratio"].value == pytest.approx(420_000 * 16384 / 17179869184)
    assert "about" in judged(MACOS)["memory.available_ratio"].text


def test_optional_readings_that_are_missing_do_not_make_a_host_unknown() -> None:
    told = read_answer(ALPINE)
    readings = Judge(told, Seen(now=NOW, offset=Offset(0.0, 0.1)), Thresholds()).readings()
    check = DeepCheck("alpine", datetime.now(UTC), 0.1, readings)
    assert check.level is OK
    assert check.reading("units.failed") == Reading(
        "units.failed", None, "", UNKNOWN, "The host has no systemd: its services are not looked at.", is_optional=True
    )


def test_a_host_that_says_nothing_is_unknown_not_well() -> None:
    readings = judged(b"deep 1\nend\n")
    assert not [one for one in readings.values() if one.level is OK]
    assert {one.name for one in readings.values() if not one.is_optional} >= {
        "load.per_cpu",
        "memory.available_ratio",
        "disk./.used_ratio",
        "clock.offset",
        "uptime",
    }
    assert worst(one.level for one in readings.values() if not one.is_optional) is UNKNOWN


def test_a_df_that_hangs_makes_disks_unknown_and_is_said() -> None:
    kept = [line for line in UBUNTU.split(b"\n") if not line.startswith((b"disk", b"inode", b"done df"))]
    told = read_answer(b"\n".join(kept))
    found = {one.name: one for one in Judge(told, Seen(now=NOW), Thresholds()).readings()}
    assert (found["disk./.used_ratio"].level, found["inodes./.used_ratio"].level) == (UNKNOWN, UNKNOWN)
    assert "df, df-i did not answer in time" in problems(told)


def test_a_df_that_had_to_be_killed_counts_as_hanging() -> None:
    answer = b"deep 1\nmount /dev/sda1 / ext4 rw\ndisk status 137\ndone df\ninode status 137\ndone df-i\nend\n"
    told = read_answer(answer)
    found = {one.name: one for one in Judge(told, Seen(now=NOW), Thresholds()).readings()}
    assert found["disk./.used_ratio"].level is UNKNOWN
    assert any("did not answer in time" in one for one in problems(told))


def test_units_that_could_not_be_asked_are_unknown_not_fine() -> None:
    found = judged(b"deep 1\nsystemd yes\nend\n")["units.failed"]
    assert (found.level, found.is_optional) == (UNKNOWN, False)


@pytest.mark.parametrize(
    ("lines", "bad"),
    [
        (["mount /dev/sda1 / ext4 ro,relatime"], ["/"]),
        (["mount /dev/sda1 / ext4 ro,relatime", "fstab /dev/sda1 / ext4 ro 0 1"], []),
        (["mount /dev/sda1 / ext4 ro,relatime", "fstab /dev/sda1 / ext4 errors=remount-ro 0 1"], ["/"]),
        (["mount /dev/sda1 / ext4 rw", "mount /dev/sda1 /nix/store ext4 ro"], []),
        (["mount /dev/sda1 / ext4 rw", "mount /dev/sda1 /srv/seen ext4 ro"], []),
        (["mount tmpfs /opt/tools tmpfs ro,size=4k"], []),
        (["mount tmpfs /opt/tools tmpfs ro,size=4k", "fstab tmpfs /opt/tools tmpfs size=4k 0 0"], ["/opt/tools"]),
        (["mount /dev/sda3 /usr ext4 ro"], []),
        (["mount /dev/sda3 /home ext4 emergency_ro,relatime"], []),
        (["mount /dev/sda3 /home ext4 ro,emergency_ro"], ["/home"]),
    ],
)
def test_read_only_file_systems_that_should_not_be(lines: list[str], bad: list[str]) -> None:
    one = judged("\n".join(["deep 1", *lines, "end", ""]).encode())["mounts.read_only"]
    assert one.value == len(bad)
    assert all(mount in one.text for mount in bad)


def test_the_same_disk_under_two_mount_points_is_told_once() -> None:
    lines = [f"disk /dev/sda1 1000 950 50 95% {mount}" for mount in ("/var/lib/x/bind", "/", "/srv")]
    found = judged(("deep 1\n" + "\n".join(lines) + "\ndisk status 0\ndone df\nend\n").encode())
    assert [name for name in found if name.startswith("disk.")] == ["disk./.used_ratio", "disk./.free_bytes"]


@pytest.mark.parametrize(
    ("seconds", "uncertainty", "level", "words"),
    [
        (0.02, 0.1, OK, "right as far as can be told"),
        (3.0, 0.1, OK, "3.00 s ahead of ours"),
        (-7.0, 0.5, WARN, "7.00 s behind ours"),
        (7.0, 4.0, OK, "7.00 s ahead"),
        (-3600.0, 0.5, CRITICAL, "3600.00 s behind"),
    ],
)
def test_a_clock_is_judged_by_what_is_certain(seconds: float, uncertainty: float, level: Level, words: str) -> None:
    one = judged(ALPINE, offset=Offset(seconds, uncertainty))["clock.offset"]
    assert (one.value, one.level) == (seconds, level)
    assert words in one.text


def test_a_restart_of_the_host_is_noticed_by_its_boot_id() -> None:
    at = datetime.fromtimestamp(NOW, UTC) - timedelta(minutes=5)
    before = DeepCheck("a", at, 0.1, (Reading("oom.kills", 9.0, "", OK, ""),), boot_id="another")
    told = read_answer(ALPINE)
    assert rebooted(told, before)
    assert not rebooted(told, dataclasses.replace(before, boot_id=told.boot_id))
    assert not rebooted(told, None)
    found = judged(ALPINE, previous=before)
    assert "started anew since the check 5 min before" in found["uptime"].text
    assert found["oom.recent"].value == 0.0


def test_processes_killed_since_the_check_before_are_recent() -> None:
    at = datetime.fromtimestamp(NOW, UTC) - timedelta(minutes=5)
    before = DeepCheck("a", at, 0.1, (Reading("oom.kills", 1.0, "", OK, ""),), boot_id=read_answer(UBUNTU).boot_id)
    lines = [line for line in UBUNTU.split(b"\n") if not line.startswith(b"oom ")]
    assert judged(b"\n".join(lines), previous=before)["oom.recent"].value == 2.0


def test_an_answer_that_breaks_off_is_said() -> None:
    told = read_answer(UBUNTU[: len(UBUNTU) // 2])
    assert not told.ended
    assert "cut off" in problems(told)[0]


def test_what_login_files_print_before_is_not_read() -> None:
    assert read_answer(b"load 99 99 99\n" + ALPINE).load == (0.0, 0.01, 0.0)
    assert not read_answer(b"load 99 99 99\n").begun
    assert read_answer(b"deep thoughts\nload 99 99 99\n" + ALPINE).load == (0.0, 0.01, 0.0)


words = st.sampled_from(
    (
        *("deep 1", "load", "mem", "disk", "inode", "mount", "fstab", "unit", "gpu", "tasks", "pressure cpu some"),
        *("cert", "file_nr", "up", "socket TCP:", "oom", "conntrack", "conntrack_max", "cpus", "vm_stat", "boottime"),
        *("swapusage", "clock", "done", "systemd", "reboot", "reboot_for", "skipped", "bsdmount", "oom_kill"),
    )
)
junk = st.one_of(
    st.text(max_size=60),
    st.from_regex(r"(\S+ )?-?\d{1,30}(\.\d+)? \d{1,30} -?\d{1,30} \d{1,3}% /\S*", fullmatch=True),
    st.from_regex(r"[a-z]+[:=] ?\d{1,25} kB", fullmatch=True),
)
lines = st.tuples(words, junk).map(lambda pair: f"{pair[0]} {pair[1]}".encode("utf-8", "surrogatepass"))
hostile = st.lists(st.one_of(lines, st.binary(max_size=80)), max_size=60).map(
    lambda all_: b"deep 1\n" + b"\n".join(all_)
)


@given(hostile)
def test_whatever_a_host_says_is_read_bounded_and_clean(answer: bytes) -> None:
    told = read_answer(answer)
    readings = Judge(told, Seen(now=NOW, offset=Offset(0, 0)), Thresholds()).readings()
    assert len({one.name for one in readings}) == len(readings) < 300
    for one in readings:
        assert clean_line(one.text + one.name) == one.text + one.name
        assert len(one.text) < 2000
        assert len(one.name) < 300
        assert one.value is None or one.value == one.value
    check = DeepCheck("evil", datetime.now(UTC), 0.0, readings, problems(told))
    assert DeepCheck.from_json(json.loads(json.dumps(check.to_json()))).level is check.level


def test_an_endless_answer_is_cut_and_said() -> None:
    told = read_answer(b"deep 1\n" + b"disk /dev/x 10 5 5 50% /a\n" * (MOST_LINES * 2))
    assert told.cut
    assert len(told.disks) <= 64
    assert "said too much" in " ".join(problems(told))


def test_limits_of_the_person_win_over_the_defaults() -> None:
    own = Thresholds({"disk.*.used_ratio": (0.5, 0.6), "disk./srv/my data.used_ratio": (), "load.per_cpu": (0.1,)})
    assert own.of("disk./.used_ratio").judge(0.55) is WARN
    assert own.of("disk./.used_ratio").judge(0.60) is CRITICAL
    assert own.of("disk./srv/my data.used_ratio").judge(1.0) is OK
    assert own.of("load.per_cpu").judge(900.0) is WARN
    assert own.of("memory.available_ratio") == DEFAULTS["memory.available_ratio"]
    assert Thresholds({"memory.available_ratio": (0.5, 0.2)}).of("memory.available_ratio").judge(0.3) is WARN


def test_the_script_is_plain_ascii_and_has_no_place_left_empty() -> None:
    script = deep_script()
    assert script.isascii()
    assert b"@" not in script.replace(b'"$@"', b"")


@pytest.mark.parametrize("shell", [("sh",), ("bash",), ("busybox", "sh")], ids=" ".join)
def test_a_mount_point_with_odd_signs_is_one_word_in_any_shell(shell: tuple[str, ...], tmp_path: Path) -> None:
    """Some shells' `echo` would turn `\\040` into a space, and `\\012` into a line of its own."""
    if shutil.which(shell[0]) is None:
        pytest.skip(f"there is no {shell[0]}")
    mounts = tmp_path / "mounts"
    mounts.write_text("nas:/x /mnt/my\\040disk nfs4 rw 0 0\n/dev/sdb /mnt/a\\012reboot\\040yes ext4 rw 0 0\n")
    script = deep_script().replace(b"/proc/self/mounts", str(mounts).encode())
    ran = subprocess.run([*shell, "-s"], input=script, capture_output=True, check=True, timeout=60)
    told = read_answer(ran.stdout)
    assert [(one.mount, one.kind) for one in told.mounts] == [
        ("/mnt/my disk", "nfs4"),
        (plain(b"/mnt/a\\012reboot\\040yes"), "ext4"),
    ]
    assert {"df /mnt/my disk", "df-i /mnt/my disk"} <= told.done
    assert silent_mounts(told) == ()
