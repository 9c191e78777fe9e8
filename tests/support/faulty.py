"""Hosts with one thing wrong each, for real: what the ladder must name. For the services and for the command line.

Each fault is a context manager that gives a `Fault`: the hops to go, and what the diagnosis must say. OpenSSH servers
where the fault needs one, firewalls and networks of its own, plain sockets in threads where it does not.
"""

from __future__ import annotations

from tests.support.faults import hale, login, network, session, trust, ways
from tests.support.faults.model import BASTION, FAULTS, FOR_PEOPLE, HEALTHY, NAME, Fault

__all__ = ["BASTION", "FAULTS", "FOR_PEOPLE", "HEALTHY", "NAME", "Fault"]

_REGISTERED = (network, trust, login, session, ways, hale)
"""Each fills `FAULTS` or `HEALTHY` when it is imported."""
