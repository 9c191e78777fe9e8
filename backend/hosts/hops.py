"""Turns the options that hold for a host into a hop: the meaning of each keyword of ssh_config(5) for us. Pure.

What is configured is told apart from what OpenSSH does anyway by comparing with an unconfigured host.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from backend.connection.target import (
    METHODS,
    Algorithms,
    Family,
    Hop,
    HostKeyPolicy,
    Keepalive,
    KnownHostsFiles,
    Timeouts,
)
from backend.dataclass import dataclass
from backend.errors import Code, ConfigError
from backend.hosts.expand import Surroundings, split_paths
from backend.hosts.names import Spec, read_spec
from backend.hosts.options import Options
from backend.patterns import pattern
from backend.text import clean_line

_POLICY = {
    "yes": HostKeyPolicy.STRICT,
    "true": HostKeyPolicy.STRICT,
    "accept-new": HostKeyPolicy.ACCEPT_NEW,
}
_FAMILIES = {family.value: family for family in Family}
_UNCHECKED = {"no", "off", "false"}
_SWITCHES = {
    "publickey": "pubkeyauthentication",
    "keyboard-interactive": "kbdinteractiveauthentication",
    "password": "passwordauthentication",
}
_NOT_FOLLOWED = (
    "bindinterface",
    "knownhostscommand",
    "pkcs11provider",
    "forwardagent",
    "forwardx11",
    "remotecommand",
    "setenv",
    "tunnel",
)
_OF_THE_SYSTEM = pattern(r"LANG|LC_\S*")
"""What many systems' own /etc/ssh/ssh_config sends; to tell of it would be to tell it of every host."""
_SSH_AS_PROXY = pattern(
    r"(?:exec\s+)?(?:\S*/)?ssh\s+(?:-[qaxT]+\s+)*"
    r"(?:-W\s+'?\[?%h\]?:%p'?\s+(?P<before>[^\s-]\S*)|(?P<after>[^\s-]\S*)\s+(?:-[qaxT]+\s+)*-W\s+'?\[?%h\]?:%p'?)"
    r"(?:\s+2>\s*/dev/null)?"
)


@dataclass(frozen=True, slots=True)
class Answers:
    """What is known about one host."""

    options: Options
    unconfigured: Options
    """Of a host that nobody configured."""

    def one(self, keyword: str, default: str = "") -> str:
        return self.options.get(keyword, (default,))[0]

    def configured(self, keyword: str) -> bool:
        """Whether somebody set it to something that OpenSSH would not do anyway."""
        return keyword in self.options and self.options[keyword] != self.unconfigured.get(keyword)


def make_hop(name: str, spec: Spec, answers: Answers, surroundings: Surroundings, source: str = "") -> Hop:
    """The hop that `name` stands for."""
    address, user = answers.one("hostname", spec.host), answers.one("user", spec.user or surroundings.user)
    port, key_alias = answers.one("port", "22"), answers.one("hostkeyalias") or None
    tokens = surroundings.tokens(name=spec.host, address=address, port=port, user=user, key_alias=key_alias)
    return Hop(
        name=name,
        address=address.strip("[]"),
        port=int(port),
        user=user,
        family=_FAMILIES.get(answers.one("addressfamily").lower(), Family.ANY),
        source_address="" if answers.one("bindaddress").lower() == "none" else answers.one("bindaddress"),
        host_key_alias=key_alias,
        identity_files=_paths(answers, "identityfile", surroundings, tokens),
        certificate_files=_paths(answers, "certificatefile", surroundings, tokens),
        identities_named=answers.configured("identityfile"),
        identities_only=_is_on(answers.one("identitiesonly")),
        agent_socket=_agent(answers, surroundings, tokens),
        auth_methods=_methods(answers),
        known_hosts=_known_hosts(answers, surroundings, tokens),
        host_key_policy=_POLICY.get(answers.one("stricthostkeychecking").lower(), HostKeyPolicy.ASK),
        algorithms=_algorithms(answers),
        compression=_is_on(answers.one("compression")),
        timeouts=_timeouts(answers),
        keepalive=_keepalive(answers),
        source=source,
        notes=_notes(answers),
    )


def jumps_of(answers: Answers) -> str:
    """The jump hosts that are configured, as for -J; empty for none.

    `ProxyCommand ssh -W %h:%p HOST` is a jump host by its older name.
    """
    jump = answers.one("proxyjump")
    if jump and jump.lower() != "none":
        return jump
    match = _SSH_AS_PROXY.fullmatch(answers.one("proxycommand").strip())
    if match is not None and _is_spec(bastion := match["before"] or match["after"]):
        return bastion
    return ""


