"""Bounds of the HTTP connection, over real sockets: sizes, times, and what a client that misbehaves can hold."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from typing import Any

import pytest

from llm7router.server import body, exchange, wire
from llm7router.server.body import deeper
from llm7router.server.departure import Departure
from tests.server.gateway import KEY, Gateway, chat_body, head, read_all
from tests.upstream import Upstream, wait_until
from tests.upstream_behaviours import answer, stream

SMALL_MB = 0.01  # the longest body of `small`: 10,485 bytes
BODY = json.dumps(chat_body()).encode()


@pytest.fixture
def small(upstream: Upstream) -> Any:
    """A gateway for short bodies."""
    with Gateway({"alpha": upstream}, server={"max_body_mb": SMALL_MB}) as gateway:
        yield gateway
        assert gateway.chat().status_code == 200


def parts(answer: bytes) -> tuple[int, dict[str, str], Any]:
    """Status, headers and JSON of the first answer."""
    top, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = top.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return int(first.split()[1]), headers, json.loads(body[: int(headers["content-length"])])


def error(answer: bytes) -> tuple[int, str]:
    """Status and code; every error has an id, and OpenAI's shape."""
    status, headers, body = parts(answer)
    assert headers["x-request-id"].startswith("req_")
    assert headers["content-type"] == "application/json"
    assert set(body["error"]) >= {"message", "type", "param", "code"}
    return status, body["error"]["code"]


NO_HTTP = [
    b"\x16\x03\x01\x02\x00",
    b"hello\r\n\r\n",
    b"GET nowhere HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
    b"GET /\xff HTTP/1.1\r\n\r\n",
    b"POST / HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
]


@pytest.mark.parametrize("data", NO_HTTP,
                         ids=["TLS", "words", "no path", "a header without a colon", "a path that is no ASCII",
                              "two lengths"])  # fmt: skip
def test_what_is_no_http_gets_an_error_and_is_closed(serving: Gateway, data: bytes) -> None:
    assert error(serving.raw(data)) == (400, "invalid_http")


@pytest.mark.parametrize("upgrade", ["websocket", "h2c"])
def test_an_upgrade_is_not_made(serving: Gateway, upgrade: str) -> None:
    answer = serving.raw(head("GET", "/healthz", connection="upgrade, close", upgrade=upgrade))
    assert parts(answer)[::2] == (200, {"status": "ok"})


def test_what_clients_send_does_not_fill_the_log(serving: Gateway, caplog: pytest.LogCaptureFixture) -> None:
    for data in NO_HTTP:
        serving.raw(data)
    serving.raw(head("GET", "/healthz", connection="upgrade, close", upgrade="websocket"))
    assert [record.getMessage() for record in caplog.records if record.name.startswith("uvicorn")] == []


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz", "/"])
def test_health_can_be_asked_for_without_a_body(serving: Gateway, path: str) -> None:
    asked = [serving.raw(head(method, path, authorization="", connection="close")) for method in ("GET", "HEAD")]
    (first, body), (second, nothing) = (answer.split(b"\r\n\r\n", 1) for answer in asked)
    assert second.startswith(b"HTTP/1.1 200 OK\r\n")
    assert f"content-length: {len(body)}".encode() in second
    assert nothing == b""
    assert {line.split(b":")[0] for line in first.splitlines()} == {line.split(b":")[0] for line in second.splitlines()}


@pytest.mark.parametrize("ended", [True, False], ids=["whole", "without an end"])
def test_a_head_of_more_than_16_kb_is_refused(serving: Gateway, ended: bool) -> None:
    data = head(x_long="x" * 17_000, connection="close")
    assert error(serving.raw(data if ended else data[:-2])) == (431, "too_large")


def sent(connection: socket.socket, piece: bytes, most: int = 2**22) -> int:
    """Bytes that are taken of a piece without an end before the other side closes."""
    count, end = 0, time.monotonic() + 5
    with contextlib.suppress(ConnectionError):
        while count < most and time.monotonic() < end:
            count += connection.send(piece)
            time.sleep(0.001)
    return count


