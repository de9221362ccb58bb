"""Ports in the state that a test needs: held by another process, or hung up."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def holder(device: str, program: str = sys.executable) -> Iterator["subprocess.Popen[bytes]"]:
    """Another process that has the device open, and nothing else of it."""
    descriptor = os.open(device, os.O_RDWR | os.O_NOCTTY)
    words = [program, "60"] if program != sys.executable else [program, "-c", "import time; time.sleep(60)"]
    child = subprocess.Popen(words, stdin=descriptor)
    os.close(descriptor)
    try:
        deadline = time.monotonic() + 10
        while not (Path("/proc") / str(child.pid) / "fd" / "0").exists():  # not started yet
            assert time.monotonic() < deadline
        yield child
    finally:
        child.kill()
        child.wait()


@contextmanager
def on_hang_up() -> Iterator[str]:
    """A server that ends every connection at once."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            with suppress(OSError):
                while True:
                    server.accept()[0].close()

        threading.Thread(target=hang_up, daemon=True).start()
        yield f"socket://127.0.0.1:{server.getsockname()[1]}"
