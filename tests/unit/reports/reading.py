"""Reads what the renderers wrote as browsers and Markdown viewers do."""

from __future__ import annotations

from html.parser import HTMLParser

from markdown_it import MarkdownIt


class Page(HTMLParser):
    """Elements, attributes and texts of a page."""

    _VOID = frozenset({"meta", "line", "polygon", "polyline"})

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[str] = []
        self.attributes: set[str] = set()
        self.values: list[str] = []
        self.texts: list[str] = []
        self.odd: list[str] = []
        """Comments, declarations, elements that were closed in the wrong order."""
        self._open: list[str] = []
        self.feed(page)
        self.close()
        self.odd += self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.values += [value or "" for _, value in attrs]
        if tag not in self._VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.values += [value or "" for _, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.odd.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if not self._open or self._open[-1] != "style":
            self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        self.odd.append(data)

    def handle_pi(self, data: str) -> None:
        self.odd.append(data)

    @property
    def text(self) -> str:
        return "\n".join(self.texts)


def markdown_tokens(text: str) -> list[tuple[str, str]]:
    """Type and content of every block and inline token, as GitHub's dialect has them."""
    reader = MarkdownIt("gfm-like")
    assert reader.linkify is not None
    reader.linkify.set(
        {"fuzzy_link": False}
    )  # it would take `pressure.io` for an address; GitHub wants `www.` or `://`
    found: list[tuple[str, str]] = []
    for token in reader.parse(text):
        found.append((token.type, token.content))
        found += [(child.type, child.content) for child in token.children or ()]
    return found
