"""LangChain's ChatOpenAI."""

import asyncio

from langchain_core.messages import HumanMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel


class Forecast(BaseModel):
    """A forecast."""

    city: str
    celsius: int


@tool
def forecast(city: str) -> str:
    """The forecast for a city."""
    return f"{city}: sunny"


SAID = "Hello there, friend!"
model = ChatOpenAI(model="auto", temperature=0)
answer = model.invoke([HumanMessage("Hello!")])
assert answer.content == SAID
assert answer.usage_metadata["total_tokens"] == 12
assert answer.response_metadata["model_name"] == "alpha/m"
assert "".join(str(chunk.content) for chunk in model.stream("Hello!")).strip() == SAID
assert model.with_structured_output(Forecast, method="json_schema").invoke("Rome?") == Forecast(city="Rome", celsius=21)
bound = model.bind_tools([forecast])
first = bound.invoke("Rome?")
(call,) = first.tool_calls
assert (call["name"], call["args"]) == ("forecast", {"city": "Rome"})
last = bound.invoke([HumanMessage("Rome?"), first, forecast.invoke(call)])
assert last.content == SAID
gathered = None
for chunk in bound.stream("Rome?"):
    gathered = chunk if gathered is None else gathered + chunk
assert gathered.tool_calls[0]["args"] == {"city": "Rome"}
assert asyncio.run(model.ainvoke("Hello!")).content == SAID
assert [each.content for each in model.batch(["a", "b", "c"])] == [SAID] * 3
assert ChatOpenAI(model="auto", use_responses_api=True).invoke("Hello!").text == SAID
print("ok")
