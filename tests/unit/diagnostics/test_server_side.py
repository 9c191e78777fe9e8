"""The server's side, without a server: its script in real shells, hostile answers, and the order of causes."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.diagnostics.server_side.causes import SAYINGS, Cause
from backend.diagnostics.server_side.facts import Inside, KeyFileState, ListedKey, PathState, listed_key, read_inside
from backend.diagnostics.server_side.findings import ServerSide
from backend.diagnostics.server_side.judge import judge
from backend.diagnostics.server_side.log_lines import refused_logins
from backend.diagnostics.server_side.script import Question, inside_script

MARK = "fairlead-0123456789abcdef"
KEY = "SHA256:" + "k" * 43
QUESTION = Question("web-1", "deploy", "192.0.2.7", 22, (KEY,), ("publickey",))
HOME = "/home/deploy"
FILE = f"{HOME}/.ssh/authorized_keys"
SOUND = Inside(
    me="root",
    root=True,
    address="198.51.100.4",
    now=datetime(2026, 3, 1, tzinfo=UTC),
    account=True,
    account_uid="1000",
    home=HOME,
    home_there=True,
    shell="/bin/bash",
    groups=("deploy",),
    settled=True,
    settings={"usepam": ("yes",), "strictmodes": ("yes",)},
    paths=(PathState(HOME, 0o755, "1000"), PathState(f"{HOME}/.ssh", 0o700, "1000"), PathState(FILE, 0o600, "1000")),
    files=(KeyFileState(FILE, "readable", (ListedKey(1, KEY),)),),
    log_from=("journal",),
    complete=True,
)


def changed(**values: object) -> Inside:
    from dataclasses import replace

    return replace(SOUND, **values)  # type: ignore[arg-type]


def story(seen: Inside, question: Question = QUESTION) -> ServerSide:
    return judge(question, seen, by="root@web-1")


def causes(seen: Inside, question: Question = QUESTION) -> list[Cause]:
    return [one.cause for one in story(seen, question).findings]


# --- the script in real shells -----------------------------------------------------------------------------------


def asked(shell: Sequence[str], user: str) -> Inside:
    script = inside_script(Question("h", user, "127.0.0.1", 22), MARK)
    done = subprocess.run([*shell, "-s"], input=script, capture_output=True, check=True, timeout=60)
    return read_inside(done.stdout, MARK)


@pytest.mark.parametrize("shell", [("sh",), ("bash",), ("dash",), ("busybox", "sh")], ids=" ".join)
def test_any_posix_shell_comes_to_the_end_of_it(shell: tuple[str, ...]) -> None:
    if shutil.which(shell[0]) is None:
        pytest.skip(f"{shell[0]} is not installed")
    seen = asked(shell, "root")
    assert seen.complete
    assert (seen.account, seen.account_uid) == (True, "0")
    assert seen.home
    assert seen.paths[0].mode is not None


def test_busyboxs_own_tools_tell_the_same(tmp_path: Path) -> None:
    busybox = shutil.which("busybox")
    if busybox is None:
        pytest.skip("busybox is not installed")
    for name in ("sh", "ls", "cut", "head", "id", "sed", "grep", "tail", "wc", "df", "tr", "date", "uname", "ps"):
        (tmp_path / name).symlink_to(busybox)
    script = inside_script(Question("h", "root", "127.0.0.1", 22), MARK).replace(
        b"PATH=$PATH:", b"PATH=%s #" % bytes(tmp_path)
    )
    done = subprocess.run([tmp_path / "sh", "-s"], input=script, capture_output=True, check=True, timeout=60)
    seen = read_inside(done.stdout, MARK)
    assert seen.complete
    assert (seen.account_uid, seen.root) == ("0", asked(("sh",), "root").root)
    assert seen.paths == asked(("sh",), "root").paths


def test_the_journal_is_read_where_there_is_one(tmp_path: Path) -> None:
    line = "2026-03-01T10:00:00+0000 web-1 sshd[7]: User deploy not allowed because account is locked"
    journal = tmp_path / "journalctl"
    journal.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$*\" >>{tmp_path}/asked\necho '{line}'\n")
    journal.chmod(0o755)
    script = inside_script(Question("h", "root", "127.0.0.1", 22), MARK)
    environ = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(["sh", "-s"], input=script, capture_output=True, check=True, timeout=60, env=environ)
    seen = read_inside(done.stdout, MARK)
    assert "journal" in seen.log_from
    assert line in seen.log
    assert "--since -30min -n 400 _COMM=sshd" in (tmp_path / "asked").read_text()


@pytest.mark.parametrize("user", ["nobody'; touch /tmp/x; '", "$(id)", "-n", "a b", "*", "0"])
def test_an_odd_user_name_is_a_name_and_nothing_else(user: str) -> None:
    seen = asked(("sh",), user)
    assert seen.complete
    assert seen.account is False


# --- what comes back ---------------------------------------------------------------------------------------------


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [
                    "me",
                    "uid",
                    "now",
                    "path",
                    "path_is",
                    "keys",
                    "keys_are",
                    "keys_bytes",
                    "key",
                    "set",
                    "ageing",
                    "df",
                    "log",
                    "banned",
                    "label",
                    "label_of",
                    "home",
                    "shell",
                    "faillock",
                    "end",
                    "unseen",
                    "password_begins",
                    "\x1b[2J",
                ]
            ),
            st.binary(max_size=60),
        ),
        max_size=40,
    )
)
def test_whatever_a_host_answers_it_is_read_and_judged_without_harm(lines: list[tuple[str, bytes]]) -> None:
    output = b"".join(MARK.encode() + b" " + name.encode() + b" " + value + b"\n" for name, value in lines)
    told = story(read_inside(output, MARK))
    text = repr(told.to_json())
    assert "\x1b" not in text
    assert told.sentence


@given(st.binary(max_size=400))
def test_what_is_not_marked_counts_for_nothing(noise: bytes) -> None:
    assert read_inside(noise, MARK) == read_inside(b"", MARK)


@pytest.mark.parametrize(
    "answer",
    [f"df /dev/sda1 {'9' * 5000} 1 0", f"keys_bytes {'9' * 5000}", f"ageing Account expires : Jan 02, {'9' * 20}"],
    ids=["df", "keys_bytes", "ageing"],
)
def test_a_number_of_thousands_of_digits_is_none(answer: str) -> None:
    seen = read_inside(f"{MARK} home /h\n{MARK} keys /k\n{MARK} {answer}\n".encode(), MARK)
    assert (seen.full, seen.expires) == ("", None)


def test_what_was_not_told_is_unknown_and_not_fine() -> None:
    told = story(read_inside(b"", MARK))
    assert told.findings == ()
    assert told.fine == ()
    assert any("cut short" in one for one in told.unseen)
    assert any("log" in one for one in told.unseen)


def test_listed_keys_are_found_behind_options_and_comments_are_not_keys() -> None:
    blob = "AAAAC3NzaC1lZDI1NTE5AAAAIILcz9NnfXvMx0/D+c+KE0+cKCBk6huWzuQEProDTbyw"
    line = f'from="10.0.0.0/8",command="echo ssh-ed25519 x" ssh-ed25519 {blob} me@here'
    found = listed_key(line, 7)
    assert found is not None
    assert (found.line, found.options) == (7, 'from="10.0.0.0/8",command="echo ssh-ed25519 x"')
    assert found.fingerprint.startswith("SHA256:")
    assert listed_key(f"# ssh-ed25519 {blob}", 1) is None
    assert listed_key("ssh-ed25519 not-base64-at-all-not-base64-at-all-not!", 1) is None


# --- causes ------------------------------------------------------------------------------------------------------


def test_where_all_is_in_order_nothing_is_found_and_that_is_told() -> None:
    told = story(SOUND)
    assert told.findings == ()
    assert told.unseen == ()
    assert f"the key is in {FILE}, line 1" in told.fine
    assert told.sentence == "Nothing there speaks against the login of deploy."


@pytest.mark.parametrize(
    ("values", "cause"),
    [
        ({"account": False}, Cause.USER_UNKNOWN),
        ({"paths": (PathState(HOME, 0o775, "1000"),)}, Cause.PATH_MODE),
        ({"paths": (PathState(FILE, 0o600, "1001"),)}, Cause.PATH_OWNER),
        ({"files": (KeyFileState(FILE, "missing"),)}, Cause.KEYS_MISSING),
        ({"files": (KeyFileState(FILE, "readable", (ListedKey(1, "SHA256:other"),)),)}, Cause.KEY_NOT_LISTED),
        ({"files": (KeyFileState(FILE, "readable", (ListedKey(1, KEY, 'from="x"'),)),)}, Cause.KEY_RESTRICTED),
        ({"settings": {"allowusers": ("root", "ada")}}, Cause.USER_NOT_ALLOWED),
        ({"settings": {"denyusers": ("dep*",)}}, Cause.USER_NOT_ALLOWED),
        ({"settings": {"allowgroups": ("wheel",)}}, Cause.USER_NOT_ALLOWED),
        ({"settings": {"pubkeyauthentication": ("no",)}}, Cause.METHOD_OFF),
        ({"settings": {"usepam": ("no",)}, "locked": True}, Cause.ACCOUNT_LOCKED),
        ({"expires": date(2026, 2, 1)}, Cause.ACCOUNT_EXPIRED),
        ({"password_must_change": True}, Cause.PASSWORD_EXPIRED),
        ({"shell": "/opt/zsh", "shell_there": False}, Cause.SHELL_MISSING),
        ({"shell": "/usr/sbin/nologin"}, Cause.SHELL_NOLOGIN),
        ({"nologin": "/run/nologin"}, Cause.NOLOGIN_FILE),
        ({"banned": ("198.51.100.4",)}, Cause.BANNED),
        ({"full": HOME}, Cause.DISK_FULL),
        ({"labels": ((FILE, "system_u:object_r:default_t:s0"),)}, Cause.SELINUX_LABEL),
        ({"home_there": False, "paths": ()}, Cause.HOME_MISSING),
    ],
)
def test_each_state_has_its_cause_with_a_remedy(values: dict[str, object], cause: Cause) -> None:
    told = story(changed(**values))
    assert told.findings[0].cause is cause
    assert told.findings[0].advice
    assert "unknown" not in told.findings[0].sentence
    assert not told.findings[0].logged


@pytest.mark.parametrize(
    "values",
    [
        {"locked": True},  # with PAM a locked password says nothing against keys
        {"expires": date(2026, 3, 2)},
        {"settings": {"strictmodes": ("no",)}, "paths": (PathState(HOME, 0o777, "1000"),)},
        {"settings": {"allowusers": ("dep*@10.*",)}},
        {"settings": {"allowusers": ("ada",)}, "settled": False},  # another file may be included
        {"files": (KeyFileState(FILE, "closed"),)},
        {"files": (KeyFileState(FILE, "readable", (), whole=False),)},
        {"settings": {"authorizedkeyscommand": ("/usr/bin/keys",)}, "files": (KeyFileState(FILE, "missing"),)},
        {"settings": {"trustedusercakeys": ("/etc/ssh/ca.pub",)}, "files": (KeyFileState(FILE, "readable"),)},
        {"banned": ("203.0.113.9",)},
        {
            "files": (KeyFileState("/etc/keys/deploy", "readable", (ListedKey(1, KEY),)),),
            "paths": (PathState(HOME, 0o777, "1000"),),
        },
    ],
)
def test_no_false_alarm(values: dict[str, object]) -> None:
    assert causes(changed(**values)) == []


# --- the log -----------------------------------------------------------------------------------------------------


def logged(*messages: str, pid: int = 10) -> tuple[str, ...]:
    return tuple(f"2026-03-01T10:00:00+0000 web-1 sshd[{pid}]: {message}" for message in messages)


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        (f"Authentication refused: bad ownership or modes for directory {HOME}", Cause.PATH_MODE),
        ("User deploy from 198.51.100.4 not allowed because not listed in AllowUsers", Cause.USER_NOT_ALLOWED),
        ("User deploy from 198.51.100.4 not allowed because listed in DenyUsers", Cause.USER_NOT_ALLOWED),
        ("User deploy not allowed because shell /opt/x does not exist", Cause.SHELL_MISSING),
        ("User deploy not allowed because account is locked", Cause.ACCOUNT_LOCKED),
        ("Account deploy has expired", Cause.ACCOUNT_EXPIRED),
        ("pam_unix(sshd:account): account deploy has expired (account expired)", Cause.ACCOUNT_EXPIRED),
        ("Invalid user deploy from 198.51.100.4 port 5022", Cause.USER_UNKNOWN),
        ("ROOT LOGIN REFUSED FROM 198.51.100.4 port 5022", Cause.ROOT_NOT_ALLOWED),
        (f"Could not open user 'deploy' authorized keys '{FILE}': Permission denied", Cause.KEYS_UNREADABLE),
        ("userauth_pubkey: signature algorithm ssh-rsa not in PubkeyAcceptedAlgorithms [preauth]", Cause.KEY_ALGORITHM),
        ("error: Certificate invalid: expired", Cause.CERTIFICATE),
        (
            "error: maximum authentication attempts exceeded for deploy from 198.51.100.4 port 1 ssh2 [preauth]",
            Cause.TOO_MANY_TRIES,
        ),
        ("Failed password for deploy from 198.51.100.4 port 5022 ssh2", Cause.WRONG_PASSWORD),
    ],
)
def test_the_servers_words_are_certain_and_come_first(message: str, cause: Cause) -> None:
    end = "Connection closed by authenticating user deploy 198.51.100.4 port 5022 [preauth]"
    told = story(changed(log=logged(message, end), full=HOME))
    assert (told.findings[0].cause, told.findings[0].logged) == (cause, True)
    assert told.findings[0].evidence["log"] == message
    assert told.log[0].endswith(message)


def test_lines_of_other_users_and_of_logins_that_went_well_are_neither_judged_nor_shown() -> None:
    log = (
        *logged(
            "Invalid user oracle from 203.0.113.9 port 1", "Connection closed by invalid user oracle 203.0.113.9", pid=1
        ),
        *logged("User ada from 198.51.100.4 not allowed because account is locked", pid=2),
        *logged("Accepted publickey for deploy from 198.51.100.4 port 2 ssh2: ED25519 SHA256:x", pid=3),
        *logged("Server listening on 0.0.0.0 port 22.", pid=4),
    )
    assert refused_logins(log, "deploy", "198.51.100.4") == ()
    assert story(changed(log=log)).log == ()


def test_only_the_last_logins_count_as_older_reasons_may_be_mended() -> None:
    old = logged("User deploy not allowed because account is locked", pid=1)
    new = [
        line for pid in (2, 3) for line in logged("Failed publickey for deploy from 198.51.100.4 port 5 ssh2", pid=pid)
    ]
    assert Cause.ACCOUNT_LOCKED not in causes(changed(log=(*old, *new)))


def test_what_is_older_than_a_login_that_was_let_in_is_mended() -> None:
    old = logged("Account deploy has expired", pid=1)
    ended = logged("Disconnected from user deploy 198.51.100.4 port 7", pid=2)
    assert story(changed(log=(*old, *ended))).log == ()
    assert causes(changed(log=(*old, *ended))) == []
    assert causes(changed(log=(*ended, *old))) == [Cause.ACCOUNT_EXPIRED]
    assert causes(changed(log=(*old, *ended), me="deploy")) == [Cause.ACCOUNT_EXPIRED], "that is how we got in"


def test_a_private_groups_write_is_no_cause_where_the_log_does_not_say_so() -> None:
    private = (PathState(HOME, 0o775, "1000", "1000"),)
    assert causes(changed(paths=private, account_gid="1000")) == []
    assert causes(changed(paths=private, account_gid="1000", log_from=())) == [Cause.PATH_MODE]
    said = logged(f"Authentication refused: bad ownership or modes for directory {HOME}", "User deploy denied")
    assert causes(changed(paths=private, account_gid="1000", log=said)) == [Cause.PATH_MODE]
    assert causes(changed(paths=(PathState(HOME, 0o777, "1000", "1000"),), account_gid="1000")) == [Cause.PATH_MODE]


def test_days_are_read_as_chage_writes_them() -> None:
    lines = (
        "Last password change : password must be changed",
        "Password expires : password must be changed",
        "Account expires\t\t: Jan 02, 1970",
    )
    output = "".join(f"{MARK} ageing {line}\n" for line in lines).replace("\t", " ")
    seen = read_inside(output.encode(), MARK)
    assert (seen.expires, seen.password_must_change) == (date(1970, 1, 2), True)


def test_wrong_passwords_are_not_told_where_a_reason_stands_beside_them() -> None:
    log = logged(
        "User deploy not allowed because account is locked", "Failed password for deploy from 198.51.100.4 port 1"
    )
    assert causes(changed(log=log)) == [Cause.ACCOUNT_LOCKED]


def test_commands_to_copy_hold_any_path() -> None:
    odd = "/home/a b; reboot"
    told = story(changed(paths=(PathState(odd, 0o777, "1000"),), home=odd, files=()))
    assert told.findings == (), "no file of keys is below it"
    listed = KeyFileState(f"{odd}/.ssh/authorized_keys", "readable", (ListedKey(1, KEY),))
    told = story(changed(paths=(PathState(odd, 0o777, "1000"),), home=odd, files=(listed,)))
    assert told.findings[0].advice[0].command == f"chmod go-w '{odd}'"


def test_every_cause_has_words_and_a_remedy() -> None:
    assert set(SAYINGS) == set(Cause)
    assert all(saying.advice for saying in SAYINGS.values())
