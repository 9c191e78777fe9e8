"""The palette's source: every action that can be done on this screen now, by name, from the registry."""

from __future__ import annotations

from functools import partial
from typing import Any

from textual.command import DiscoveryHit, Hit, Hits, Provider

from tui.actions import Action, find

Run = partial[Any]
_BY_WHAT_IT_DOES = 0.05
"""The score of an action whose name does not match, but the words of what it does: below all others."""


class ActionProvider(Provider):
    """Looks the screen's active bindings up in the registry; what is greyed out there is not offered here."""

    async def discover(self) -> Hits:
        for action, run in self._offers():
            yield DiscoveryHit(_name(action), run, help=action.help)

    async def search(self, query: str) -> Hits:
        matcher, words = self.matcher(query), query.casefold().split()
        for action, run in self._offers():
            if (score := matcher.match(_name(action))) > 0:
                yield Hit(score, matcher.highlight(_name(action)), run, help=action.help)
            elif all(word in action.help.casefold() for word in words):
                yield Hit(_BY_WHAT_IT_DOES, _name(action), run, help=action.help)

    def _offers(self) -> list[tuple[Action, Run]]:
        offers: dict[str, tuple[Action, Run]] = {}
        for active in self.screen.active_bindings.values():
            action = find(active.binding.id)
            if action is not None and action.palette and active.enabled:
                run = partial(self.app.run_action, active.binding.action, active.node)
                offers.setdefault(action.id, (action, run))
        return list(offers.values())


def _name(action: Action) -> str:
    return f"{action.scope}: {action.label}" if action.scope != "app" else action.label