@pytest.mark.parametrize("key", [KEY, "wrong"], ids=["with the key", "without"])
@pytest.mark.parametrize(
    ("start", "piece"),
    [(b"0\r\n", b"x-more: yes\r\n" * 500), (b"0\r\nx-long: ", b"x" * 5000), (b"1;", b"x" * 5000)],
    ids=["trailers", "a trailer without an end", "an extension without an end"],
)
def test_what_a_body_in_chunks_holds_beside_itself_is_bounded_like_a_head(
    serving: Gateway, start: bytes, piece: bytes, key: str
) -> None:
    with serving.connect() as connection:
        connection.sendall(head(transfer_encoding="chunked", authorization=f"Bearer {key}") + start)
        assert sent(connection, piece) < 2**22


def test_trailers_do_not_count_as_headers(serving: Gateway) -> None:
    unkeyed = head(transfer_encoding="chunked", authorization="", connection="close")
    assert b"authorization" not in unkeyed
    data = unkeyed + b"%x\r\n%s\r\n0\r\nauthorization: Bearer %s\r\n\r\n" % (len(BODY), BODY, KEY.encode())
    assert error(serving.raw(data)) == (401, "invalid_api_key")


def test_two_hosts_are_none(serving: Gateway) -> None:
    evil = head("GET", "/stats", host="evil.com\r\nhost: localhost", connection="close")
    assert error(serving.raw(evil)) == (400, "invalid_http")


def test_a_body_in_many_small_chunks_is_read(serving: Gateway) -> None:
    body = json.dumps(chat_body("x" * 20_000)).encode()
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\nx-sum: 1\r\n\r\n"
    answer = serving.raw(head(transfer_encoding="chunked", connection="close") + chunks)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_head_that_comes_too_slowly_is_closed(serving: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "HEAD_S", 0.2)
    with serving.connect() as silent, serving.connect() as slow:
        slow.sendall(b"POST /v1/chat")
        time.sleep(0.1)
        slow.sendall(b"/completions HTTP/1.1\r\nhost: localhost\r\n")
        started = time.monotonic()
        assert (read_all(silent), read_all(slow)) == (b"", b"")
        assert time.monotonic() - started < 1


def test_a_second_head_on_a_connection_has_as_long(serving: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "HEAD_S", 0.2)
    with serving.connect() as connection:
        connection.sendall(head("GET", "/healthz"))
        assert b'{"status":"ok"}' in connection.recv(65536)
        time.sleep(0.3)  # between requests nothing is due
        connection.sendall(head("GET", "/healthz"))
        assert b'{"status":"ok"}' in connection.recv(65536)
        connection.sendall(b"GET /hea")
        assert read_all(connection) == b""


def test_a_second_head_that_comes_byte_by_byte_has_no_longer(serving: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "HEAD_S", 0.2)
    with serving.connect() as connection:
        connection.sendall(head("GET", "/healthz"))
        assert b'{"status":"ok"}' in connection.recv(65536)
        started = time.monotonic()
        with contextlib.suppress(ConnectionError):
            for byte in head("GET", "/healthz") * 2:
                connection.sendall(bytes([byte]))
                time.sleep(0.02)
        assert time.monotonic() - started < 1


def test_the_begin_of_a_head_behind_a_whole_request_is_not_waited_for(
    serving: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "HEAD_S", 0.2)
    with serving.connect() as connection:
        connection.sendall(head("GET", "/healthz") + b"GET /hea")
        assert b'{"status":"ok"}' in read_all(connection, 2)
        assert connection.recv(1) == b""


@pytest.mark.parametrize("after", [b"\r\n", b"\n", b"\r\n\r\n"])
def test_an_empty_line_between_requests_keeps_no_connection(
    serving: Gateway, monkeypatch: pytest.MonkeyPatch, after: bytes
) -> None:
    with serving.connect() as connection:
        connection.sendall(head("GET", "/healthz"))
        assert b'{"status":"ok"}' in connection.recv(65536)
        for each in serving.connections:
            monkeypatch.setattr(each, "timeout_keep_alive", 0.2)
        connection.sendall(after)
        started = time.monotonic()
        assert read_all(connection, 5) == b""
        assert time.monotonic() - started < 1


