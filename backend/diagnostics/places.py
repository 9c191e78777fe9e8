"""Which rung of the ladder a failure belongs to, whoever met it. Pure.

Every code is either on a rung, where the ladder would look for it, or is no matter of the ladder: what a person asked
for was wrong, or what a program on the host did. A test holds this against the catalogue.
"""

from __future__ import annotations

from collections.abc import Mapping

from backend.diagnostics.rungs import Place, RungId
from backend.errors import Code, FairleadError

_BY_RUNG: Mapping[RungId, tuple[Code, ...]] = {
    RungId.CONFIG: (Code.CONFIG_INVALID, Code.HOST_UNKNOWN, Code.ROUTE_UNSUPPORTED, Code.ROUTE_UNKNOWN),
    RungId.NAME: (Code.NAME_NOT_FOUND, Code.RESOLVER_DOWN),
    RungId.ROUTE: (Code.ROUTES_FAILED,),
    RungId.TCP: (
        *(Code.TCP_REFUSED, Code.TCP_TIMEOUT, Code.TCP_UNREACHABLE, Code.JUMP_FAILED, Code.FORWARD_PROHIBITED),
        *(Code.PROXY_UNREACHABLE, Code.PROXY_REFUSED, Code.PROXY_PROTOCOL, Code.PROXY_AUTH),
        *(Code.PROXY_COMMAND_MISSING, Code.PROXY_COMMAND_FAILED),
        *(Code.TAILSCALE_MISSING, Code.TAILSCALE_DOWN, Code.TAILSCALE_LOGGED_OUT, Code.TAILSCALE_PEER_OFFLINE),
        *(Code.CLOUDFLARED_MISSING, Code.CLOUDFLARE_LOGIN, Code.CLOUDFLARE_FAILED),
    ),
    RungId.BANNER: (
        *(Code.BANNER_SILENT, Code.BANNER_NOT_SSH, Code.BANNER_CLOSED, Code.SERVER_CROWDED, Code.SHUT_OUT),
    ),
    RungId.KEX: (Code.KEX_NO_MATCH, Code.KEX_FAILED),
    RungId.HOST_KEY: (
        *(Code.HOST_KEY_UNKNOWN, Code.HOST_KEY_CHANGED, Code.HOST_KEY_REVOKED, Code.HOST_KEY_UNREADABLE),
    ),
    RungId.AUTH: (
        *(Code.AUTH_DENIED, Code.AUTH_NO_METHOD, Code.AUTH_TOO_MANY, Code.AUTH_KEY_UNREADABLE),
        Code.AUTH_KEY_MISSING,
        *(Code.AUTH_KEY_PERMISSIONS, Code.AUTH_AGENT_REFUSED, Code.AUTH_PASSPHRASE, Code.AUTH_TIMEOUT),
        *(Code.AUTH_PASSWORD_EXPIRED, Code.AUTH_ENDLESS, Code.LOGIN_HELD_BACK, Code.NEEDS_PERSON, Code.DECLINED),
        Code.AUTH_CERTIFICATE,
    ),
    RungId.SESSION: (
        *(Code.SESSION_REFUSED, Code.NO_ANSWER, Code.SHELL_NOISE, Code.SHELL_GONE, Code.CLOCK_DIFFERS),
        *(Code.CONNECTION_LOST, Code.KEEPALIVE_LOST, Code.SERVER_ENDED, Code.LISTEN_PROHIBITED, Code.LISTEN_FAILED),
    ),
    RungId.FILES: (
        *(Code.SFTP_UNAVAILABLE, Code.PERMISSION, Code.READ_ONLY, Code.DISK_FULL, Code.SPACE_LOW, Code.QUOTA),
        *(Code.FILE_FAILED, Code.FILES_SILENT),
    ),
    RungId.PERFORMANCE: (Code.SLOW_LINK,),
}

RUNG_OF: Mapping[Code, RungId] = {code: rung for rung, codes in _BY_RUNG.items() for code in codes}
"""The rung that a failure is told on."""

NOT_OF_THE_LADDER = frozenset(
    {
        *(Code.USAGE, Code.LOCAL_PORT, Code.QUEUE_FULL, Code.TIME_LIMIT, Code.INTERRUPTED, Code.INTERNAL),
        *(Code.PRODUCTION_HOST, Code.COMMAND_DENIED, Code.COMMAND_DANGEROUS),
        *(Code.SUDO_REFUSED, Code.SUDO_PASSWORD, Code.SU_REFUSED, Code.SU_PASSWORD),
        *(Code.JOB_UNKNOWN, Code.JOB_FAILED, Code.JOB_RUNNING, Code.JOB_NOT_STOPPED),
        *(Code.PROCESS_GONE, Code.PROCESS_REFUSED, Code.MODULES_ABSENT, Code.MODULE_UNKNOWN, Code.MODULE_FAILED),
        *(Code.SLURM_ABSENT, Code.SLURM_UNCONFIGURED, Code.SLURM_SILENT, Code.SLURM_REFUSED, Code.SLURM_JOB_UNKNOWN),
        *(Code.NOT_FOUND, Code.EXISTS, Code.IS_DIRECTORY, Code.NOT_DIRECTORY, Code.NOT_EMPTY, Code.NAME_INVALID),
        *(Code.OUTSIDE_ROOT, Code.SOURCE_CHANGED, Code.CHECKSUM_DIFFERS, Code.IN_USE, Code.SOME_FAILED),
        *(Code.DELETE_LIMIT, Code.STILL_DIFFERS, Code.CHECK_FAILED),
    }
)
"""What a climb would not show: the request itself was wrong or stopped, or a program on the host did not do it."""

_UNANSWERED = frozenset({Code.NEEDS_PERSON, Code.DECLINED})
"""Failures that are known to the last detail: nobody answered."""
_OF_A_PATH = frozenset({Code.PERMISSION, Code.READ_ONLY, Code.DISK_FULL, Code.SPACE_LOW, Code.QUOTA, Code.FILE_FAILED})
"""Failures of one place on the host, which the ladder looks past."""
_WRITTEN_DOWN = frozenset(_BY_RUNG[RungId.CONFIG])


def rung_of(code: Code) -> RungId | None:
    """The rung that `code` belongs to; None where the ladder has nothing to say about it."""
    return RUNG_OF.get(code)


def is_worth_a_climb(error: FairleadError) -> bool:
    """Whether the ladder would tell more than the failure does by itself."""
    return error.code in RUNG_OF and error.code not in _UNANSWERED | _OF_A_PATH | _WRITTEN_DOWN


def is_of_a_path(code: Code) -> bool:
    """Whether it is about one place among the host's files, at which the ladder does not look."""
    return code in _OF_A_PATH


def place_of(error: FairleadError, host: str) -> Place | None:
    """Where on the ladder of `host` a failure stands; at the jump host that it names, else at the host itself."""
    rung = rung_of(error.code)
    return None if rung is None else (error.hop or host, rung)
