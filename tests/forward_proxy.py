"""A forward proxy on loopback, and a TLS certificate for a host that does not exist."""

from __future__ import annotations

import contextlib
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from types import TracebackType

import pytest

HOST = "api.example"  # of no real machine


@dataclass
class ForwardProxy:
    """Whatever host is asked for, with CONNECT or by an absolute address, the bytes go to port `to` of this machine."""

    to: int
    status: int = 200  # of answers to CONNECT; any other refuses; 0: none comes
    tls: ssl.SSLContext | None = None  # an https:// proxy
    seen: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)  # `CONNECT api.example:443`, headers

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.place}"

    @property
    def asked(self) -> list[str]:
        return [line for line, _ in self.seen]

    def __enter__(self) -> ForwardProxy:
        handler = type("Handler", (_Handler,), {"proxy": self})
        ThreadingTCPServer.daemon_threads = True
        self._server = ThreadingTCPServer(("127.0.0.1", 0), handler)
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseRequestHandler):
    proxy: ForwardProxy
    request: socket.socket

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            self._serve(self.proxy.tls.wrap_socket(self.request, server_side=True) if self.proxy.tls else self.request)

    def _serve(self, client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            if not (piece := client.recv(65536)):
                return
            head += piece
        first, *lines = head.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        method, target, _ = first.split(" ")
        self.proxy.seen.append((f"{method} {target}", headers))
        if self.proxy.status == 0:
            client.recv(1)  # until the client leaves
        elif self.proxy.status != 200:
            refusal = f"HTTP/1.1 {self.proxy.status} No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            client.sendall(refusal.encode())
        else:
            self._passed_on(client, head, method, target)

    def _passed_on(self, client: socket.socket, head: bytes, method: str, target: str) -> None:
        with socket.create_connection(("127.0.0.1", self.proxy.to)) as server:
            if method == "CONNECT":
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:  # the address as the upstream wants it
                path = "/" + target.split("/", 3)[3]
                server.sendall(head.replace(target.encode(), path.encode(), 1))
            back = threading.Thread(target=_pump, args=(server, client), daemon=True)
            back.start()
            _pump(client, server)
            back.join(5)
        client.close()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            sink.sendall(piece)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)


def certified(directory: Path, *names: str) -> tuple[Path, ssl.SSLContext]:
    """The certificate of these hosts, for SSL_CERT_FILE, and what a server needs to show it."""
    if not (openssl := shutil.which("openssl")):
        pytest.skip("needs openssl")
    alternatives = ",".join(f"IP:{name}" if name[0].isdigit() else f"DNS:{name}" for name in names)
    made = ["-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={names[0]}", "-addext", f"subjectAltName={alternatives}"]
    files = ["-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run([openssl, "req", "-x509", *made, *files], cwd=directory, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "cert.pem", directory / "key.pem")
    return directory / "cert.pem", context