def test_an_empty_line_does_not_end_what_is_under_way(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "HEAD_S", 0.1)
    upstream.always(stream([{"content": "one"}, 0.5, {"content": "two"}]))
    body = json.dumps(chat_body(stream=True)).encode()
    with Gateway({"alpha": upstream}) as gateway, gateway.connect() as connection:
        connection.sendall(head(content_length=str(len(body)), connection="close") + body)
        time.sleep(0.2)
        connection.sendall(b"\r\n")
        assert b"[DONE]" in read_all(connection)


def test_a_body_that_is_announced_as_too_long_is_refused_before_it_comes(small: Gateway, upstream: Upstream) -> None:
    with small.connect() as connection:
        connection.sendall(head(content_length="10486"))
        assert error(connection.recv(65536)) == (413, "too_large")
    assert upstream.count == 0


def test_a_body_that_is_too_long_and_unannounced_is_refused_while_it_comes(small: Gateway, upstream: Upstream) -> None:
    with small.connect() as connection:
        connection.sendall(head(transfer_encoding="chunked"))
        for _ in range(11):
            connection.sendall(b"400\r\n" + b" " * 1024 + b"\r\n")
        assert error(connection.recv(65536)) == (413, "too_large")
    assert upstream.count == 0


def test_who_was_refused_may_not_send_for_ever(small: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "LINGER_S", 0.2)
    with small.connect() as connection:
        connection.sendall(head(transfer_encoding="chunked", authorization="Bearer wrong"))
        assert error(connection.recv(65536)) == (401, "invalid_api_key")
        started = time.monotonic()
        with contextlib.suppress(ConnectionError):
            while time.monotonic() < started + 5:
                connection.sendall(b"400\r\n" + b" " * 1024 + b"\r\n")
                time.sleep(0.01)
        assert time.monotonic() - started < 2


def test_a_connection_serves_on_after_a_refused_body(small: Gateway) -> None:
    with small.connect() as connection:
        connection.sendall(head(content_length="20000"))
        assert error(connection.recv(65536))[0] == 413
        connection.sendall(b" " * 20_000 + head("GET", "/healthz"))
        assert b'{"status":"ok"}' in connection.recv(65536)


def test_a_body_that_comes_too_slowly_is_refused(serving: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "READ_S", 0.2)
    with serving.connect() as connection:
        connection.sendall(head(content_length="100") + b"{")
        assert error(connection.recv(65536)) == (408, "timeout")


def test_a_client_that_leaves_in_the_middle_of_its_body_leaves_nothing_behind(serving: Gateway) -> None:
    with serving.connect() as connection:
        connection.sendall(head(content_length="100") + b"{")
        time.sleep(0.05)


def test_a_body_is_asked_for_only_if_it_will_be_read(small: Gateway) -> None:
    with small.connect() as connection:
        connection.sendall(head(expect="100-continue", content_length=str(len(BODY)), connection="close"))
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(BODY)
        assert read_all(connection).startswith(b"HTTP/1.1 200 OK\r\n")
    with small.connect() as connection:
        connection.sendall(head(expect="100-continue", content_length="20000"))
        assert error(connection.recv(65536))[0] == 413


def test_requests_that_are_sent_together_are_answered_in_turn(serving: Gateway) -> None:
    one = head(content_length=str(len(BODY))) + BODY
    both = serving.raw(one + head("GET", "/healthz", connection="close"))
    assert both.index(b"chat.completion") < both.index(b'{"status":"ok"}')


def test_head_and_body_of_an_answer_are_one_write(serving: Gateway) -> None:
    with serving.connect() as connection:
        connection.sendall(head("GET", "/healthz"))
        assert b'{"status":"ok"}' in connection.recv(65536)


