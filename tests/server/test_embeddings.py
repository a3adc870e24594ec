"""Embeddings over the gateway, with OpenAI's own client."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import openai
import pytest

from tests.router import scene
from tests.server.gateway import KEY, Gateway
from tests.upstream import Upstream


@pytest.fixture
def gateway(upstream: Upstream) -> Iterator[Gateway]:
    texts = scene.model("e", capabilities=["embeddings"])
    where = scene.provider(scene.model(), texts, base_url=upstream.base_url)
    with Gateway({"alpha": where}, aliases={"vectors": {"use": ["alpha/e"]}}) as running:
        yield running


@pytest.fixture
def client(gateway: Gateway) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=KEY, max_retries=0) as made:
        yield made


@pytest.mark.parametrize("model", ["alpha/e", "e", "vectors"])
@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_each_text_gets_its_vector_whatever_way_the_model_is_named(
    client: openai.OpenAI, model: str, encoding: str
) -> None:
    answer = client.embeddings.create(model=model, input=["one", "two"], encoding_format=encoding)  # type: ignore[arg-type]
    assert (answer.model, [entry.index for entry in answer.data]) == ("alpha/e", [0, 1])
    if encoding == "float":
        assert [entry.embedding for entry in answer.data] == [[0, 0.5, -2], [1, 0.5, -2]]
    else:
        assert all(isinstance(entry.embedding, str) for entry in answer.data)
    assert answer.usage.prompt_tokens > 0


@pytest.mark.parametrize("model", ["auto", "alpha/m"])
def test_a_model_must_be_named_and_must_embed(client: openai.OpenAI, upstream: Upstream, model: str) -> None:
    with pytest.raises(openai.BadRequestError, match="embeddings"):
        client.embeddings.create(model=model, input="one")
    assert upstream.count == 0


def test_bad_input_says_what_to_change(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="token ids"):
        client.embeddings.create(model="e", input=[1, 2])


def test_a_failure_upstream_is_an_error_with_its_attempts(client: openai.OpenAI, upstream: Upstream) -> None:
    upstream.always("status", 500)
    with pytest.raises(openai.InternalServerError) as caught:
        client.embeddings.create(model="e", input="one")
    body = caught.value.body
    assert isinstance(body, dict)
    assert [attempt["deployment"] for attempt in body["llm7router"]["attempts"]] == ["alpha/e"]


def test_only_the_gateways_own_key_sees_everybodys_requests(upstream: Upstream) -> None:
    from llm7router.server.keys import digest_of

    keys = [{"name": "ci", "sha256": digest_of("sk-llm7-the-key-of-ci").hex()}]
    with Gateway({"alpha": upstream}, server={"keys": keys}) as gateway:
        answer = httpx.get(f"{gateway.url}/events", headers={"authorization": "Bearer sk-llm7-the-key-of-ci"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "owner_only")
        assert gateway.client.get("/stats").status_code == 200
