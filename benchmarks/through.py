"""`python -m benchmarks.through PORT BYTES COMMAND…`: start a forward, fetch so many bytes through PORT, end it."""

from __future__ import annotations

import socket
import subprocess
import sys
import time

_LIMIT = 60.0


def main() -> None:
    port, size, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        with _connected(port, process) as line:
            buffer, left = bytearray(1 << 18), size
            while left > 0 and (count := line.recv_into(buffer)):
                left -= count
    finally:
        process.terminate()
        process.wait()
    if left > 0:
        sys.exit(f"{left} bytes are missing")


def _connected(port: int, process: subprocess.Popen[bytes]) -> socket.socket:
    """A connection as soon as somebody listens."""
    deadline = time.monotonic() + _LIMIT
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port))
        except ConnectionRefusedError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


if __name__ == "__main__":
    main()
