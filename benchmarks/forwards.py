"""Bytes through a forwarded port against `ssh -L`, the start of the program included."""

from __future__ import annotations

import socketserver
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from benchmarks.harness import Comparison, Contender
from benchmarks.lab import Lab
from tests.support.openssh import free_port

MIB = 1 << 20


def comparisons(lab: Lab, scale: float) -> Iterator[Comparison]:
    """The rows; `scale` shrinks sizes for a quick look."""
    with _pouring() as source:
        for host, size in (("near", 512), ("far", 128)):
            count, port = int(size * MIB * scale), free_port()
            forward = f"127.0.0.1:{port}:127.0.0.1:{source}"
            fetch = [sys.executable, "-m", "benchmarks.through", str(port), str(count)]
            ours = [*fetch, *lab.fairlead("forward", host, "-L", forward)]
            theirs = [*fetch, *lab.openssh("ssh", "-N", "-L", forward, host)]
            where = "loopback" if host == "near" else "50 ms"
            yield Comparison(
                f"{count // MIB} MiB through a port, {where}",
                Contender("fairlead", ours),
                Contender("ssh -L", theirs),
                "-",
            )


class _Pour(socketserver.BaseRequestHandler):
    """Sends without end."""

    def handle(self) -> None:
        block = bytes(1 << 18)
        with suppress(OSError):
            while True:
                self.request.sendall(block)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


@contextmanager
def _pouring() -> Iterator[int]:
    with _Server(("127.0.0.1", 0), _Pour) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield int(server.server_address[1])
        server.shutdown()
