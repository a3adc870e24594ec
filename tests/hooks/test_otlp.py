"""Where spans go, by the standard environment variables."""

from __future__ import annotations

import http.server
import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from llm7router import ConfigError
from llm7router.hooks import otlp, traces_from_environment
from tests.hooks import heard
from tests.router.scene import HELLO, Scene, ranked


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("OTEL_"):
            monkeypatch.delenv(name)


@pytest.fixture
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """An OTLP collector on loopback, and what it was sent."""
    bodies: list[bytes] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", bodies
        server.shutdown()
        thread.join()


def test_spans_go_to_the_collector_of_the_environment(
    collector: tuple[str, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, bodies = collector
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
    traces = traces_from_environment()
    assert traces is not None
    scene = heard.listening(Scene(ranked("a")), traces)
    scene.router.complete_sync(HELLO)
    traces.close()
    [resource] = ExportTraceServiceRequest.FromString(bodies[0]).resource_spans
    attributes = {a.key: a.value.string_value for a in resource.resource.attributes}
    assert attributes["service.name"] == "llm7router"
    assert sorted(span.name for span in resource.scope_spans[0].spans) == ["chat m", "llm7router chat"]


def test_the_service_is_called_what_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "my-gateway")
    assert otlp._resource().attributes["service.name"] == "my-gateway"


ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
        {**ENDPOINT, "OTEL_SDK_DISABLED": "true"},
        {**ENDPOINT, "OTEL_TRACES_EXPORTER": "none"},
    ],
    ids=["nothing set", "an empty endpoint", "switched off", "no exporter"],
)
def test_without_an_endpoint_there_are_no_traces(variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert traces_from_environment() is None


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        (
            {**ENDPOINT, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "OTEL_EXPORTER_OTLP_PROTOCOL: only http/protobuf is spoken",
        ),
        (
            {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "u:pw@collector:4318"},
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: not an http",
        ),
        ({**ENDPOINT, "OTEL_BSP_MAX_QUEUE_SIZE": "0"}, "OTEL_ variables cannot be used: max_queue_size"),
    ],
    ids=["another protocol", "no address", "a number out of range"],
)
def test_a_variable_that_cannot_be_used_is_said(
    variables: dict[str, str], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=says) as caught:
        traces_from_environment()
    assert "pw@" not in str(caught.value)
