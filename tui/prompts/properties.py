"""All that is known of one file: looked up anew, with names of owners, where a link leads, and what a tree takes."""

from __future__ import annotations

from datetime import datetime

from textual import work
from textual.app import ComposeResult
from textual.content import Content

from backend.connection.connector import Attributes, FileKind, Space
from backend.errors import FairleadError
from backend.files.contract import TreeSize
from backend.files.filesystem import FileSystem
from backend.sizes import size_text
from backend.text import show_bytes
from tui.actions import Action, bindings_of
from tui.format import bytes_text
from tui.glyphs import Glyphs
from tui.prompts.base import Prompt, Words
from tui.widgets.file_columns import permissions

ACTIONS = (
    Action("properties.copy", "c", "copy", "Copy all of this.", scope="prompts", rank=1),
    Action("properties.decline", "escape,enter,q", "close", "Go back.", scope="prompts", rank=2, key_display="esc"),
)
_COLUMN = 11
_KINDS = {
    FileKind.FILE: "file",
    FileKind.DIRECTORY: "directory",
    FileKind.SYMLINK: "symbolic link",
    FileKind.SPECIAL: "special: a device, socket or pipe",
    FileKind.UNKNOWN: "not told by the server",
}


class PropertiesPrompt(Prompt[None]):
    """It fills as the answers come; closing it stops what is still asked."""

    BINDINGS = bindings_of(ACTIONS)

    def __init__(self, files: FileSystem, path: bytes, shown: str, glyphs: Glyphs) -> None:
        super().__init__(shown)
        self._files = files
        self._path = path
        self._glyphs = glyphs
        self._lines: dict[str, str] = {"path": show_bytes(path)}

    def compose_body(self) -> ComposeResult:
        yield Words("", id="properties")

    def on_mount(self) -> None:
        self._draw()
        self._ask()

    def _draw(self) -> None:
        lines = [
            Content.assemble((f"{name:<{_COLUMN}}", "$quiet"), value) for name, value in self._lines.items() if value
        ]
        self.query_one("#properties", Words).update(Content("\n").join(lines))

    def _tell(self, **lines: str) -> None:
        self._lines |= lines
        self._draw()

    @work(group="properties", exclusive=True, exit_on_error=False)
    async def _ask(self) -> None:
        files, path = self._files, self._path
        try:
            found = await files.named(await files.stat(path, follow=False))
            self._tell(**facts(found))
            if found.kind is FileKind.SYMLINK:
                self._tell(leads=f"{self._glyphs.arrow} {show_bytes(await files.readlink(path))}")
            if found.kind is FileKind.SYMLINK:
                await self._follow_link()
            if (space := await files.space(path)) is not None:
                self._tell(room=room_words(space))
            if found.kind is FileKind.DIRECTORY:
                self._tell(size=f"adding up{self._glyphs.ellipsis}")
                self._tell(size=tree_words(await files.tree_size(path)))
        except FairleadError as error:
            self._tell(problem=error.message)

    async def _follow_link(self) -> None:
        try:
            real = await self._files.real(self._path)
            self._tell(really=show_bytes(real), target=_KINDS[(await self._files.stat(real)).kind])
        except FairleadError:
            self._tell(target="the link leads nowhere")

    def action_copy(self) -> None:
        text = "\n".join(f"{name:<{_COLUMN}}{value}" for name, value in self._lines.items() if value)
        self.app.copy_to_clipboard(text + "\n")
        self.notify("Copied.", markup=False)


def facts(found: Attributes) -> dict[str, str]:
    """What stat(2) tells, by the words it stands under."""
    size = "" if found.size is None or found.kind is FileKind.DIRECTORY else bytes_text(found.size)
    if size and found.size is not None and found.size >= 1000:
        size += f" ({size_text(found.size)})"
    mode = "" if found.mode is None else f"{found.mode:04o}  {permissions(found.mode)}"
    return {
        "kind": _KINDS[found.kind],
        "size": size,
        "mode": mode,
        "owner": _who(found.owner, found.uid),
        "group": _who(found.group, found.gid),
        "changed": _when(found.modified),
    }


def _who(name: str, number: int | None) -> str:
    if number is None:
        return name
    return f"{name} ({number})" if name else str(number)


def _when(modified: float | None) -> str:
    try:
        return "" if modified is None else f"{datetime.fromtimestamp(modified).astimezone():%Y-%m-%d %H:%M:%S %z}"
    except (ValueError, OverflowError, OSError):
        return "at a time that no calendar has"


def room_words(space: Space) -> str:
    """What is free where it lies."""
    inodes = f", {space.files_free:,} more files" if space.files_free is not None else ""
    return f"{size_text(space.free)} free of {size_text(space.total)}{inodes}"


def tree_words(size: TreeSize) -> str:
    """What a tree takes; a lower bound says so."""
    least = f"at least {size_text(size.bytes)} ({size.unreadable:,} directories could not be read)"
    words = least if size.unreadable else size_text(size.bytes)
    return f"{words} of {'blocks on its disk' if size.on_disk else 'content'}, with all that is in it"
