"""Finding a host by a few letters."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from backend.matching import best, score

HOSTS = ("web-1", "web-2", "db-2", "bastion", "gpu-7", "staging-web")


def _find(query: str) -> list[str]:
    return best(query, HOSTS, lambda host: (host,))


def test_nothing_typed_keeps_everything_in_its_order() -> None:
    assert _find("  ") == list(HOSTS)


def test_the_start_of_a_word_comes_first() -> None:
    assert _find("web") == ["web-1", "web-2", "staging-web"]


def test_letters_may_be_apart_but_must_be_in_order() -> None:
    assert _find("g7") == ["gpu-7"]
    assert _find("7g") == []


def test_every_word_must_fit_somewhere() -> None:
    hosts = {"web-1": "prod", "web-2": "test"}
    assert best("web prod", hosts, lambda host: (host, hosts[host])) == ["web-1"]


def test_case_does_not_matter() -> None:
    assert _find("WEB-1") == ["web-1"]


@given(st.text(max_size=12), st.text(max_size=30))
def test_a_score_is_positive_exactly_when_all_letters_occur_in_order(query: str, text: str) -> None:
    letters = iter(text.casefold())
    in_order = all(letter in letters for letter in query.casefold())
    assert (score(query, text) > 0) is in_order
