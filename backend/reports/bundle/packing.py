"""A bundle as one file: a compressed tar archive, or a zip. Pure; the same bundle gives the same bytes."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from pathlib import PurePath

from backend.errors import Code, ConfigError
from backend.reports.bundle.contents import Bundle, Entry

_TAR = (".tar.gz", ".tgz")
_ZIP = (".zip",)
SUFFIX = _TAR[0]


def check_name(path: PurePath) -> None:
    """Raises ConfigError (USAGE) where the suffix says no format."""
    if not path.name.lower().endswith((*_TAR, *_ZIP)):
        problem = f"{path.name or path} does not say what to write: a bundle ends in .tar.gz, .tgz or .zip"
        raise ConfigError(Code.USAGE, evidence={"problem": problem})


def packed(bundle: Bundle, path: PurePath) -> bytes:
    """The bytes of the file that is to be called `path`."""
    pack = _zip if path.name.lower().endswith(_ZIP) else _tar
    return pack(bundle, bundle.files())


def _tar(bundle: Bundle, entries: tuple[Entry, ...]) -> bytes:
    stamp, out = int(bundle.made_at.timestamp()), io.BytesIO()
    with (
        gzip.GzipFile(fileobj=out, mode="wb", mtime=stamp, filename="") as squeezed,
        tarfile.open(fileobj=squeezed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for entry in entries:
            info = tarfile.TarInfo(f"{bundle.root}/{entry.name}")
            info.size, info.mtime, info.mode = len(entry.raw), stamp, 0o600
            archive.addfile(info, io.BytesIO(entry.raw))
    return out.getvalue()


def _zip(bundle: Bundle, entries: tuple[Entry, ...]) -> bytes:
    out, moment = io.BytesIO(), bundle.made_at.timetuple()[:6]
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry in entries:
            info = zipfile.ZipInfo(f"{bundle.root}/{entry.name}", moment)
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            archive.writestr(info, entry.raw)
    return out.getvalue()
