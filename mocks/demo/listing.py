"""What the demo's own host entries say about a simulated host."""

from __future__ import annotations

from backend.dataclass import dataclass
from mocks.host import HostKey, SimulatedHost

PASSWORD = "demo"
"""Opens every account of the demo world that has a password."""
CODE = "123456"
"""The one-time code, as often as it is asked for."""
PERSON_KEY = HostKey("the demo person's own key")
"""The key pair that the demo's person holds; hosts that take keys know it."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A host and its line in the host list."""

    host: SimulatedHost
    user: str
    group: str = ""
    tags: tuple[str, ...] = ()
    production: bool = False
    note: str = ""
    jump: str = ""
    routes: tuple[str, ...] = ()
    """In the order in which they are tried; empty for the usual one."""
    tailscale: str = ""
    forwards: tuple[str, ...] = ()
    """As its entry lists them."""
    key_changed: bool = False
    """known_hosts has another key for it than it shows."""
    uses_key: bool = True
    roots: tuple[tuple[str, str], ...] = ()
    """Directories by name, as its entry has them."""

    @property
    def address(self) -> str:
        """What is looked up."""
        return f"{self.host.name}.example"
