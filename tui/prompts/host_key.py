"""The prompts for a host key that is not trusted: never seen, or another one than before."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content

from backend.connection.interaction import HostKeyDecision, HostKeyQuestion
from tui.actions import Action, bindings_of
from tui.prompts.base import Prompt, Words
from tui.widgets.text_line import TextLine

TYPED_LENGTH = 8
"""How much of a changed key's fingerprint must be typed to accept it."""

UNKNOWN_ACTIONS = (
    Action("host_key.remember", "t", "trust and remember", "Write this key down and go on.", scope="prompts", rank=1),
    Action("host_key.once", "o", "once", "Go on this time only.", scope="prompts", rank=2),
    Action("host_key.decline", "escape", "refuse", "Do not connect.", scope="prompts", rank=3, key_display="esc"),
)
CHANGED_ACTIONS = (
    Action("changed_key.decline", "escape", "refuse", "Do not connect.", scope="prompts", rank=1, key_display="esc"),
    Action(
        "changed_key.replace",
        "ctrl+r",
        "accept and replace the old key",
        "Accept, if typed exactly, and write it down in place of the old one.",
        scope="prompts",
        rank=3,
    ),
)


ACCEPT = Action(
    "changed_key.accept", "enter", "accept once", "Accept, if typed exactly.", scope="prompts", rank=2, does="submit"
)


class FingerprintLine(TextLine):
    """Where the end of the new fingerprint is typed."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of((ACCEPT,))]


class UnknownKeyPrompt(Prompt[HostKeyDecision]):
    """A key that nobody has seen: what it is, what it was compared with, and three answers."""

    BINDINGS = bindings_of(UNKNOWN_ACTIONS)

    def __init__(self, question: HostKeyQuestion) -> None:
        super().__init__(f"is this really {question.host}?")
        self._question = question

    def compose_body(self) -> ComposeResult:
        question = self._question
        yield Words("This host shows a key that is not known yet. Compare it with what its administrator says.")
        with Horizontal(id="key"):
            with Vertical(id="key-facts"):
                yield Words(_fact("host", question.host))
                if question.on_the_way_to:
                    yield Words(_fact("leads to", question.on_the_way_to))
                yield Words(_fact("address", question.address))
                yield Words(_fact("algorithm", question.algorithm))
                yield Words(question.fingerprint, id="fingerprint")
                yield Words("looked in", classes="quiet")
                for place in question.looked_in or ("no file: nothing can be known",):
                    yield Words(f"  {place}", classes="quiet")
            yield Words(question.randomart, id="randomart")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "remember" and not self._question.can_remember:
            return False
        return None if action in {"remember", "once"} and not self.armed else True

    def action_remember(self) -> None:
        self.dismiss(HostKeyDecision.REMEMBER)

    def action_once(self) -> None:
        self.dismiss(HostKeyDecision.ONCE)

    def action_decline(self) -> None:
        self.dismiss(HostKeyDecision.REFUSE)


_TYPE_BACK = "To accept it, type the last eight characters of what is shown now:"


class ChangedKeyPrompt(Prompt[HostKeyDecision]):
    """Another key than before: perhaps a reinstalled machine, perhaps somebody in between. No one-key yes."""

    BINDINGS = bindings_of(CHANGED_ACTIONS)
    DANGER = True

    def __init__(self, question: HostKeyQuestion) -> None:
        super().__init__(f"the host key of {question.host} has changed")
        self._question = question

    @property
    def wanted(self) -> str:
        """What must be typed to accept the key."""
        return self._question.fingerprint[-TYPED_LENGTH:]

    def compose_body(self) -> ComposeResult:
        question = self._question
        yield Words("THE HOST KEY HAS CHANGED", id="band")
        if question.on_the_way_to:
            yield Words(f"{question.host} is on the way to {question.on_the_way_to}.", classes="quiet")
        with Horizontal(id="sides"):
            with Vertical(classes="side"):
                yield Words("known until now", classes="title")
                for known in question.known:
                    yield Words(f"{known.algorithm}\n{_folded(known.fingerprint)}")
                    yield Words(known.where, classes="quiet")
                    if known.since:
                        yield Words(f"since {known.since}", classes="quiet")
            with Vertical(classes="side"):
                yield Words("shown now", classes="title")
                yield Words(f"{question.algorithm}\n{_folded(question.fingerprint)}", classes="danger")
                yield Words(question.address, classes="quiet")
        yield Words(
            "Somebody may be in between; nothing secret has been sent. Or the machine was reinstalled, or its address "
            "went to another one: ask its administrator, over another way."
        )
        yield Words(_TYPE_BACK, id="wanted")
        yield FingerprintLine(id="typed", select_on_focus=False, max_length=TYPED_LENGTH)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self._question.can_remember if action == "replace" else True

    def on_input_changed(self) -> None:
        """What was wrong is being mended: say again what is wanted."""
        ask = self.query_one("#wanted", Words)
        ask.update(_TYPE_BACK)
        ask.remove_class("warning")

    def on_input_submitted(self) -> None:
        self._accept(HostKeyDecision.ONCE)

    def action_replace(self) -> None:
        self._accept(HostKeyDecision.REMEMBER)

    def _accept(self, decision: HostKeyDecision) -> None:
        if self.query_one(FingerprintLine).value == self.wanted:
            self.dismiss(decision)
            return
        ask = self.query_one("#wanted", Words)
        ask.update("That is not what the host shows. Type it exactly, or press esc to refuse.")
        ask.add_class("warning")

    def action_decline(self) -> None:
        self.dismiss(HostKeyDecision.REFUSE)


def _fact(name: str, value: str) -> Content:
    return Content.assemble((f"{name:<11}", "$quiet"), value)


def _folded(fingerprint: str) -> str:
    """A fingerprint on two lines, so that two of them fit side by side."""
    kind, colon, rest = fingerprint.partition(":")
    half = (len(rest) + 1) // 2
    return f"{kind}{colon}\n{rest[:half]}\n{rest[half:]}" if colon else fingerprint
