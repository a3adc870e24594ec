"""The names of OpenTelemetry's GenAI conventions (of 2026, still in development) and our own beside them.

They are written out here, since the package that holds them marks them as subject to removal.
"""

from __future__ import annotations

from collections.abc import Mapping

OPERATION = "gen_ai.operation.name"  # the values of `Operation` are well-known ones
PROVIDER = "gen_ai.provider.name"
REQUEST_MODEL = "gen_ai.request.model"
REQUEST_STREAM = "gen_ai.request.stream"
REQUEST_MAX_TOKENS = "gen_ai.request.max_tokens"
REQUEST_CHOICES = "gen_ai.request.choice.count"
RESPONSE_MODEL = "gen_ai.response.model"
FINISH_REASONS = "gen_ai.response.finish_reasons"
FIRST_CHUNK_S = "gen_ai.response.time_to_first_chunk"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
ERROR_TYPE = "error.type"
SERVER_ADDRESS = "server.address"
SERVER_PORT = "server.port"
HTTP_STATUS = "http.response.status_code"

REQUEST_ID = "llm7router.request.id"
CALLER = "llm7router.caller"
TASK = "llm7router.task"
OUTCOME = "llm7router.outcome"
DEPLOYMENT = "llm7router.deployment"
CACHED = "llm7router.cached"
ATTEMPTS = "llm7router.attempts"
CANDIDATES = "llm7router.candidates"
REJECTED = "llm7router.rejected"
ATTEMPT = "llm7router.attempt"
POINTS = "llm7router.points"
FACTOR = "llm7router.factor."  # and the factor's name: the points it gave
COST_USD = "llm7router.cost_usd"
RETRY_AFTER_S = "llm7router.retry_after_s"
ESTIMATED_USAGE = "llm7router.estimated_usage"

# Where the well-known value is not what a provider is usually called in router.yaml.
PROVIDERS: Mapping[str, str] = {
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "xai": "x_ai",
    "vertex_ai": "gcp.vertex_ai",
    "bedrock": "aws.bedrock",
    "watsonx": "ibm.watsonx.ai",
}


def provider_name(provider: str) -> str:
    """`gen_ai.provider.name` of a provider of router.yaml: the well-known value, else its id."""
    return PROVIDERS.get(provider, provider)
