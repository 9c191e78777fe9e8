"""Faults of logging in: keys, agents, certificates, passwords, and accounts that the server turns away."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from backend.connection.target import Hop
from backend.diagnostics.rungs import RungId
from backend.errors import Code
from tests.support.asyncssh_server import Door, ssh_server
from tests.support.faults.model import NAME, Fault, fault, fault_for_people
from tests.support.faults.places import USUAL, account, in_thread, run, server
from tests.support.openssh import Sshd, make_key
from tests.support.pam import PASSWORD, password_server
from tests.support.stubborn_agent import stubborn_agent
from tests.support.tiers import need_root


def _without_keys(hop: Hop) -> Hop:
    return replace(hop, identity_files=(), identities_named=False)


def _denied(hop: Hop, code: Code = Code.AUTH_DENIED) -> Fault:
    return Fault((hop,), RungId.AUTH, code)


# --- secrets and keys --------------------------------------------------------------------------------------------


@fault
def wrong_password(root: Path) -> Iterator[Fault]:
    """A password that is not the account's."""
    with server(root, "PasswordAuthentication yes", "PubkeyAuthentication no") as (_, hop):
        yield replace(_denied(_without_keys(hop)), secret="not the password")


@fault
def nobody_to_ask(root: Path) -> Iterator[Fault]:
    """The server wants a password, and nobody is there to type it."""
    with server(root, "PasswordAuthentication yes", "PubkeyAuthentication no") as (_, hop):
        yield _denied(_without_keys(hop), Code.NEEDS_PERSON)


@fault
def no_usable_key(root: Path) -> Iterator[Fault]:
    """The server wants a key, and there is none."""
    with server(root) as (_, hop):
        yield _denied(_without_keys(hop), Code.AUTH_NO_METHOD)


@fault
def refused_key(root: Path) -> Iterator[Fault]:
    """There is a key, and the account does not list it."""
    with server(root) as (_, hop):
        yield _denied(replace(hop, identity_files=(make_key(root / "stranger"),)))


@fault
def too_many_keys(root: Path) -> Iterator[Fault]:
    """The server hangs up before the right key's turn."""
    with server(root, "MaxAuthTries 2") as (_, hop):
        strangers = tuple(make_key(root / f"stranger{number}") for number in range(3))
        yield _denied(replace(hop, identity_files=(*strangers, *hop.identity_files)), Code.AUTH_TOO_MANY)


@fault
def open_key_file(root: Path) -> Iterator[Fault]:
    """A private key that everybody may read."""
    with server(root) as (_, hop):
        hop.identity_files[0].chmod(0o644)
        yield _denied(hop, Code.AUTH_KEY_PERMISSIONS)


@fault
def missing_key_file(root: Path) -> Iterator[Fault]:
    """The key that is named is not there."""
    with server(root) as (_, hop):
        yield _denied(replace(hop, identity_files=(root / "gone",)), Code.AUTH_KEY_MISSING)


@fault
def damaged_key_file(root: Path) -> Iterator[Fault]:
    """The key file is cut short."""
    with server(root) as (_, hop):
        key = hop.identity_files[0]
        key.write_text("".join(key.read_text().splitlines(keepends=True)[:3]))
        yield _denied(hop, Code.AUTH_KEY_UNREADABLE)


@fault_for_people
def wrong_passphrase(root: Path) -> Iterator[Fault]:
    """What is typed does not open the key."""
    with server(root) as (running, hop):
        locked = make_key(root / "locked", passphrase="right")
        running.authorize(locked)
        failing = _denied(replace(hop, identity_files=(locked,)), Code.AUTH_PASSPHRASE)
        yield replace(failing, secret="wrong")


@fault
def agent_says_no(root: Path) -> Iterator[Fault]:
    """The server would take the agent's key, and the agent does not sign."""
    with server(root) as (running, hop):
        key = make_key(root / "held")
        running.authorize(key)
        with in_thread(stubborn_agent(root / "agent", key)) as socket:
            yield _denied(replace(_without_keys(hop), agent_socket=socket), Code.AUTH_AGENT_REFUSED)


# --- certificates ------------------------------------------------------------------------------------------------


@contextmanager
def certified(root: Path, validity: str, principals: str = "") -> Iterator[Hop]:
    """A server that trusts an authority, and a hop with its certificate of that `validity` (ssh-keygen -V)."""
    root.mkdir(parents=True, exist_ok=True)
    authority = make_key(root / "authority")
    with server(root, f"TrustedUserCAKeys {authority}.pub") as (running, hop):
        running.authorized_keys.write_text("")
        key = hop.identity_files[0]
        names = principals or hop.user
        command = ["ssh-keygen", "-q", "-s", str(authority), "-I", "me", "-n", names, "-V", validity, f"{key}.pub"]
        subprocess.run(command, check=True, capture_output=True)
        yield hop


@fault
def certificate_expired(root: Path) -> Iterator[Fault]:
    """It was good until last year."""
    with certified(root, "20200101:20250101") as hop:
        yield _denied(hop, Code.AUTH_CERTIFICATE)