def command_of(answers: Answers, host: str) -> str:
    """The proxy command that is configured, as it is written; empty for none and for one that names a jump host.

    Raises ConfigError ROUTE_UNSUPPORTED where it is to pass a connected socket (`ProxyUseFdpass`).
    """
    command = answers.one("proxycommand").strip()
    if not command or command.lower() == "none" or jumps_of(answers):
        return ""
    if _is_on(answers.one("proxyusefdpass")):
        route = f"ProxyUseFdpass with ProxyCommand {clean_line(command)}"
        raise ConfigError(Code.ROUTE_UNSUPPORTED, host=host, evidence={"route": route, "host": host})
    return command


def _is_spec(text: str) -> bool:
    try:
        read_spec(text)
    except ValueError:
        return False
    return True


def _is_on(value: str) -> bool:
    return value.lower() in {"yes", "true"}


def _paths(answers: Answers, keyword: str, surroundings: Surroundings, tokens: Mapping[str, str]) -> tuple[Path, ...]:
    """The files that a keyword names, which may stand there several times."""
    values = [value for value in answers.options.get(keyword, ()) if value.lower() != "none"]
    return tuple(dict.fromkeys(surroundings.expand(value, tokens) for value in values))


def _agent(answers: Answers, surroundings: Surroundings, tokens: Mapping[str, str]) -> Path | None:
    value = answers.one("identityagent", "SSH_AUTH_SOCK")
    if value.lower() == "none":
        return None
    if value == "SSH_AUTH_SOCK" or (value.startswith("$") and not value.startswith("${")):
        socket = surroundings.environ.get(value.removeprefix("$"), "")
        return Path(socket) if socket else None
    return surroundings.expand(value, tokens)


def _methods(answers: Answers) -> tuple[str, ...]:
    preferred = [word.strip() for word in answers.one("preferredauthentications").split(",") if word.strip()]
    off = {method for method, switch in _SWITCHES.items() if answers.one(switch, "yes").lower() in {"no", "false"}}
    return tuple(method for method in preferred or METHODS if method in METHODS and method not in off)


def _known_hosts(answers: Answers, surroundings: Surroundings, tokens: Mapping[str, str]) -> KnownHostsFiles:
    def files(keyword: str) -> tuple[Path, ...]:
        return tuple(surroundings.expand(path, tokens) for path in split_paths(answers.one(keyword)))

    user = files("userknownhostsfile")
    if user and not answers.configured("userknownhostsfile"):  # ssh takes the home directory from the user database
        user = tuple(surroundings.home / ".ssh" / path.name for path in user)
    hashes = _is_on(answers.one("hashknownhosts"))
    return KnownHostsFiles(user, files("globalknownhostsfile"), hashes, files("revokedhostkeys"))


def _algorithms(answers: Answers) -> Algorithms:
    def configured(keyword: str) -> str | None:
        return answers.one(keyword) if answers.configured(keyword) else None

    return Algorithms(
        kex=configured("kexalgorithms"),
        ciphers=configured("ciphers"),
        macs=configured("macs"),
        host_keys=configured("hostkeyalgorithms"),
    )


def _timeouts(answers: Answers) -> Timeouts:
    seconds = answers.one("connecttimeout")
    return Timeouts(connect=float(seconds)) if seconds.isdigit() and int(seconds) > 0 else Timeouts()


def _keepalive(answers: Answers) -> Keepalive:
    interval, misses = answers.one("serveraliveinterval"), answers.one("serveralivecountmax")
    if not interval.isdigit() or int(interval) == 0:
        return Keepalive()
    return Keepalive(
        interval=float(interval), misses=int(misses) if misses.isdigit() and int(misses) > 0 else Keepalive().misses
    )


def _asks_for_something(answers: Answers, keyword: str) -> bool:
    return answers.configured(keyword) and answers.one(keyword).lower() not in {"no", "false", "none", "any"}


def _notes(answers: Answers) -> tuple[str, ...]:
    said = {keyword: answers.options[keyword] for keyword in _NOT_FOLLOWED if _asks_for_something(answers, keyword)}
    said["sendenv"] = tuple(name for name in answers.options.get("sendenv", ()) if not _OF_THE_SYSTEM.fullmatch(name))
    if _is_on(answers.one("permitlocalcommand")):
        said["localcommand"] = answers.options.get("localcommand", ())
    notes = [f"{keyword} {clean_line(' '.join(values))} is not followed" for keyword, values in said.items() if values]
    if answers.one("stricthostkeychecking").lower() in _UNCHECKED:
        notes.append("StrictHostKeyChecking is off in the ssh configuration; Fairlead asks about new host keys")
    return tuple(notes)
