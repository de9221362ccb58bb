"""Virtual boards behind every kind of port, in threads of the test."""

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import serial
import serial.rfc2217

from boardproof_host.boards.virtual.board import Firmware, VirtualBoard
from boardproof_host.boards.virtual.terminal import PtyLink


@contextmanager
def on_terminal(firmware: Firmware, kind: type[VirtualBoard] = VirtualBoard) -> Iterator[str]:
    """A board on a pseudo-terminal; yields the device's name."""
    lifeline, end = os.pipe()
    link = PtyLink(lifeline)
    board = threading.Thread(target=kind(firmware, link.write).serve, args=(link.read,), daemon=True)
    board.start()
    try:
        yield link.port
    finally:
        os.close(end)
        board.join(timeout=10)
        os.close(lifeline)
        link.close()


@contextmanager
def on_socket(firmware: Firmware) -> Iterator[tuple[str, int]]:
    """A board behind a TCP server, for one client; yields host and port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):  # the client may go at any time
                board = VirtualBoard(firmware, connection.sendall)
                board.serve(lambda: connection.recv(65536))

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()


class _Telnet:
    """What pyserial's PortManager writes its own answers to."""

    def __init__(self, connection: socket.socket) -> None:
        self.write = connection.sendall


@contextmanager
def on_rfc2217(firmware: Firmware) -> Iterator[tuple[str, int]]:
    """A board behind pyserial's own RFC 2217 server, for one client; yields host and port."""
    with on_socket(firmware) as (host, port), socket.create_server(("127.0.0.1", 0)) as listener:
        device = serial.serial_for_url(f"socket://{host}:{port}", timeout=0.02)

        def serve() -> None:
            connection, _ = listener.accept()
            manager: Any = serial.rfc2217.PortManager(device, _Telnet(connection))

            def upwards() -> None:
                with contextlib.suppress(OSError, TypeError, AttributeError):  # closed by the test meanwhile
                    while True:
                        data = device.read(1)
                        if data:
                            connection.sendall(b"".join(manager.escape(data)))

            threading.Thread(target=upwards, daemon=True).start()
            with connection, contextlib.suppress(OSError):
                while data := connection.recv(4096):
                    device.write(b"".join(manager.filter(data)))

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield listener.getsockname()
        finally:
            device.close()
