"""Services that move files."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from backend.services.shared import Shared

if TYPE_CHECKING:
    from backend.files.filesystem import Files
    from backend.files.sync.service import SyncService
    from backend.files.transfer import TransferService


class FileServices(Shared):
    """Files, here and there."""

    @cached_property
    def files(self) -> Files:
        """Browses and changes files, here and there."""
        from backend.files.filesystem import Files

        return Files(sessions=self.sessions, permit=self.production.ask)

    @cached_property
    def transfers(self) -> TransferService:
        """Copies files and trees."""
        from backend.files.transfer import Limits, TransferService
        from backend.metrics.work import watch_transfers

        self.metrics.watch(watch_transfers)
        return TransferService(
            sessions=self.sessions,
            store=self.store,
            bus=self.bus,
            clock=self.clock,
            person=self._interaction,
            permit=self.production.ask,
            limits=None if self._transfers_at_once is None else Limits(*self._transfers_at_once),
        )

    @cached_property
    def syncs(self) -> SyncService:
        """Makes a tree the same as another."""
        from backend.files.sync.service import SyncService

        return SyncService(
            sessions=self.sessions,
            transfers=self.transfers,
            bus=self.bus,
            clock=self.clock,
            spools=self.store.path.parent,
        )
