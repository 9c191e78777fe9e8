"""The file systems at hand: this machine's and any host's, behind one contract that panes and commands know alone.

Paths are absolute bytes. Every failure is a FileError (or LinkLost) with the code that fits.
"""

from __future__ import annotations

from backend.connection.sessions import Sessions
from backend.files.contract import FileSystem, TreeCount
from backend.files.local import LocalFileSystem
from backend.files.remote import RemoteFileSystem

__all__ = ["FileSystem", "Files", "TreeCount"]


class Files:
    """The file systems at hand."""

    def __init__(self, *, sessions: Sessions) -> None:
        self._sessions = sessions
        self._local = LocalFileSystem()
        self._remote: dict[str, RemoteFileSystem] = {}

    @property
    def local(self) -> FileSystem:
        """The files of this machine."""
        return self._local

    def on(self, host: str) -> FileSystem:
        """The files of `host`; connects at the first use."""
        if host not in self._remote:
            self._remote[host] = RemoteFileSystem(self._sessions.get(host))
        return self._remote[host]
