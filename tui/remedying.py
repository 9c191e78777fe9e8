"""A remedy from its key to its end: which one, which key file, the question, and what is said of it. For workers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from backend.diagnostics.remedies.model import Remedy, RemedyId
from backend.diagnostics.remedies.service import Applied, Choice
from backend.errors import FairleadError
from backend.text import clean_line
from tui.messages import Notice, OperationFailed
from tui.prompts.choice import KEYS, Answer, ChoicePrompt
from tui.prompts.confirm import ConfirmPrompt
from tui.prompts.key_choice import KeyPrompt
from tui.remedy_words import is_asked_about, question

if TYPE_CHECKING:
    from tui.app import WorkbenchApp


async def apply_one(app: WorkbenchApp, remedies: Sequence[Remedy]) -> Applied | None:
    """Let the person choose among `remedies`, agree to what it does, and do it. None: nothing was done.

    What fails is told.
    """
    remedy = await _chosen(app, remedies)
    if remedy is None:
        return None
    try:
        if remedy.needs_choice:
            choice = await _key_for(app, remedy)
            if choice is None:
                return None
        else:
            choice = None
            if is_asked_about(remedy) and not await app.push_screen_wait(ConfirmPrompt(question(remedy))):
                return None
        applied = await app.services.remedies.apply(remedy, choice)
    except FairleadError as error:
        app.post_message(OperationFailed(error, remedy.label))
        return None
    if applied.room is not None or remedy.id is RemedyId.SHOW_HOST_KEY:
        return applied  # what was found, or the question that comes now, is all that is to be said
    undo = f" To take it back: {applied.undo}" if applied.undo else ""
    app.post_message(Notice(f"{applied.said}{undo}", title=remedy.label))
    return applied


async def _chosen(app: WorkbenchApp, remedies: Sequence[Remedy]) -> Remedy | None:
    if len(remedies) < 2:
        return remedies[0] if remedies else None
    lettered = dict(zip(KEYS, remedies, strict=False))
    answers = [Answer(letter, remedy.label, remedy.told.text) for letter, remedy in lettered.items()]
    answer = await app.push_screen_wait(ChoicePrompt("what is to be done?", "", answers))
    return None if answer is None else lettered[answer]


async def _key_for(app: WorkbenchApp, remedy: Remedy) -> Choice | None:
    """Which key, and for how long; that is also the question before it is written. Raises FairleadError."""
    keys = await app.services.remedies.keys(remedy)
    hop = clean_line(remedy.hop)
    if not keys:
        words = (
            "There is no key in ~/.ssh. ssh-keygen makes one; the host's administrator installs its .pub file there."
        )
        app.post_message(Notice(words, title=f"keys for {hop}", severity="warning"))
        return None
    if (key := await app.push_screen_wait(KeyPrompt(f"another key for {hop}", keys))) is None:
        return None
    kept = await app.push_screen_wait(
        ChoicePrompt(
            f"{key.shown} for {hop}",
            f"{key.words}\n\n{remedy.dry_run.replace('KEY', key.shown)}\nTo take it back: {remedy.undo}",
            [
                Answer("w", "write it down", f"in the entry of {hop} in config.toml, and try again"),
                Answer("o", "this once", "for one attempt; nothing is written"),
            ],
        )
    )
    return None if kept is None else Choice(key.path, keep=kept == "w")