def test_more_connections_than_allowed_are_told_to_come_back(serving: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    open_already = len(serving.connections)
    monkeypatch.setattr(wire, "MOST_CONNECTIONS", open_already + 1)
    with serving.connect() as first, serving.connect() as second:
        status, headers, _ = parts(read_all(second))
        assert (status, headers["retry-after"], headers["connection"]) == (503, "1", "close")
        first.sendall(head("GET", "/healthz", connection="close"))
        assert b'{"status":"ok"}' in read_all(first)
    assert wait_until(lambda: len(serving.connections) == open_already, 1)


def test_who_does_not_take_a_stream_is_let_go_and_so_is_the_provider(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "SEND_S", 0.2)
    monkeypatch.setattr(wire, "LINGER_S", 0.2)
    upstream.always(stream([{"content": "x" * 500_000}] * 200))
    with Gateway({"alpha": upstream}) as gateway, socket.socket() as lazy:
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        lazy.connect(("127.0.0.1", gateway.port))
        body = json.dumps(chat_body(stream=True)).encode()
        lazy.sendall(head(content_length=str(len(body))) + body)
        assert wait_until(lambda: upstream.count == 1, 2)
        assert upstream.wait_closed(within_s=3)
        assert gateway.idle()
        assert wait_until(lambda: len(gateway.connections) == 1, 2), "the connection is kept for nobody"
        upstream.always("answer")
        assert gateway.chat().status_code == 200


def test_who_does_not_take_a_whole_answer_is_let_go(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "LINGER_S", 0.2)
    upstream.always(answer("x" * 7_000_000))
    with Gateway({"alpha": upstream}) as gateway, socket.socket() as lazy:
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        lazy.connect(("127.0.0.1", gateway.port))
        lazy.sendall(head(content_length=str(len(BODY)), connection="close") + BODY)
        assert wait_until(lambda: bool(gateway.connections), 2)
        assert wait_until(lambda: not gateway.connections, 5)


def test_the_key_is_wanted_for_everything_but_health_and_the_page(serving: Gateway) -> None:
    for path in ("/", "/healthz", "/livez", "/readyz"):
        assert b" 200 OK\r\n" in serving.raw(head("GET", path, authorization="", connection="close"))
    for path in ("/stats", "/metrics", "/events", "/v1/models", "/openapi.json", "/docs", "/nothing"):
        assert error(serving.raw(head("GET", path, authorization="", connection="close"))) == (401, "invalid_api_key")
    assert b" 200 OK\r\n" in serving.raw(head("GET", "/stats", authorization="", x_api_key=KEY, connection="close"))


@pytest.mark.parametrize(
    ("value", "levels"), [(1, 0), ({}, 1), ([1], 1), ({"a": [{}]}, 3), ([[], [[]]], 3), ({"a": "[[[["}, 1)]
)
def test_levels_are_counted(value: Any, levels: int) -> None:
    assert not deeper([value], levels + 1)
    assert deeper([value], levels)


def test_what_is_taken_slowly_is_not_cut_off_and_what_is_not_taken_at_all_is() -> None:
    class Inner:
        left, aborted, closed = 3, False, False

        def get_write_buffer_size(self) -> int:
            return self.left

        def abort(self) -> None:
            self.aborted = True

        def close(self) -> None:
            self.closed = True

        def is_closing(self) -> bool:
            return self.closed

    class Loop:
        def __init__(self) -> None:
            self.later: list[Any] = []

        def call_later(self, _: float, step: Any, *values: Any) -> None:
            self.later.append(lambda: step(*values))

    inner, loop = Inner(), Loop()
    wire.Gathering(inner, loop).close()  # type: ignore[arg-type]
    for left in (2, 1):
        inner.left = left
        loop.later.pop()()
        assert not inner.aborted
    loop.later.pop()()
    assert inner.aborted


def test_who_asks_late_whether_a_client_has_left_is_told_at_once() -> None:
    departure, told = Departure(), list[str]()
    departure.happened()
    departure.then(lambda: told.append("late"))
    assert told == ["late"]


def test_who_no_longer_asks_is_not_told() -> None:
    departure, told = Departure(), list[str]()
    departure.then(lambda: told.append("in time"))
    departure.then(None)
    departure.happened()
    assert told == []
