"""Ports for servers that must be told one before they listen."""

import random
import socket

# Below what Linux gives to connections and to listeners on port 0 (32768 on): between our asking and the server's
# listening, nobody is handed it by the kernel. Only two test processes that draw the same one could meet.
_RANGE = range(15_000, 32_000)
_dice = random.SystemRandom()
_given: set[int] = set()


def free_port() -> int:
    """A port of the loopback interface that nobody listens on, and that was not given before in this process."""
    while True:
        port = _dice.choice(_RANGE)
        if port in _given:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.add(port)
        return port
