"""The ways of a route's first hop in the simulated world: a tailnet that may be down, and no proxies or programs."""

from __future__ import annotations

from backend.connection.target import Hop
from backend.connection.ways import Cloudflare, Proxy, ProxyCommand, Tailscale
from backend.errors import Code, ConnectError
from mocks.world import World


def check_way(hop: Hop, world: World) -> None:
    """Raise ConnectError as the real connector does, where the way to `hop` does not exist in `world`."""
    evidence: dict[str, object] = {"address": hop.address, "port": hop.port}
    match hop.way:
        case Tailscale(address) if not world.tailscale_runs:
            told: dict[str, object] = {"address": address, "tailscale": "Stopped", "reason": "it is stopped"}
            raise ConnectError(Code.TAILSCALE_DOWN, evidence=told)
        case Proxy() as proxy:
            told = {**evidence, "proxy": str(proxy), "reason": "the simulated world has no proxies"}
            raise ConnectError(Code.PROXY_UNREACHABLE, evidence=told)
        case ProxyCommand(command):
            told = {"command": command, "said": "nothing", "reason": "the simulated world runs no programs"}
            raise ConnectError(Code.PROXY_COMMAND_MISSING, evidence=told)
        case Cloudflare(hostname):
            raise ConnectError(Code.CLOUDFLARED_MISSING, evidence={"address": hostname})
