"""An SMS provider on this machine that speaks the published contract of Twilio's messages API, and misbehaves as it is told.

POST /2010-04-01/Accounts/{AccountSid}/Messages.json with a form (To, From, Body) and basic auth answers 201 with the resource;
errors are JSON documents with `code`, `message`, `more_info` and `status`.
"""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

ACCOUNT, TOKEN = "AC" + "0" * 32, "t0ken"


@dataclass
class Provider:
    """`misbehaves` holds what the next requests get instead of an answer: a status, or "hang up" after taking the message."""

    port: int = 0
    accepted: list[dict[str, str]] = field(default_factory=list)
    misbehaves: list[Any] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://{ACCOUNT}:{TOKEN}@127.0.0.1:{self.port}"


CODES = {429: 20429, 500: 20500, 503: 20503, 401: 20003}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def do_POST(self) -> None:
        told: Provider = self.server.told
        form = {
            name: values[0]
            for name, values in parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()).items()
        }
        expected = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        if self.path != f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json":
            return self._refuse(404, 20404, "The requested resource was not found")
        if self.headers.get("Authorization") != f"Basic {expected}":
            return self._refuse(401, 20003, "Authenticate")
        instead = told.misbehaves.pop(0) if told.misbehaves else None
        if isinstance(instead, int):
            return self._refuse(instead, CODES.get(instead, instead), "As told")
        if not form.get("To", "").lstrip("+").isdigit():
            return self._refuse(400, 21211, f"Invalid 'To' Phone Number: {form.get('To', '')}")
        told.accepted.append(form)
        if instead == "hang up":
            self.close_connection = True
            return None
        sid = f"SM{len(told.accepted):032}"
        return self._answer(201, {"sid": sid, "status": "queued", "to": form["To"], "error_code": None})

    def _refuse(self, status: int, code: int, message: str) -> None:
        self._answer(status, {"code": code, "message": message, "more_info": "", "status": status})

    def _answer(self, status: int, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if status == 429:
            self.send_header("Retry-After", "900")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def serving() -> Iterator[Provider]:
    """Serve until the block ends."""
    told = Provider()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.told = told  # type: ignore[attr-defined]
    told.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
