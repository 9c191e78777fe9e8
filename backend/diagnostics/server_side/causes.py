"""Why a server turns somebody away, as it shows from inside: stable names, sentences, and what to do. Pure data."""

from __future__ import annotations

import shlex
from enum import StrEnum

from backend.dataclass import dataclass
from backend.errors import Advice


class Cause(StrEnum):
    """The stable name of a cause; scripts rely on these. Most certain first."""

    USER_UNKNOWN = "USER_UNKNOWN"
    USER_NOT_ALLOWED = "USER_NOT_ALLOWED"
    ROOT_NOT_ALLOWED = "ROOT_NOT_ALLOWED"
    ACCOUNT_LOCKED = "ACCOUNT_LOCKED"
    ACCOUNT_EXPIRED = "ACCOUNT_EXPIRED"
    LOCKED_OUT = "LOCKED_OUT"
    SHELL_MISSING = "SHELL_MISSING"
    PATH_OWNER = "PATH_OWNER"
    PATH_MODE = "PATH_MODE"
    KEYS_UNREADABLE = "KEYS_UNREADABLE"
    KEYS_MISSING = "KEYS_MISSING"
    KEY_NOT_LISTED = "KEY_NOT_LISTED"
    KEY_RESTRICTED = "KEY_RESTRICTED"
    KEY_ALGORITHM = "KEY_ALGORITHM"
    CERTIFICATE = "CERTIFICATE"
    METHOD_OFF = "METHOD_OFF"
    WRONG_PASSWORD = "WRONG_PASSWORD"  # noqa: S105 - a name
    PASSWORD_EXPIRED = "PASSWORD_EXPIRED"  # noqa: S105 - a name
    TOO_MANY_TRIES = "TOO_MANY_TRIES"
    BANNED = "BANNED"
    NOLOGIN_FILE = "NOLOGIN_FILE"
    SHELL_NOLOGIN = "SHELL_NOLOGIN"
    FORCED_COMMAND = "FORCED_COMMAND"
    HOME_MISSING = "HOME_MISSING"
    DISK_FULL = "DISK_FULL"
    SELINUX_LABEL = "SELINUX_LABEL"
    SERVER_SAYS = "SERVER_SAYS"
    """Something in the log that has no name of its own."""


@dataclass(frozen=True, slots=True)
class Saying:
    """A cause in words: templates over the finding's evidence."""

    sentence: str
    advice: tuple[tuple[str, str | None], ...]

    def advise(self, evidence: dict[str, str]) -> tuple[Advice, ...]:
        """The steps, filled in. Commands are meant for the host's shell."""
        words = _Filled({name: shlex.quote(value) for name, value in evidence.items()})
        return tuple(
            Advice(text.format_map(_Filled(evidence)), command.format_map(words) if command else None)
            for text, command in self.advice
        )

    def say(self, evidence: dict[str, str]) -> str:
        """The sentence, filled in."""
        return self.sentence.format_map(_Filled(evidence))


