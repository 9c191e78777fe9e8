"""The file systems at hand: this machine's and any host's, behind one contract that panes and commands know alone.

Paths are absolute bytes. Every failure is a FileError (or LinkLost) with the code that fits.
"""

from __future__ import annotations

from backend.connection.sessions import Sessions
from backend.files.contract import FileSystem, TreeCount
from backend.files.guarded import GuardedFileSystem
from backend.files.local import LocalFileSystem
from backend.files.remote import RemoteFileSystem
from backend.production.guard import Permit

__all__ = ["FileSystem", "Files", "TreeCount"]


class Files:
    """The file systems at hand."""

    def __init__(self, *, sessions: Sessions, permit: Permit) -> None:
        """`permit` is asked before a host's files are changed."""
        self._sessions = sessions
        self._permit = permit
        self._local = LocalFileSystem()
        self._remote: dict[str, FileSystem] = {}

    @property
    def local(self) -> FileSystem:
        """The files of this machine."""
        return self._local

    def on(self, host: str) -> FileSystem:
        """The files of `host`; connects at the first use."""
        if host not in self._remote:
            self._remote[host] = GuardedFileSystem(RemoteFileSystem(self._sessions.get(host)), host, self._permit)
        return self._remote[host]
