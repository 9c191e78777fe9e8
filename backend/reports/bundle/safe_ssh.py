"""What holds for a host, for a bundle: the hops as they will be connected to, and ssh's own keywords of a safe list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from backend.connection.target import Hop, Target
from backend.reports.bundle.safe_settings import LEFT_OUT

_SAFE = frozenset(
    """addkeystoagent addressfamily batchmode bindaddress canonicaldomains canonicalizehostname
    casignaturealgorithms certificatefile checkhostip ciphers clearallforwardings compression connectionattempts
    connecttimeout controlmaster controlpath controlpersist dynamicforward enableescapecommandline exitonforwardfailure
    fingerprinthash forkafterauthentication forwardagent forwardx11 gatewayports globalknownhostsfile
    gssapiauthentication hashknownhosts hostbasedauthentication hostkeyalgorithms hostkeyalias hostname identitiesonly
    identityagent identityfile ipqos kbdinteractiveauthentication kexalgorithms localforward loglevel macs
    nohostauthenticationforlocalhost numberofpasswordprompts passwordauthentication permitlocalcommand port
    preferredauthentications proxyjump proxyusefdpass pubkeyacceptedalgorithms pubkeyauthentication rekeylimit
    remoteforward requesttty requiredrsasize serveralivecountmax serveraliveinterval sessiontype stdinnull
    streamlocalbindunlink stricthostkeychecking syslogfacility tcpkeepalive tunnel updatehostkeys user
    userknownhostsfile verifyhostkeydns visualhostkey""".split()  # noqa: SIM905 - reads better so
)


def ssh_json(options: Mapping[str, tuple[str, ...]], left_out: Counter[str]) -> dict[str, list[str]]:
    """`ssh -G` by keyword; keywords that may hold a command or variables are named without their values."""
    told: dict[str, list[str]] = {}
    for keyword, values in options.items():
        safe = keyword in _SAFE or values == ("none",)
        told[keyword] = list(values) if safe else [LEFT_OUT]
        if not safe:
            left_out[f"value of {keyword}"] += 1
    return told


def target_json(target: Target) -> dict[str, Any]:
    """How the host is reached."""
    return {
        "route": target.route,
        "production": target.production,
        "hops": [_hop(hop) for hop in target.hops],
    }


def _hop(hop: Hop) -> dict[str, Any]:
    return {
        "name": hop.name,
        "address": hop.address,
        "port": hop.port,
        "user": hop.user,
        "way": type(hop.way).__name__,
        "identity_files": [str(path) for path in hop.identity_files],
        "identities_only": hop.identities_only,
        "agent": hop.agent_socket is not None,
        "auth_methods": list(hop.auth_methods),
        "known_hosts": [str(path) for path in (*hop.known_hosts.user, *hop.known_hosts.system)],
        "host_key_policy": hop.host_key_policy.value,
        "compression": hop.compression,
        "source": hop.source,
    }