class _Filled(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "unknown"


def _saying(sentence: str, *advice: str | tuple[str, str]) -> Saying:
    return Saying(sentence, tuple((step, None) if isinstance(step, str) else step for step in advice))


SAYINGS: dict[Cause, Saying] = {
    Cause.USER_UNKNOWN: _saying(
        "The machine has no account {user}.",
        "Check the spelling of the user name, or have the account made.",
    ),
    Cause.USER_NOT_ALLOWED: _saying(
        "The server's configuration does not let {user} in: {reason}.",
        "Change that list in sshd_config, or the groups of {user}; then reload the server.",
        ("Check the configuration before that.", "sshd -t"),
    ),
    Cause.ROOT_NOT_ALLOWED: _saying(
        "The server does not let root log in like this (PermitRootLogin {setting}).",
        "Log in as another user and use sudo; or with a key, where the setting is prohibit-password.",
    ),
    Cause.ACCOUNT_LOCKED: _saying(
        "The account {user} is locked, and then no key is taken either.",
        ("Unlock it, if it was not locked on purpose.", "passwd -u {user}"),
        ("Where it has no password and needs none, keep keys working like this.", "usermod -p '*' {user}"),
    ),
    Cause.ACCOUNT_EXPIRED: _saying(
        "The account {user} has expired ({when}).",
        ("Extend it, if it is still meant to be used.", "chage -E -1 {user}"),
    ),
    Cause.LOCKED_OUT: _saying(
        "The account {user} is locked for a while, after too many wrong passwords.",
        "Wait, or have the count set back by root.",
        ("See the failures that were counted, and set them back with --reset.", "faillock --user {user}"),
    ),
    Cause.SHELL_MISSING: _saying(
        "The login shell of {user}, {shell}, is not there or cannot be run.",
        ("Install it, or give the account another one.", "usermod -s /bin/sh {user}"),
    ),
    Cause.PATH_OWNER: _saying(
        "{path} belongs to {owner}, not to {user}, so the server does not trust the keys there (StrictModes).",
        ("Give it back.", "chown {user} {path}"),
    ),
    Cause.PATH_MODE: _saying(
        "{path} may be written by others (mode {mode}), so the server does not trust the keys there (StrictModes).",
        ("Take that away.", "chmod go-w {path}"),
    ),
    Cause.KEYS_UNREADABLE: _saying(
        "The server cannot read {path}: {reason}.",
        "It reads the file as {user}: owner, mode and every directory above must let that account through.",
    ),
    Cause.KEYS_MISSING: _saying(
        "{user} has no {path}: no key can log in.",
        ("Put your public key there; from here, where a password works:", "ssh-copy-id {user}@{address}"),
    ),
    Cause.KEY_NOT_LISTED: _saying(
        "None of the {count} keys in {path} is the one that was shown ({shown}).",
        "Append the public half of your key (the .pub file) to that file, or name another key for this host.",
    ),
    Cause.KEY_RESTRICTED: _saying(
        "The key is in {path} (line {line}), and that line has limits: {options}.",
        "Check that this machine's address is among those of from=, and that the line has not expired.",
    ),
    Cause.KEY_ALGORITHM: _saying(
        "The server does not take this kind of key or signature: {reason}.",
        ("Make a newer key and have it added.", "ssh-keygen -t ed25519"),
    ),
    Cause.CERTIFICATE: _saying(
        "The server does not take the certificate: {reason}.",
        "Have a new one signed, for this user and this time; check the clocks of both machines.",
    ),
    Cause.METHOD_OFF: _saying(
        "The server's configuration switches off what was tried: {reason}.",
        "Use a way to log in that is on, or have it switched on in sshd_config.",
    ),
    Cause.WRONG_PASSWORD: _saying(
        "The password of {user} was wrong.",
        ("Type it again with care; root can set a new one.", "passwd {user}"),
    ),
    Cause.PASSWORD_EXPIRED: _saying(
        "The password of {user} has expired ({when}).",
        ("Set a new one.", "passwd {user}"),
    ),
    Cause.TOO_MANY_TRIES: _saying(
        "The server ended the login after too many keys or passwords (MaxAuthTries {setting}).",
        "Name the one key for this host, and set IdentitiesOnly.",
    ),
    Cause.BANNED: _saying(
        "The server shuts {address} out for now: {reason}.",
        "Wait, or have it lifted; first mend what led to the failures.",
        ("Where it is fail2ban:", "fail2ban-client set sshd unbanip {address}"),
    ),
    Cause.NOLOGIN_FILE: _saying(
        "Only root may log in at present: there is {path}.",
        "The machine is starting, going down, or being worked on. It is removed when that is over.",
    ),
    Cause.SHELL_NOLOGIN: _saying(
        "The login shell of {user} is {shell}: the account is not meant for logins.",
        ("Give it a shell, if it is to have one.", "usermod -s /bin/sh {user}"),
    ),
    Cause.FORCED_COMMAND: _saying(
        "The server runs {command} for {user}, whatever is asked for (ForceCommand).",
        "Use the account for that, or ask for a Match block without it.",
    ),
    Cause.HOME_MISSING: _saying(
        "The home directory of {user}, {path}, is not there: no keys are found in it.",
        ("Have it made, or mounted.", "mkhomedir_helper {user}"),
    ),
    Cause.DISK_FULL: _saying(
        "The file system of {path} is full; logins may fail for that alone.",
        ("See what takes the room.", "du -xh {path} | sort -h | tail"),
    ),
    Cause.SELINUX_LABEL: _saying(
        "SELinux is enforcing, and {path} has the label {label}, which the server may not read.",
        ("Put the labels right.", "restorecon -Rv {directory}"),
    ),
    Cause.SERVER_SAYS: _saying(
        "The server's log says: {reason}.",
        "Ask the host's administrator what that means there.",
    ),
}
