"""A load generator that costs little beside the server it measures: one process, raw keep-alive sockets, one selector.

Closed loop: every connection sends its next request as soon as it has the answer to the last. Bounded by time and count,
and it only ever talks to the loopback interface.
"""

import selectors
import socket
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

MakeRequest = Callable[[int, int], bytes]  # (connection number, request number) → the whole HTTP request


@dataclass(slots=True)
class Outcome:
    """What a run saw. Latencies in milliseconds; `bodies` holds the answers when they were asked for."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    broken: int = 0

    @property
    def count(self) -> int:
        return sum(self.statuses.values())

    def per_second(self, *statuses: int) -> float:
        wanted = sum(self.statuses[status] for status in statuses) if statuses else self.count
        return wanted / self.seconds if self.seconds else 0.0

    def percentile(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0

    def figures(self, *statuses: int) -> dict[str, float]:
        return {
            "per_second": round(self.per_second(*statuses), 1),
            "p50_ms": round(self.percentile(0.50), 2),
            "p95_ms": round(self.percentile(0.95), 2),
            "p99_ms": round(self.percentile(0.99), 2),
        }


def request(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    """Build one HTTP/1.1 request."""
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: 127.0.0.1",
        *(f"{k.replace('_', '-')}: {v}" for k, v in headers.items()),
    ]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def run(
    port: int,
    make: MakeRequest,
    *,
    connections: int,
    seconds: float,
    at_most: int | None = None,
    keep_bodies: bool = False,
    warm_up: float = 0.0,
) -> Outcome:
    """Drive the server on `port` of the loopback for `seconds` (after `warm_up` seconds that don't count)."""
    outcome = Outcome()
    selector = selectors.DefaultSelector()
    sent_at = [0.0] * connections
    buffers = [b""] * connections
    sent = 0
    open_connections = 0

    def connect(number: int) -> socket.socket:
        made = socket.create_connection(("127.0.0.1", port))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(made, selectors.EVENT_READ, number)
        return made

    def send(made: socket.socket, number: int) -> None:
        nonlocal sent
        data = make(number, sent)
        sent += 1
        sent_at[number] = time.perf_counter()
        made.sendall(data)

    started = time.perf_counter()
    counting_from = started + warm_up
    ends = counting_from + seconds
    for number in range(connections):
        if at_most is not None and sent >= at_most:
            break
        made = connect(number)
        open_connections += 1
        send(made, number)
    last_answer = counting_from
    while open_connections:
        for key, _ in selector.select(timeout=5.0):
            made, number = key.fileobj, key.data
            data = made.recv(262_144)  # type: ignore[union-attr]
            if not data:
                outcome.broken += 1
                selector.unregister(made)
                made.close()  # type: ignore[union-attr]
                open_connections -= 1
                continue
            buffers[number] += data
            answer = _complete(buffers[number])
            if answer is None:
                continue
            buffers[number] = b""
            now = time.perf_counter()
            if now >= counting_from:
                status, body = answer
                outcome.statuses[status] += 1
                outcome.latencies.append((now - sent_at[number]) * 1000)
                last_answer = now
                if keep_bodies:
                    outcome.bodies.append(body)
            if now >= ends or (at_most is not None and sent >= at_most):
                selector.unregister(made)
                made.close()  # type: ignore[union-attr]
                open_connections -= 1
            else:
                send(made, number)  # type: ignore[arg-type]
        if time.perf_counter() > ends + 30:
            outcome.broken += open_connections
            break
    selector.close()
    outcome.seconds = last_answer - counting_from
    return outcome


def _complete(buffer: bytes) -> tuple[int, bytes] | None:
    """Return (status, body) once the whole answer is there. Answers carry a Content-Length, or have no body."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = buffer[:end].lower()
    at = head.find(b"content-length:")
    if at < 0:
        length = 0
        if b"transfer-encoding: chunked" in head:
            return (int(buffer[9:12]), buffer[end + 4 :]) if buffer.endswith(b"0\r\n\r\n") else None
    else:
        stop = head.find(b"\r\n", at)
        length = int(head[at + 15 : stop if stop > 0 else end])
    if len(buffer) < end + 4 + length:
        return None
    return int(buffer[9:12]), buffer[end + 4 : end + 4 + length]
