"""An OpenSSH server that logs in through PAM: the account's password, then a one-time code of Google Authenticator.

sshd takes the name by which it was started as its PAM service, so a link to it under another name has a stack of its
own; the machine's is not touched. The codes are emergency codes: each is good once, whatever the clock says.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.openssh import Sshd, sshd, throw_away_user
from tests.support.tiers import SSHD, need_root, need_sshd, unavailable

PASSWORD = "correct horse"
_SERVICES = Path("/etc/pam.d")
_MODULES = ("/lib/*/security", "/usr/lib/*/security", "/lib/security", "/usr/lib64/security")
_MODULE = "pam_google_authenticator.so"
_REST = "account required pam_permit.so\nsession required pam_permit.so\n"


@dataclass(frozen=True, slots=True)
class CodeServer:
    """A server that asks for codes."""

    sshd: Sshd
    user: str
    codes: tuple[str, ...]
    """Each is good once."""
    ledger: Path
    """Where the server keeps the codes that are left."""

    @property
    def left(self) -> list[str]:
        """The codes that were not used yet."""
        lines = self.ledger.read_text().splitlines()
        return [line for line in lines if line in self.codes]

    @property
    def logins(self) -> int:
        """Logins that were completed."""
        return len(re.findall(r"^Accepted \S+ for ", self.sshd.log, re.MULTILINE))

    @property
    def refusals(self) -> int:
        """Answers and logins that were wrong, or not given."""
        return len(re.findall(r"^(?:Failed \S+ for |error: PAM: )", self.sshd.log, re.MULTILINE))


def _need_module() -> None:
    need_root("a PAM service of its own")
    if not any(next(Path("/").glob(f"{directory.lstrip('/')}/{_MODULE}"), None) for directory in _MODULES):
        unavailable("sshd", f"no {_MODULE}; on Debian and Ubuntu: apt install libpam-google-authenticator")


@contextmanager
def code_server(root: Path, *, methods: str, ask_password: bool = True, codes: int = 4) -> Iterator[CodeServer]:
    """Start it under `root`; `methods` as AuthenticationMethods of sshd_config(5)."""
    need_sshd()
    _need_module()
    service = f"fairlead-test-{secrets.token_hex(4)}"
    numbers = tuple(f"{secrets.randbelow(9 * 10**7) + 10**7}" for _ in range(codes))
    ledger, program = root / "codes" / "ledger", root / service
    ledger.parent.mkdir(parents=True)
    ledger.write_text("\n".join(["JBSWY3DPEHPK3PXP", '" TOTP_AUTH', *numbers, ""]))
    ledger.chmod(0o600)
    program.symlink_to(SSHD)
    try:
        (_SERVICES / service).write_text(_stack(ledger, ask_password=ask_password))
        with throw_away_user(root / "home", password=PASSWORD) as user, _server(root, program, methods) as server:
            yield CodeServer(server, user, numbers, ledger)
    finally:
        (_SERVICES / service).unlink(missing_ok=True)


def _stack(ledger: Path, *, ask_password: bool) -> str:
    password = "auth required pam_unix.so\n" if ask_password else ""
    return f"{password}auth required {_MODULE} secret={ledger} user=root allowed_perm=0600\n{_REST}"


_UNIX = "auth required pam_unix.so\naccount required pam_unix.so\npassword required pam_unix.so\n"
_UNIX += "session required pam_permit.so\n"


@contextmanager
def password_server(root: Path, *lines: str) -> Iterator[tuple[Sshd, str]]:
    """A server that takes an account's PASSWORD through PAM, which also says when that has expired; the account."""
    need_sshd()
    need_root("a PAM service of its own")
    service = f"fairlead-test-{secrets.token_hex(4)}"
    root.mkdir(parents=True, exist_ok=True)
    program = root / service
    program.symlink_to(SSHD)
    try:
        (_SERVICES / service).write_text(_UNIX)
        with (
            throw_away_user(root / "home", password=PASSWORD) as user,
            _server(root, program, "any", "PasswordAuthentication yes", *lines) as server,
        ):
            yield server, user
    finally:
        (_SERVICES / service).unlink(missing_ok=True)


@contextmanager
def _server(root: Path, program: Path, methods: str, *more: str) -> Iterator[Sshd]:
    lines = ("UsePAM yes", "KbdInteractiveAuthentication yes", f"AuthenticationMethods {methods}", *more)
    with sshd(root / "sshd", *lines, program=program) as server:
        for directory in (root / "sshd", *root.parents, root):
            if directory.stat().st_uid == os.getuid() and directory != Path("/"):
                directory.chmod(directory.stat().st_mode | 0o011)
        server.authorized_keys.chmod(0o644)
        yield server
