"""The commands of a simulated host: the plain ones against the machine's own, the others by what they tell."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from backend.commands.quoting import wrap
from backend.connection.connector import ExitReport
from mocks.clock import VirtualClock
from mocks.content import Content, noise
from mocks.host import Cluster, Gpu, Job, Machine, Process, Service, SimulatedHost, User
from mocks.nodes import Directory, File, NumberedFiles
from mocks.shell.process import HostProcess
from mocks.shell.run import COMMANDS
from tests.unit.mocks.shells import sh, small_host

LINES = "b 2\na 10\nc 1\na 10\n\nB 3\n"
COMPARED = [
    "cat f g",
    "cat f - < g",
    "cat -- f",
    "head -n 2 f",
    "head -2 f",
    "head -c 5 f",
    "head -n 0 f",
    "head -n 1 f g",
    "tail -n 2 f",
    "tail -3 f",
    "tail -n +3 f",
    "tail -c 4 f",
    "seq 5 | tail -n 2",
    "wc -l f",
    "wc -c < f",
    "wc -w f",
    "wc -l f g",
    "sort f",
    "sort -r f",
    "sort -u f",
    "sort -n g",
    "sort f | uniq -c",
    "sort f | uniq",
    "grep a f",
    "grep -v a f",
    "grep -i b f",
    "grep -n a f",
    "grep -c a f",
    "grep -q zzz f; echo $?",
    "grep a f g",
    "grep -E '^(a|c)' f",
    "grep -F . f; echo $?",
    "cut -d ' ' -f 2 f",
    "tr a-z A-Z < f",
    "tr -d a < f",
    "tee copy < f; cat copy",
    "sha256sum f",
    "sha256sum -- 'f' g",
    "sha256sum < f",
    "head -c 7 -- 'f' | sha256sum",
    "printf 'f\\0g\\0' | xargs -0 sha256sum",
    "seq 3 | xargs echo",
    'printf \'a\n b c\n\nrest\' | (while IFS= read -r p && [ -n "$p" ]; do set -- "$@" "$p"; done; echo $#; cat)',
    "printf 'a\nb\n' | (n=\"$(cat)\"; printf '%s\n' \"$n\" | tr '\\n' '\\0' | xargs -0 echo)",
    "tar -c -f t f g && rm f g && tar -x -p -f t && cat f g",
    "printf './f\\0./g\\0' | tar -c -f - --null --no-recursion -T - | tar -t -f -",
    "tar -c -f t f; echo new > f; tar -x -k -f t 2>/dev/null; echo $?; cat f",
    "mkdir d && cp f d && tar cf t d && rm -r d && tar xf t && ls d",
    "md5sum f",
    "base64 f | base64 -d",
    "basename /a/b; dirname /a/b",
    "seq 3; seq 2 4; seq 1 2 7; seq 3 -1 1",
    "mkdir d && cp f d && ls d",
    "mkdir -p d/e && cp -r d d2 && ls d2",
    "mv f h && ls",
    "mkdir d; mv f d; ls d",
    "rm f; ls",
    "mkdir d; touch d/x; rm -r d; ls",
    "rm -f nowhere; echo $?",
    "rmdir nowhere 2>/dev/null; echo $?",
    "ln -s f l; readlink l; cat l",
    "ls -a",
    "ls -1",
    "ls nowhere 2>/dev/null; echo $?",
    "ls -d f g",
    "touch new; test -f new && echo made",
    "truncate -s 3 f; cat f",
    "find . -type f | sort",
    "find . -name 'f*'",
    "mkdir d; touch d/x; find . -type d | sort; find d -maxdepth 0",
    "stat -c '%s %a %F' f",
    "chmod 600 f; stat -c %a f",
    "sleep 0; echo slept",
    "true; :; echo $?",
]


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="no GNU commands to compare with")
@pytest.mark.parametrize("script", COMPARED)
async def test_it_prints_what_the_real_command_prints(script: str, tmp_path: Path) -> None:
    (tmp_path / "f").write_text(LINES)
    (tmp_path / "g").write_text("3\n20\n1\n")
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LC_ALL": "C"}
    command = ["sh", "-c", f"umask 022; {script}"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=False)
    host = small_host()
    # The real directory has nothing else in it.
    for name in (b".bashrc", b".profile"):
        host.tree.remove(b"/home/ada/" + name)
    host.add_text("/home/ada/f", LINES, owner="ada")
    host.add_text("/home/ada/g", "3\n20\n1\n", owner="ada")
    output, _, report = await sh(host, script)
    shown = sorted(output.split(b"\n")) if script.startswith(("ls", "find")) else output.split()
    expected = sorted(done.stdout.split(b"\n")) if script.startswith(("ls", "find")) else done.stdout.split()
    assert (shown, report.status) == (expected, done.returncode)


async def out(host: SimulatedHost, command: str) -> str:
    """What a command prints, which must succeed."""
    output, errors, report = await sh(host, command)
    assert report == ExitReport(0), errors
    return output.decode()


async def test_every_command_can_be_called_without_arguments() -> None:
    endless = {"yes", "journalctl"}
    for name in sorted(set(COMMANDS) - endless):
        _, errors, report = await sh(small_host(), name)
        assert report.signal is None and report.status != 70, (name, errors)


async def test_every_command_survives_nonsense() -> None:
    for name in sorted(set(COMMANDS) - {"yes"}):
        _, errors, report = await sh(small_host(), f"{name} -n x -Z --what '' /nowhere '\\' < /dev/null")
        assert report.signal is None and report.status != 70, (name, errors)


async def test_an_unknown_command_is_not_found() -> None:
    assert await sh(small_host(), "foo") == (b"", b"sh: 1: foo: not found\n", ExitReport(127))


async def test_a_script_of_ones_own_may_not_be_run_by_its_name() -> None:
    host = small_host()
    host.add_text("/home/ada/run.sh", "echo ran", owner="ada")
    assert (await sh(host, "./run.sh"))[2] == ExitReport(126)
    assert await out(host, "sh ./run.sh") == "ran\n"


async def test_the_login_of_a_command_is_told_by_the_usual_commands() -> None:
    host = small_host()
    assert await out(host, "whoami; hostname; pwd; echo $HOME $USER") == "ada\nbox\n/home/ada\n/home/ada ada\n"
    assert (await out(host, "id")).startswith("uid=1000(ada) gid=1000(ada)")
    assert "Linux box" in await out(host, "uname -a")


async def test_times_come_from_the_clock() -> None:
    clock = VirtualClock()
    host = small_host(clock)
    assert await out(host, "date +%H:%M; sleep 3600; date +%H:%M") == "09:41\n10:41\n"
    assert "up 41 days" in await out(host, "uptime")


async def test_a_long_listing_shows_mode_owner_size_date_and_where_links_lead() -> None:
    host = small_host()
    host.add_text("/home/ada/f", "12345", owner="ada", mode=0o640, age=timedelta(hours=1))
    host.add_link("/home/ada/l", "f", owner="ada", age=timedelta(days=400))
    lines = (await out(host, "ls -l")).splitlines()
    assert lines[1].split() == ["-rw-r-----", "1", "ada", "ada", "5", "Mar", "2", "08:41", "f"]
    assert lines[2].split()[-4:] == ["2025", "l", "->", "f"]


async def test_permissions_hold_in_the_shell() -> None:
    host = small_host()
    host.add_text("/etc/secret", "x", mode=0o600)
    assert await sh(host, "cat /etc/secret") == (b"", b"cat: /etc/secret: Permission denied\n", ExitReport(1))
    assert (await sh(host, "echo x > /etc/new"))[2] == ExitReport(2)
    assert (await sh(host, "rm /etc/hostname"))[2] == ExitReport(1)


async def test_a_full_disk_is_told_by_whoever_writes() -> None:
    host = small_host()
    host.fill_disk(free=3)
    _, errors, report = await sh(host, "echo too long > f")
    assert b"No space left on device" in errors and report == ExitReport(1)


async def test_names_that_are_not_utf_8_pass_through_the_shell() -> None:
    host = small_host()
    place = host.tree.find(b"/home/ada/caf\xe9")
    place.parent.entries[b"caf\xe9"] = File(0o644, 1000, 1000, content=Content(b"odd"))
    assert (await sh(host, b"cat caf\xe9; ls | grep caf"))[0] == b"oddcaf\xe9\n"
    assert (await sh(host, b"echo caf*"))[0] == b"caf\xe9\n"


async def test_the_commands_of_transfers_give_the_same_hash_as_here() -> None:
    host = small_host()
    content = Content(base=noise(4), size=3_000_000)
    host.add("/home/ada/it's big", File(0o644, content=content), owner="ada")
    whole, part = content.read(0, 3_000_000), content.read(0, 1_000_001)
    script = b"head -c 1000001 < 'it'\\''s big' | sha256sum\n"
    output, _, report = await sh(host, b"exec sh -s", script)
    assert output.split()[0].decode() == hashlib.sha256(part).hexdigest() and report == ExitReport(0)
    output, _, _ = await sh(
        host, b"exec sh -c 'xargs -0 sha256sum 2>/dev/null; exit 0'", b"/home/ada/it's big\0/none\0"
    )
    assert output.decode() == f"{hashlib.sha256(whole).hexdigest()}  /home/ada/it's big\n"


@pytest.mark.parametrize("command", [b'pwd; echo "$A"', b'pwd\necho "$A"\n'])
async def test_wrapped_commands_run_where_and_with_what_they_should(command: bytes) -> None:
    wrapped = wrap(command, cwd=b"/var/log", env={"A": "x 'y'\nz"})
    assert await sh(small_host(), wrapped) == (b"/var/log\nx 'y'\nz\n", b"", ExitReport(0))


async def test_a_directory_that_cannot_be_entered_ends_a_wrapped_command() -> None:
    _, errors, report = await sh(small_host(), wrap(b"echo never", cwd=b"/nowhere"))
    assert report == ExitReport(126) and b"nowhere" in errors and b"fairlead: not run" in errors


async def test_following_a_file_prints_what_is_appended() -> None:
    host = small_host()
    host.add_text("/home/ada/log", "first\n", owner="ada")
    process = HostProcess(host, host.users["ada"], b"tail -f log")
    chunk = await process.output.get()
    assert chunk is not None and chunk.data == b"first\n"
    await out(host, "echo more >> log")
    chunk = await process.output.get()
    assert chunk is not None and chunk.data == b"more\n"
    await process.close()


async def test_logs_that_live_grow_by_themselves() -> None:
    host = small_host()
    host.live_logs.add(host.add("/var/log/app.log", File(0o644, content=Content(b"old\n"))))
    lines = (await out(host, "tail -f /var/log/app.log | head -n 4")).splitlines()
    assert lines[0] == "old" and all("box" in line for line in lines[1:])


SERVICES = (
    Service("web", "Web server", pid=77, log=("served # pages",), every=timedelta(seconds=2)),
    Service("backup", "Nightly backup", active="failed", sub="failed", log=("no room",)),
)


def served_host() -> SimulatedHost:
    host = SimulatedHost("box", users=(User("ada"),), services=SERVICES, clock=VirtualClock())
    host.processes[77] = Process(77, "root", "web --serve")
    host.processes[78] = Process(78, "ada", "python job.py")
    return host


async def test_units_are_listed_and_the_failed_ones_apart() -> None:
    assert "web.service" in await out(served_host(), "systemctl list-units")
    failed = await out(served_host(), "systemctl list-units --failed")
    assert "backup.service" in failed and "web.service" not in failed


async def test_the_status_of_a_unit_is_also_its_exit_status() -> None:
    host = served_host()
    assert "active (running)" in await out(host, "systemctl status web")
    assert (await sh(host, "systemctl status backup"))[2] == ExitReport(3)
    assert (await sh(host, "systemctl status none"))[2] == ExitReport(4)
    assert (await sh(host, "systemctl is-active backup"))[0] == b"failed\n"


async def test_the_journal_can_be_followed_and_is_the_same_each_time() -> None:
    host = served_host()
    assert await out(host, "journalctl -u web -n 3") == await out(host, "journalctl -u web -n 3")
    lines = (await out(host, "journalctl -u web -f | head -n 15")).splitlines()
    assert len(lines) == 15 and all("web[77]: served" in line for line in lines)
    assert host.clock.monotonic() > 0


async def test_processes_are_listed_and_ones_own_can_be_killed() -> None:
    host = served_host()
    assert "python job.py" in await out(host, "ps aux")
    assert (await sh(host, "kill 77"))[2] == ExitReport(1)
    await out(host, "kill 78")
    assert "python job.py" not in await out(host, "ps aux")
    assert (await sh(host, "kill 78"))[2] == ExitReport(1)


async def test_what_a_machine_lacks_is_not_found() -> None:
    for command in ("nvidia-smi", "squeue", "sinfo", "module list"):
        assert (await sh(small_host(), command))[2] == ExitReport(127)
    assert (await sh(small_host(), "command -v nvidia-smi"))[2] == ExitReport(1)


async def test_graphics_cards_are_shown() -> None:
    host = small_host(machine=Machine(gpus=(Gpu("Big", 80_000, 1_234, 99, 70, "train"),)))
    shown = await out(host, "nvidia-smi")
    assert "Big" in shown and "1234MiB" in shown and "train" in shown


async def test_a_cluster_has_a_queue_and_modules() -> None:
    jobs = (
        Job(1, "gpu", "mine", "ada", "R", timedelta(hours=1), 2, "node[1-2]"),
        Job(2, "gpu", "other", "bob", "PD", timedelta(), 1, "(Priority)"),
    )
    cluster = Cluster((("gpu", "1:00:00", "idle", 4, "node[1-4]"),), jobs, ("gcc/13.2", "cuda/12.8"))
    host = small_host(machine=Machine(cluster=cluster))
    assert "other" in await out(host, "squeue")
    mine = await out(host, "squeue --me -h")
    assert mine.split() == ["1", "gpu", "mine", "ada", "R", "1:00:00", "2", "node[1-2]"]
    assert "node[1-4]" in await out(host, "sinfo")
    _, listed, _ = await sh(host, "module load gcc && module list")
    assert b"gcc/13.2" in listed
    assert await out(host, "module load cuda; echo $LOADEDMODULES") == "cuda/12.8\n"
    assert b"unknown" in (await sh(host, "module load nothing"))[1]


async def test_sudo_is_for_those_who_are_in_its_group() -> None:
    users = (User("ada", 1000), User("eve", 1001, groups=(("sudo", 27),)))
    host = SimulatedHost("box", users=users, clock=VirtualClock())
    assert (await sh(host, "sudo whoami"))[2] == ExitReport(1)
    host.users["ada"] = User("ada", 1000, groups=(("sudo", 27),))
    assert await out(host, "sudo whoami; whoami") == "root\nada\n"


async def test_a_directory_of_a_hundred_thousand_is_listed() -> None:
    host = small_host()
    entries = NumberedFiles(100_000, "f-{:06}", lambda number: File(0o644, content=Content(b"x" * (number % 3))))
    host.add("/srv/many", Directory(0o755, entries=entries))
    assert await out(host, "ls /srv/many | wc -l; ls /srv/many | tail -n 1") == "100000\nf-099999\n"
