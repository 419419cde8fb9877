"""A mail server: a real one on this machine that speaks enough SMTP (RFC 5321), keeps what it got and refuses as it is told."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any


@dataclass
class MailServer:
    """`refuse_recipient` answers RCPT TO, `refuse_data` the message itself; `hangs_up` closes instead of answering."""

    host: str = "127.0.0.1"
    port: int = 0
    got: list[EmailMessage] = field(default_factory=list)
    connections: int = 0
    refuse_recipient: str = ""
    refuse_data: str = ""
    hangs_up: bool = False

    def only(self) -> EmailMessage:
        [mail] = self.got
        return mail


class _Session(socketserver.StreamRequestHandler):
    server: Any

    def handle(self) -> None:
        told: MailServer = self.server.told
        told.connections += 1
        self._say("220 mail.example.org ESMTP")
        while line := self.rfile.readline():
            command, _, _rest = line.decode("latin-1").strip().partition(" ")
            match command.upper():
                case "EHLO":
                    self._say("250-mail.example.org\r\n250-SMTPUTF8\r\n250 8BITMIME")
                case "HELO" | "MAIL" | "RSET" | "NOOP":
                    self._say("250 OK")
                case "RCPT":
                    self._say(told.refuse_recipient or "250 OK")
                case "DATA":
                    if not self._data(told):
                        return
                case "QUIT":
                    self._say("221 Bye")
                    return
                case _:
                    self._say("502 Command not implemented")

    def _data(self, told: MailServer) -> bool:
        self._say("354 Go ahead")
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        if told.hangs_up:
            return False
        if told.refuse_data:
            self._say(told.refuse_data)
        else:
            told.got.append(message_from_bytes(b"".join(lines), policy=policy.default))
            self._say("250 Queued")
        return True

    def _say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


@contextmanager
def serving() -> Iterator[MailServer]:
    """Serve until the block ends."""
    told = MailServer()
    with _Server((told.host, 0), _Session) as server:
        server.told = told  # type: ignore[attr-defined]
        told.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield told
        finally:
            server.shutdown()
            thread.join()
