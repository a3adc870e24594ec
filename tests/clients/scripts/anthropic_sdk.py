# ruff: noqa: PT017  there is no pytest here
"""The anthropic SDK."""

import anthropic

SAID = "Hello there, friend!"
HELLO = [{"role": "user", "content": "Hello!"}]
TOOL = {
    "name": "forecast",
    "description": "The forecast for a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
client = anthropic.Anthropic(max_retries=0)
answer = client.messages.create(model="auto", max_tokens=100, messages=HELLO, system="Be brief.")
assert answer.content[0].text == SAID
assert (answer.role, answer.stop_reason, answer.model) == ("assistant", "end_turn", "alpha/m")
assert (answer.usage.input_tokens, answer.usage.output_tokens) == (7, 5)
with client.messages.stream(model="auto", max_tokens=100, messages=HELLO) as stream:
    assert "".join(stream.text_stream).strip() == SAID
    assert stream.get_final_message().usage.output_tokens == 5
kinds = [event.type for event in client.messages.create(model="auto", max_tokens=9, messages=HELLO, stream=True)]
assert (kinds[0], kinds[-1]) == ("message_start", "message_stop"), kinds
first = client.messages.create(model="auto", max_tokens=100, messages=HELLO, tools=[TOOL])
(use,) = [block for block in first.content if block.type == "tool_use"]
assert (use.name, use.input, first.stop_reason) == ("forecast", {"city": "Rome"}, "tool_use")
result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": use.id, "content": "sunny"}]}
again = [*HELLO, {"role": "assistant", "content": [block.model_dump() for block in first.content]}, result]
assert client.messages.create(model="auto", max_tokens=100, messages=again, tools=[TOOL]).content[0].text == SAID
with client.messages.stream(model="auto", max_tokens=100, messages=HELLO, tools=[TOOL]) as stream:
    for _ in stream:
        pass
    assert stream.get_final_message().content[-1].input == {"city": "Rome"}

assert client.messages.count_tokens(model="auto", messages=HELLO, tools=[TOOL]).input_tokens > 20


def fails(kind, **request):
    try:
        (request.pop("client", client)).messages.create(
            **{"model": "auto", "max_tokens": 9, "messages": HELLO, **request}
        )
    except anthropic.APIStatusError as error:
        assert isinstance(error, kind), error
        assert error.body["type"] == "error", error.body
        assert error.body["error"]["message"]
    else:
        raise AssertionError(f"no {kind.__name__}")


fails(anthropic.NotFoundError, model="autp")
fails(anthropic.BadRequestError, messages=[])
fails(anthropic.AuthenticationError, client=anthropic.Anthropic(api_key="wrong", max_retries=0))
fails(anthropic.APIStatusError, messages=[{"role": "user", "content": "status 500"}])
print("ok")
