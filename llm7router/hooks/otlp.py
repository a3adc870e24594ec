"""An OTLP exporter from the standard environment variables, over HTTP with protobuf."""

from __future__ import annotations

from collections.abc import Mapping

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from llm7router import __version__
from llm7router.errors import ConfigError
from llm7router.hooks import ENDPOINTS
from llm7router.hooks.otel import Traces

PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
SPOKEN = "http/protobuf"


def traces(given: Mapping[str, str]) -> Traces:
    """Traces that go to the endpoint of the environment, in batches, from a thread of their own.

    Raises:
        ConfigError: another protocol is asked for, or a variable has a value that cannot be used.
    """
    _check(given)
    try:
        provider = TracerProvider(resource=_resource())
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    except ValueError as error:
        raise ConfigError(f"the OTEL_ variables cannot be used: {error}") from None
    return Traces(provider)


def _check(given: Mapping[str, str]) -> None:
    protocol = next((name for name in PROTOCOLS if given.get(name)), None)
    if protocol and given[protocol] != SPOKEN:
        raise ConfigError(
            f"{protocol}: only {SPOKEN} is spoken (given {given[protocol]!r}); collectors take it on port 4318"
        )
    endpoint = next(name for name in ENDPOINTS if given.get(name))
    if not given[endpoint].startswith(("http://", "https://")):
        raise ConfigError(f"{endpoint}: not an http:// or https:// address; such as http://localhost:4318")


def _resource() -> Resource:
    """Who sends: `llm7router`, unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES say otherwise."""
    found = Resource.create({SERVICE_VERSION: __version__})
    if str(found.attributes[SERVICE_NAME]).startswith("unknown_service"):
        return found.merge(Resource({SERVICE_NAME: "llm7router"}))
    return found
