"""Who holds a port, from the tables of /proc."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from backend.forwards.holders import holder_of, listening_inodes

TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0
   1: 0100007F:1F90 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 20 4 30 10 -1
   2: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1 0 100 0 0 10 0
   3: broken
"""


def test_only_sockets_that_listen_on_the_port_count() -> None:
    assert listening_inodes(TABLE, 8080) == {"4711"}
    assert listening_inodes(TABLE, 22) == {"4713"}
    assert listening_inodes(TABLE, 80) == frozenset()
    assert listening_inodes("", 80) == frozenset()


def test_the_process_is_found_by_its_open_socket(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net/tcp").write_text(TABLE)
    for pid, inode, name in (("7", "99", "cat"), ("812", "4711", "ngi\x1bnx")):
        (tmp_path / pid / "fd").mkdir(parents=True)
        (tmp_path / pid / "comm").write_text(name + "\n")
        (tmp_path / pid / "fd/3").symlink_to(f"socket:[{inode}]")
    assert holder_of(8080, tmp_path) == "ngi\\x1bnx (process 812)"
    assert holder_of(22, tmp_path) == ""
    assert holder_of(8080, tmp_path / "nothing") == ""


def test_a_port_of_this_process_is_its_own() -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen()
        assert f"(process {os.getpid()})" in holder_of(one.getsockname()[1])