@fault
def certificate_not_yet_valid(root: Path) -> Iterator[Fault]:
    """It will be good in some days: or one of the clocks is wrong."""
    with certified(root, "+5d:+10d") as hop:
        yield _denied(hop, Code.AUTH_CERTIFICATE)


@fault
def certificate_for_another(root: Path) -> Iterator[Fault]:
    """It is good, and made out to somebody else."""
    with certified(root, "-5m:+1d", principals="somebody-else") as hop:
        yield _denied(hop)


# --- passwords of accounts ---------------------------------------------------------------------------------------


@fault_for_people
def password_expired(root: Path) -> Iterator[Fault]:
    """PAM wants a new password, and nobody gives one."""
    with password_server(root) as (running, user):
        run("chage", "-d", "0", user)
        hop = running.hop(known=running.known_hosts(root / "known"), name=NAME, user=user, timeouts=USUAL)
        expired = _denied(replace(hop, auth_methods=("keyboard-interactive",)), Code.AUTH_PASSWORD_EXPIRED)
        yield replace(expired, answers=(PASSWORD,))


@fault
def password_expired_after_the_login(root: Path) -> Iterator[Fault]:
    """The old password is taken, and then nothing may be done but change it, on a terminal."""
    with password_server(root) as (running, user):
        run("chage", "-d", "0", user)
        hop = running.hop(known=running.known_hosts(root / "known"), name=NAME, user=user, timeouts=USUAL)
        expired = Fault((replace(hop, auth_methods=("password",)),), RungId.SESSION, Code.AUTH_PASSWORD_EXPIRED)
        yield replace(expired, secret=PASSWORD)


@fault_for_people
def asks_on_and_on(root: Path) -> Iterator[Fault]:
    """A server that never decides."""
    questions = [("", "", [("More? ", True)], ["no"])] * 300
    root.mkdir(parents=True, exist_ok=True)
    with in_thread(ssh_server(Door(rounds=questions))) as running:
        hop = running.hop(root, name=NAME)
        yield replace(_denied(hop, Code.AUTH_ENDLESS), answers=("no",) * 300)


# --- accounts ----------------------------------------------------------------------------------------------------


@fault
def user_not_allowed(root: Path) -> Iterator[Fault]:
    """Not among the server's AllowUsers."""
    with server(root, "AllowUsers somebody-else") as (_, hop):
        yield _denied(hop)


@contextmanager
def _account(root: Path, *command: str) -> Iterator[Hop]:
    """An account with a good key, and `command` done to it (its name comes last)."""
    with account(root) as (_, hop):
        run(*command, hop.user)
        yield hop


@fault
def locked_account(root: Path) -> Iterator[Fault]:
    """passwd -l, where PAM does not decide: OpenSSH itself lets nobody in, with whatever key."""
    with _account(root, "passwd", "-q", "-l") as hop:
        yield _denied(hop)


@fault
def expired_account(root: Path) -> Iterator[Fault]:
    """The account's last day is over."""
    with _account(root, "chage", "-E", "1") as hop:
        yield _denied(hop)


@fault
def missing_shell(root: Path) -> Iterator[Fault]:
    """The account's shell is not installed."""
    with _account(root, "usermod", "-s", "/opt/no/such/shell") as hop:
        yield _denied(hop)


@contextmanager
def strict(root: Path) -> Iterator[tuple[Sshd, Hop, Path]]:
    """An account whose own authorized_keys count, and its home, under StrictModes; whatever is above it is in order."""
    lines = ("StrictModes yes", f"AuthorizedKeysFile {root}/home/.ssh/authorized_keys")
    with account(root, *lines) as (running, hop):
        directory = root / "home" / ".ssh"
        directory.mkdir(mode=0o700)
        listed = directory / "authorized_keys"
        listed.write_text(hop.identity_files[0].with_suffix(".pub").read_text())
        listed.chmod(0o600)
        run("chown", "-R", hop.user, str(root / "home"))
        yield running, hop, root / "home"


@fault
def home_open_to_others(root: Path) -> Iterator[Fault]:
    """The home directory is group-writable, so the server does not trust the keys in it (StrictModes)."""
    with strict(root) as (running, hop, home):
        home.chmod(0o775)
        yield _denied(hop)
        assert "bad ownership or modes" in running.log


@contextmanager
def _slow(root: Path, *lines: str) -> Iterator[Hop]:
    """A server that asks somebody slow whether a key is the account's."""
    need_root("a command that looks keys up")
    slow = ("AuthorizedKeysCommand /bin/sleep 5", "AuthorizedKeysCommandUser root")
    with server(root, *slow, *lines) as (running, hop):
        running.authorized_keys.write_text("")
        yield hop


@fault
def slow_login(root: Path) -> Iterator[Fault]:
    """A directory service that takes longer than anybody waits."""
    with _slow(root) as hop:
        yield _denied(replace(hop, timeouts=replace(USUAL, login=0.7)), Code.AUTH_TIMEOUT)


@fault
def over_the_grace_time(root: Path) -> Iterator[Fault]:
    """The server hangs up because the login took too long (LoginGraceTime)."""
    with _slow(root, "LoginGraceTime 1") as hop:
        yield _denied(hop, Code.CONNECTION_LOST)
