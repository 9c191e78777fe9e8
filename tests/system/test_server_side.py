"""The server's side of a refused login: on a real OpenSSH server each reason is named, from another way in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.support.faults.places import run
from tests.support.netns import run_in
from tests.support.openssh import make_key, throw_away_user
from tests.support.program import Program, Ran
from tests.support.syslog import syslog_sshd
from tests.support.tiers import need_root
from tests.support.whole_host import make_tree, whole_host

pytestmark = [pytest.mark.sshd, pytest.mark.netns]


@dataclass(frozen=True, slots=True)
class Scene:
    """A host with an account that cannot log in as `refused`, and another way in as `admin`."""

    program: Program
    config: Path
    user: str
    home: Path

    @property
    def listed(self) -> Path:
        return self.home / ".ssh" / "authorized_keys"

    def diagnose(self, *more: str, inside: str = "admin") -> Ran:
        return self.program.run("-F", str(self.config), "--batch", "diagnose", "refused", "--inside", inside, *more)

    def story(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.diagnose("--json").out)
        return told["server_side"]  # type: ignore[no-any-return]


@contextmanager
def scene(root: Path, *lines: str, admin: str = "root") -> Iterator[Scene]:
    """Everything is in order until something is done to it. `admin`: whose account the other way in is."""
    need_root("a directory that StrictModes trusts")
    home, mine = root / "home", make_key(root / "mine")
    with (
        TemporaryDirectory(prefix="fairlead-test-", dir="/run") as trusted,
        throw_away_user(home) as user,
        syslog_sshd(
            root / "server", "StrictModes yes", f"AuthorizedKeysFile %h/.ssh/authorized_keys {trusted}/%u", *lines
        ) as server,
    ):
        Path(trusted).chmod(0o755)
        (home / ".ssh").mkdir(mode=0o700)
        listed = home / ".ssh" / "authorized_keys"
        listed.write_text(mine.with_suffix(".pub").read_text())
        listed.chmod(0o600)
        run("chown", "-R", user, str(home))
        theirs = make_key(root / "theirs")
        Path(trusted, admin).write_text(theirs.with_suffix(".pub").read_text())
        known = server.known_hosts(root / "known_hosts")
        config = root / "ssh_config"
        config.write_text(
            f"Host refused\n  User {user}\n  IdentityFile {mine}\n"
            f"Host admin\n  User {admin}\n  IdentityFile {theirs}\n"
            f"Host *\n  HostName 127.0.0.1\n  Port {server.port}\n  UserKnownHostsFile {known}\n  IdentitiesOnly yes\n"
        )
        (root / "person").mkdir()
        yield Scene(Program(root / "person"), config, user, home)


Breaks = Callable[[Scene], None]


def group_writable_home(host: Scene) -> None:
    host.home.chmod(0o775)


def open_keys(host: Scene) -> None:
    host.listed.chmod(0o666)


def foreign_keys(host: Scene) -> None:
    run("chown", "daemon", str(host.listed))


def other_key(host: Scene) -> None:
    host.listed.write_text(make_key(host.home.parent / "other").with_suffix(".pub").read_text())


def no_keys(host: Scene) -> None:
    host.listed.unlink()


def no_directory_for_keys(host: Scene) -> None:
    no_keys(host)
    host.listed.parent.rmdir()


def missing_shell(host: Scene) -> None:
    run("usermod", "-s", "/opt/no/such/shell", host.user)


def locked(host: Scene) -> None:
    run("passwd", "-q", "-l", host.user)


def expired(host: Scene) -> None:
    run("chage", "-E", "2", host.user)


def restricted(host: Scene) -> None:
    host.listed.write_text(f'from="192.0.2.1" {host.listed.read_text()}')


@pytest.mark.parametrize(
    ("breaks", "cause", "logged"),
    [
        (group_writable_home, "PATH_MODE", True),
        (open_keys, "PATH_MODE", True),
        (foreign_keys, "PATH_OWNER", True),
        (other_key, "KEY_NOT_LISTED", False),
        (no_keys, "KEYS_MISSING", False),
        (no_directory_for_keys, "KEYS_MISSING", False),
        (missing_shell, "SHELL_MISSING", True),
        (locked, "ACCOUNT_LOCKED", True),
        (expired, "ACCOUNT_EXPIRED", True),
        (restricted, "KEY_RESTRICTED", True),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_the_reason_is_named_first(breaks: Breaks, cause: str, logged: bool, tmp_path: Path) -> None:
    with scene(tmp_path) as host:
        breaks(host)
        story = host.story()
    assert [one["code"] for one in story["findings"]][:1] == [cause], story
    first = story["findings"][0]
    assert first["certain"] is logged, story
    assert first["advice"]
    assert "unknown" not in first["message"]
    assert story["log"]
    assert (story["by"], story["seen_as"], story["user"]) == ("admin", "root", host.user)


def test_who_is_not_on_the_list_is_told_so_with_the_list(tmp_path: Path) -> None:
    with scene(tmp_path, "AllowUsers root") as host:
        first = host.story()["findings"][0]
    assert (first["code"], first["certain"]) == ("USER_NOT_ALLOWED", True)
    assert "AllowUsers" in first["message"]


def test_an_account_without_a_shell_is_named_after_the_login(tmp_path: Path) -> None:
    with scene(tmp_path) as host:
        run("usermod", "-s", "/usr/sbin/nologin", host.user)
        ran = host.diagnose("--json")
        told = json.loads(ran.out)
    assert told["failed_rung"] == "session"
    assert told["server_side"]["findings"][0]["code"] == "SHELL_NOLOGIN"


def test_people_read_the_sentence_the_remedy_and_the_line_of_the_log(tmp_path: Path) -> None:
    with scene(tmp_path) as host:
        host.home.chmod(0o775)
        ran = host.diagnose()
    shown = ran.out.decode()
    assert f"{host.home} may be written by others (mode 0775)" in shown
    assert f"chmod go-w {host.home}" in shown
    assert "bad ownership or modes for directory" in shown
    assert ran.status == 255


def test_the_report_has_the_servers_side(tmp_path: Path) -> None:
    with scene(tmp_path) as host:
        host.home.chmod(0o775)
        ran = host.diagnose("--report", str(tmp_path / "r.md"))
    text = (tmp_path / "r.md").read_text()
    assert ran.status == 255
    told = text.partition("## The server's side")[2]
    assert "PATH_MODE" in told
    assert f"chmod go-w {host.home}" in told
    assert "bad ownership or modes for directory" in told


def test_what_another_user_may_not_see_is_told_and_not_guessed(tmp_path: Path) -> None:
    with throw_away_user(tmp_path / "plain") as plain, scene(tmp_path / "scene", admin=plain) as host:
        other_key(host)
        story = host.story()
    assert story["seen_as"] == plain
    assert "KEY_NOT_LISTED" not in [one["code"] for one in story["findings"]]
    hidden = " ".join(story["unseen"])
    assert str(host.listed) in hidden
    assert "/var/log/auth.log" in hidden or "log" in hidden


def test_the_refused_login_itself_is_no_way_in(tmp_path: Path) -> None:
    with scene(tmp_path) as host:
        no_keys(host)
        told = json.loads(host.diagnose("--json", inside="refused").out)
    assert told["server_side"]["error"]["code"] == "USAGE"


def test_the_advice_of_a_refused_login_names_the_other_way_in(tmp_path: Path) -> None:
    with scene(tmp_path) as host:
        no_keys(host)
        program = host.program.run("-F", str(host.config), "--batch", "diagnose", "refused", "--json")
        told = json.loads(program.out)
    auth = next(rung for rung in told["rungs"] if rung["id"] == "auth")
    assert "fairlead diagnose refused --inside admin" in [step["command"] for step in auth["advice"]]
    assert "server_side" not in told


def test_nothing_is_found_where_nothing_is_wrong(tmp_path: Path) -> None:
    with scene(tmp_path) as host:
        story = host.story()
    assert story["findings"] == [], story
    assert any("the key is in" in one for one in story["fine"])


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_whole_host_tells_it_from_its_journal(tmp_path: Path) -> None:
    """Debian as it is installed: systemd, PAM, its journal; each state is mended by the next one."""
    states = {
        "true": None,
        "chmod g+w ~far": None,  # Debian's server allows it to the group of the account's own
        "chmod g-w ~far; usermod -p '*' far; chage -E 1 far": "ACCOUNT_EXPIRED",
        "chage -E -1 far; chage -d 0 far": "PASSWORD_EXPIRED",
        "chage -d 2026-01-01 far; chmod o+w ~far": "PATH_MODE",
        "chmod o-w ~far; echo DenyUsers far >/etc/ssh/sshd_config.d/x.conf; systemctl reload ssh": "USER_NOT_ALLOWED",
    }
    mine = make_key(tmp_path / "mine")
    with whole_host(make_tree(tmp_path), tmp_path) as host:
        key = mine.with_suffix(".pub").read_text().strip()
        host.run("useradd -m -s /bin/bash far && install -d -m 700 -o far ~far/.ssh && echo far:right | chpasswd")
        host.run(f"echo '{key}' >~far/.ssh/authorized_keys; chown far ~far/.ssh/authorized_keys")
        (tmp_path / "known").write_text(f"{host.address} {host.host_key}")
        config = tmp_path / "ssh_config"
        config.write_text(
            f"Host refused\n  User far\n  IdentityFile {mine}\nHost admin\n  User root\n  IdentityFile {host.key}\n"
            f"Host *\n  HostName {host.address}\n  UserKnownHostsFile {tmp_path}/known\n  IdentitiesOnly yes\n"
        )
        (tmp_path / "person").mkdir()
        program = Program(tmp_path / "person", inside=run_in(host.net.client))
        scene_there = Scene(program, config, "far", Path("/home/far"))
        for change, cause in states.items():
            host.run(change)
            found = scene_there.story()["findings"]
            assert [one["code"] for one in found[:1]] == ([cause] if cause else []), (change, found)
