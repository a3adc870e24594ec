# ruff: noqa: PT017  there is no pytest here
"""The openai SDK, as its documentation shows it."""

import asyncio
import sys

import openai
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

HELLO = [{"role": "user", "content": "Hello!"}]
FORECAST = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {"type": "function", "function": {"name": "forecast", "parameters": FORECAST}}
SAID = "Hello there, friend!"


class Forecast(BaseModel):
    city: str
    celsius: int


def whole(client):
    answer = client.chat.completions.create(model="auto", messages=HELLO)
    assert answer.choices[0].message.content == SAID
    assert (answer.model, answer.usage.total_tokens, answer.choices[0].finish_reason) == ("alpha/m", 12, "stop")
    assert answer._request_id.startswith("req_")
    raw = client.chat.completions.with_raw_response.create(model="auto:fast", messages=HELLO, temperature=0, seed=1)
    assert raw.headers["x-llm7router-provider"] == "alpha/m"
    assert raw.parse().choices[0].message.role == "assistant"


def streamed(client):
    options = {"include_usage": True}
    chunks = list(client.chat.completions.create(model="auto", messages=HELLO, stream=True, stream_options=options))
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices).strip() == SAID
    assert chunks[-1].usage.total_tokens == 12
    with client.chat.completions.stream(model="auto", messages=HELLO) as stream:
        for _ in stream:
            pass
        assert stream.get_final_completion().choices[0].message.content.strip() == SAID


def tools(client):
    first = client.chat.completions.create(model="auto", messages=HELLO, tools=[TOOL], tool_choice="auto")
    (call,) = first.choices[0].message.tool_calls
    assert (call.function.name, call.function.arguments) == ("forecast", '{"city": "Rome"}')
    told = {"role": "tool", "tool_call_id": call.id, "content": "sunny"}
    messages = [*HELLO, first.choices[0].message, told]
    assert client.chat.completions.create(model="auto", messages=messages, tools=[TOOL]).choices[0].message.content
    with client.chat.completions.stream(model="auto", messages=HELLO, tools=[TOOL]) as stream:
        for _ in stream:
            pass
        (call,) = stream.get_final_completion().choices[0].message.tool_calls
        assert call.function.arguments == '{"city": "Rome"}'


def structured(client):
    answer = client.chat.completions.parse(model="auto", messages=HELLO, response_format=Forecast)
    assert answer.choices[0].message.parsed == Forecast(city="Rome", celsius=21)


def responses(client):
    answer = client.responses.create(model="auto", input="Hello!", instructions="Be brief.")
    assert (answer.output_text, answer.status) == (SAID, "completed")
    assert answer.usage.output_tokens == 5
    events = list(client.responses.create(model="auto", input=HELLO, stream=True))
    assert "".join(e.delta for e in events if e.type == "response.output_text.delta").strip() == SAID
    assert events[0].type == "response.created"
    assert events[-1].type == "response.completed"
    assert events[-1].response.output_text.strip() == SAID
    with client.responses.stream(model="auto", input="Hello!") as stream:
        for _ in stream:
            pass
        assert stream.get_final_response().output_text.strip() == SAID
    tool = {"type": "function", "name": "forecast", "parameters": FORECAST}
    (call,) = [o for o in client.responses.create(model="auto", input="Hello!", tools=[tool]).output
               if o.type == "function_call"]  # fmt: skip
    assert (call.name, call.arguments) == ("forecast", '{"city": "Rome"}')
    parsed = client.responses.parse(model="auto", input="Hello!", text_format=Forecast)
    assert parsed.output_parsed == Forecast(city="Rome", celsius=21)


def completions(client):
    answer = client.completions.create(model="auto", prompt="Once upon")
    assert answer.choices[0].text == SAID
    pieces = client.completions.create(model="auto", prompt="Once upon", stream=True)
    assert "".join(piece.choices[0].text for piece in pieces if piece.choices).strip() == SAID


def models(client):
    ids = [model.id for model in client.models.list()]
    assert {"auto", "auto:code", "alpha/m"} <= set(ids)
    assert client.models.retrieve("alpha/m").owned_by == "alpha"


def errors(client):
    once = client.with_options(max_retries=0)

    def fails(kind, status, said, **request):
        try:
            once.chat.completions.create(**{"model": "auto", "messages": HELLO, **request})
        except kind as error:
            assert (type(error), error.status_code) == (kind, status), error
            assert error.request_id.startswith("req_")
            assert said in error.message, error.message
            return error
        raise AssertionError(f"no {kind.__name__}")

    assert fails(openai.NotFoundError, 404, "did you mean", model="autp").code == "model_not_found"
    assert fails(openai.BadRequestError, 400, "temperature", temperature="hot").param == "temperature"
    assert fails(openai.BadRequestError, 400, "send less", messages=[{"role": "user", "content": "x" * 200000}]).code
    assert fails(openai.InternalServerError, 503, "alpha/m", messages=[{"role": "user", "content": "status 500"}])
    refused = OpenAI(api_key="wrong", max_retries=0)
    try:
        refused.models.list()
    except openai.AuthenticationError as error:
        assert error.code == "invalid_api_key"
    else:
        raise AssertionError("a wrong key was let in")


def retried(client):
    answer = client.chat.completions.create(model="auto", messages=[{"role": "user", "content": "busy"}])
    assert answer.choices[0].message.content == SAID


def cut(client):
    try:
        list(client.chat.completions.create(model="auto", messages=HELLO, stream=True))
    except openai.APIError as error:
        assert "broke off" in error.message
    else:
        raise AssertionError("a stream that was cut off looked whole")


async def at_once(_):
    async with AsyncOpenAI() as client:

        async def one():
            answer = await client.chat.completions.create(model="auto", messages=HELLO)
            return answer.choices[0].message.content

        assert await asyncio.gather(*(one() for _ in range(8))) == [SAID] * 8
        stream = await client.chat.completions.create(model="auto", messages=HELLO, stream=True)
        assert "".join([c.choices[0].delta.content or "" async for c in stream if c.choices]).strip() == SAID


for name in sys.argv[1:]:
    with OpenAI() as given:
        if name == "at_once":
            asyncio.run(at_once(given))
        else:
            globals()[name](given)
    print(name)
