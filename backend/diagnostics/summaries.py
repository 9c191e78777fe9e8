"""What a passed phase comes to, in a few words: each fact once, as a person would say it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from backend.connection.connector import Phase

Evidence = Mapping[str, str]


def summary_of(phase: Phase, evidence: Evidence) -> str:
    """`evidence` of a phase that has passed as one short phrase; empty where it says nothing."""
    return _SUMMARIES[phase](evidence)


def _name(seen: Evidence) -> str:
    if "looked_up_by" in seen:
        return f"looked up by {seen['looked_up_by']}"
    return f"the proxy is {seen['proxy']}" if "proxy" in seen else seen.get("addresses", "")


def _tcp(seen: Evidence) -> str:
    if "program" in seen:
        return f"by {seen['program']}"
    address = seen.get("address", "")
    if "through" in seen:
        return f"{address} through {seen['through']}"
    if "proxy" in seen:
        return f"{address} through {seen['proxy']}"
    return _listed(address, seen.get("family", ""))


def _banner(seen: Evidence) -> str:
    return seen.get("banner", "")


def _kex(seen: Evidence) -> str:
    """A cipher that checks integrity by itself has no MAC beside it; asyncssh calls that `implicit`."""
    mac = seen.get("mac", "")
    return _listed(seen.get("kex", ""), seen.get("cipher", ""), "" if mac in {"implicit", seen.get("cipher")} else mac)


def _host_key(seen: Evidence) -> str:
    key = f"{seen.get('algorithm', '')} {seen.get('fingerprint', '')}".strip()
    known = seen.get("known", "")
    return _listed(key, known if known in {"", "accepted now"} else f"known from {known}")


def _auth(seen: Evidence) -> str:
    if "shared" in seen:
        return f"over {seen['shared']}"
    how = f"by {seen.get('method', 'none')} {seen.get('key', '')}".strip()
    refused = seen.get("refused_secrets", "")
    after = f"after {refused} refused {'try' if refused == '1' else 'tries'}" if refused else ""
    return _listed(seen.get("user", ""), how, after)


def _listed(*facts: str) -> str:
    return ", ".join(dict.fromkeys(fact for fact in facts if fact))


_SUMMARIES: dict[Phase, Callable[[Evidence], str]] = {
    Phase.NAME: _name,
    Phase.TCP: _tcp,
    Phase.BANNER: _banner,
    Phase.KEX: _kex,
    Phase.HOST_KEY: _host_key,
    Phase.AUTH: _auth,
}
