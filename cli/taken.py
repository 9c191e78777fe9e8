"""The question about a name that is taken, on a terminal: what is shown, and what a letter means."""

from __future__ import annotations

from datetime import datetime

from backend.files.model import ConflictPolicy, NameTaken, TakenAnswer
from backend.files.taken import comparison

QUESTION = "o: overwrite   s: skip (default)   b: keep both   n: only if newer   capital letter: for all: "
_LETTERS = {
    "o": ConflictPolicy.OVERWRITE,
    "s": ConflictPolicy.SKIP,
    "b": ConflictPolicy.RENAME,
    "n": ConflictPolicy.NEWER,
}


def answer(typed: str) -> TakenAnswer | None:
    """What a letter means; a capital one goes for all names. Anything else leaves the file out."""
    letter = typed.strip()[:1]
    policy = _LETTERS.get(letter.lower())
    return None if policy is None else TakenAnswer(policy, for_all=letter.isupper())


def lines(question: NameTaken) -> list[str]:
    """What is told before the question."""
    kind = "" if question.there_kind == "file" else f" (a {question.there_kind})"
    return [
        f"{question.place} is there already{kind}; {comparison(question)}.",
        f"  to be copied  {_of_file(question.size, question.modified)}",
        f"  there         {_of_file(question.there_size, question.there_modified)}",
    ]


def _of_file(size: int | None, modified: float | None) -> str:
    parts = [] if size is None else [f"{size} bytes"]
    parts += [] if modified is None else [f"{datetime.fromtimestamp(modified).astimezone():%Y-%m-%d %H:%M:%S}"]
    return ", ".join(parts) or "nothing is known of it"
