"""What makes logging in and starting a command slow. Pure: measurements in, limits out."""

from __future__ import annotations

from collections.abc import Iterator

from backend.diagnostics.slowness.pauses import SESSION, excess
from backend.diagnostics.slowness.report import Limit, LimitKind
from backend.diagnostics.slowness.values import Measurements, PhaseTime
from backend.diagnostics.slowness.words import time_text
from backend.errors import Advice

PAUSE = 0.7
"""Seconds without a reason that a person notices."""
_A_SECOND = 20.0
"""Weight of a second for which each login waits, or each command."""
_LOOKUP_SHARE = 0.4
"""Of a pause, from which on the name lookup explains it: a login may look up twice, and the second time be quicker."""
_COMMAND_PAUSE = 0.3
_SLOW_START = 0.05
"""Seconds of a shell that reads nothing: a host that is not busy needs a fifth of that."""
_USUAL_RATIO = 20
"""How much longer than that a shell with ordinary files takes, at most."""
FAR = 0.1
"""Seconds of a round trip from which on every step is felt."""
_COMMAND_TRIPS = 4.0

_KINDS = {
    "name": LimitKind.LOOKUP_HERE,
    "tcp": LimitKind.TCP,
    "banner": LimitKind.BANNER,
    "kex": LimitKind.KEX,
    "host_key": LimitKind.KEX,
    "auth": LimitKind.LOGIN,
    SESSION: LimitKind.SESSION,
}
_WHAT = {
    LimitKind.LOOKUP_HERE: "looking up its name on this machine takes {pause}",
    LimitKind.TCP: "{hop} takes {pause} to accept the connection",
    LimitKind.BANNER: "{hop} accepts the connection and then says nothing for {pause}",
    LimitKind.KEX: "agreeing on the keys with {hop} takes {pause}",
    LimitKind.LOGIN: "{hop} takes {pause} over the login itself",
    LimitKind.SESSION: "{hop} takes {pause} to open the session, once for each login",
}
_REMEDIES = {
    LimitKind.LOOKUP_HERE: (
        Advice("Look at this machine's resolver: one of its name servers may not answer.", "resolvectl status"),
        Advice("Or write the numeric address into the host's entry."),
    ),
    LimitKind.TCP: (
        Advice("A second or three is the time after which a lost packet is sent again: look for loss on the way."),
        Advice("Where the name has several addresses, one of them may not answer."),
    ),
    LimitKind.BANNER: (
        Advice("For the administrator: a TCP wrapper (/etc/hosts.allow, hosts.deny) may look up names; use addresses."),
        Advice("For the administrator: too many logins under way (MaxStartups) make others wait."),
    ),
    LimitKind.KEX: (
        Advice("For the administrator: see whether the host's processor is busy, or its RSA host key very long."),
    ),
    LimitKind.LOGIN: (
        Advice(
            "For the administrator: look at what PAM asks (LDAP, SSSD, a slow directory) and at GSSAPIAuthentication."
        ),
        Advice("For the administrator: `sshd -ddd` on another port shows at which step it waits."),
    ),
    LimitKind.SESSION: (
        Advice("For the administrator: look at the session lines of /etc/pam.d/sshd: pam_motd, pam_systemd, mounts."),
        Advice("An interactive session that stays open, or Fairlead's one connection, pays this once."),
    ),
}


def login_limits(seen: Measurements) -> Iterator[Limit]:
    """Pauses of the login, what the login files take, slow commands, and the distance."""
    yield from _pauses(seen)
    yield from _login_files(seen)
    yield from _commands(seen)
    yield from _distance(seen)


def _pauses(seen: Measurements) -> Iterator[Limit]:
    for wait in excess(seen):
        if wait.seconds >= PAUSE:
            yield _lookup(seen, wait) or _pause(seen, wait)


def _lookup(seen: Measurements, wait: PhaseTime) -> Limit | None:
    """The host looks up the name of our address while it logs us in, where that takes as long as the pause."""
    takes = seen.lookup
    if wait.phase not in ("banner", "auth", SESSION) or wait.hop != seen.last_hop or takes is None:
        return None
    if takes < max(PAUSE / 2, _LOOKUP_SHARE * wait.seconds):
        return None
    address = seen.client_address or "our address"
    return Limit(
        LimitKind.LOOKUP_THERE,
        f"Each login waits {time_text(wait.seconds)} while {seen.host} looks up the name of {address}, and its name "
        "servers do not answer.",
        f"{_phase(wait.phase)} pauses for {time_text(wait.seconds)}; the same lookup on the host takes "
        f"{time_text(takes)}.",
        weight=_A_SECOND * wait.seconds,
        confidence=0.9 if takes <= 1.5 * wait.seconds + 1 else 0.7,
        remedies=(
            Advice("For the administrator: set `UseDNS no` in sshd_config and reload sshd."),
            Advice(
                "Or put right the name servers in /etc/resolv.conf of the host, or add the address to its /etc/hosts."
            ),
        ),
    )


