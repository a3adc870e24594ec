"""A stand-in of OpenRouter's pages for keys: it agrees at once, and gives a key only for the right verifier."""

from __future__ import annotations

import hashlib
import json
import threading
from base64 import urlsafe_b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

CODE = "auth_code_canary_51b9"
KEY = "sk-or-v1-canary0123456789abWXYZ"


class OpenRouter:
    """`asked` are the queries of its page, `exchanged` what was posted for a key, `declines` refuses the person."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.exchanged: list[dict[str, Any]] = []
        self.declines = False
        vendor = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                vendor.get(self)

            def do_POST(self) -> None:
                vendor.post(self)

            def log_message(self, format: str, *arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def get(self, handler: BaseHTTPRequestHandler) -> None:
        """The page of consent, which sends the browser back; and the page about a key."""
        parts = urlsplit(handler.path)
        if parts.path == "/auth":
            self.asked.append(dict(parse_qsl(parts.query)))
            location = self.back_to("error=access_denied" if self.declines else f"code={CODE}")
            handler.send_response(302)
            handler.send_header("Location", location)
            handler.end_headers()
        elif parts.path == "/api/v1/key" and handler.headers["Authorization"] == f"Bearer {KEY}":
            _json(handler, 200, {"data": {"free_model_daily_requests": {"used": 3, "limit": 50, "remaining": 47}}})
        else:
            _json(handler, 401, {"error": {"message": "No auth credentials found", "code": 401}})

    def post(self, handler: BaseHTTPRequestHandler) -> None:
        """A key for the code and the verifier of the challenge, else 400."""
        given = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        self.exchanged.append(given)
        digest = hashlib.sha256(given["code_verifier"].encode()).digest()
        proven = urlsafe_b64encode(digest).rstrip(b"=").decode() == self.asked[-1]["code_challenge"]
        if handler.path == "/api/v1/auth/keys" and given["code"] == CODE and proven:
            _json(handler, 200, {"key": KEY, "user_id": "user_1"})
        else:
            _json(handler, 400, {"error": {"message": "Invalid code", "code": 400}})

    def back_to(self, query: str) -> str:
        """Where it sends the browser: the callback address with more of a query."""
        callback = urlsplit(self.asked[-1]["callback_url"])
        return callback._replace(query=f"{urlencode(parse_qs(callback.query), doseq=True)}&{query}").geturl()

    def __enter__(self) -> OpenRouter:
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _json(handler: BaseHTTPRequestHandler, status: int, body: Any) -> None:
    data = json.dumps(body).encode()
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data)