def _pause(seen: Measurements, wait: PhaseTime) -> Limit:
    kind = _KINDS.get(wait.phase, LimitKind.LOGIN)
    told = _WHAT[kind].format(hop=wait.hop, pause=time_text(wait.seconds))
    trip = seen.round_trip or 0.0
    return Limit(
        kind,
        f"Each login waits: {told}.",
        f"{_phase(wait.phase)} takes {time_text(wait.seconds)} longer than round trips of {time_text(trip)} explain.",
        weight=_A_SECOND * wait.seconds,
        confidence=0.6,
        remedies=_REMEDIES[kind],
    )


def _phase(phase: str) -> str:
    return {"auth": "The login", "kex": "The key exchange", SESSION: "The first command"}.get(
        phase, f"The phase “{phase.replace('_', ' ')}”"
    )


def _login_files(seen: Measurements) -> Iterator[Limit]:
    files = seen.login_files
    if files is None or files.command is None:
        return
    bare = files.bare or 0.0
    command = files.command if seen.command is None else min(files.command, seen.command)  # once it may be by chance
    lost = max(0.0, command - bare)
    at_terminal = max(0.0, (files.interactive or 0.0) - bare)
    if max(lost, at_terminal) < PAUSE / 2 or (lost < PAUSE / 2 and _all_starts_slowly(bare, at_terminal)):
        return
    shell = files.shell.rpartition("/")[2]
    each = lost >= PAUSE / 2
    wait = lost if each else at_terminal
    when = "Every command waits" if each else "Every terminal waits"
    took = command if each else files.interactive or 0.0
    yield Limit(
        LimitKind.LOGIN_FILES,
        f"{when} {time_text(wait)} for the login files of {shell} ({_names(shell)}).",
        f"With them the shell takes {time_text(took)} to begin, without them {time_text(bare)}, "
        "by the host's own clock.",
        weight=_A_SECOND * wait * (1.0 if each else 0.5),
        confidence=0.9,
        remedies=(
            Advice(
                "Find the slow line: what asks a network, starts a program or loads an environment in these files.",
                f"fairlead run {seen.host} -- \"PS4='+ $(date +%T.%N) ' {shell} -xlic true\""
                if shell == "bash"
                else None,
            ),
            Advice("Let them end early where nobody sits at a terminal: `case $- in *i*) ;; *) return;; esac`."),
        ),
    )


def _all_starts_slowly(bare: float, with_files: float) -> bool:
    """Whether it is the host that is slow, for a shell that reads nothing as well, and not the files."""
    return bare >= _SLOW_START and with_files < _USUAL_RATIO * bare


def _names(shell: str) -> str:
    return {"bash": ".bashrc, .bash_profile, .profile", "zsh": ".zshenv, .zshrc, .zprofile", "fish": "config.fish"}.get(
        shell, ".profile and what it reads"
    )


def _commands(seen: Measurements) -> Iterator[Limit]:
    """Commands take longer than round trips and login files explain."""
    if seen.command is None or seen.round_trip is None:
        return
    files = (seen.login_files.command or 0.0) if seen.login_files is not None else 0.0
    over = seen.command - _COMMAND_TRIPS * seen.round_trip - files
    if over < _COMMAND_PAUSE:
        return
    yield Limit(
        LimitKind.COMMANDS,
        f"Every command waits {time_text(over)} before it begins: {seen.host} is slow to start programs.",
        f"`true` takes {time_text(seen.command)}; round trips of {time_text(seen.round_trip)} and login files "
        f"({time_text(files)}) explain {time_text(seen.command - over)} of it.",
        weight=_A_SECOND * over,
        confidence=0.5,
        remedies=(
            Advice("See what the host is busy with.", f"fairlead run {seen.host} -- uptime"),
            Advice(
                "For the administrator: look at the session lines of PAM, at sshrc, at a home directory on a network."
            ),
        ),
    )


def _distance(seen: Measurements) -> Iterator[Limit]:
    trip = seen.round_trip
    if trip is None or trip < FAR:
        return
    felt = [
        "" if seen.login is None else f"a login takes {time_text(seen.login)}",
        "" if seen.command is None else f"a command {time_text(seen.command)}",
    ]
    costs = "".join(f"; {one}" for one in felt if one)
    yield Limit(
        LimitKind.DISTANCE,
        f"{seen.host} is far away: every step waits for a round trip of {time_text(trip)}.",
        f"The middle of {len(seen.pings)} round trips is {time_text(trip)}{costs}.",
        weight=trip / FAR,
        confidence=0.9,
        remedies=(
            Advice("Do many small steps in one: scripts rather than single commands, whole trees rather than files."),
            Advice("See what lies between: a VPN or a jump host may lead the way round."),
        ),
    )
