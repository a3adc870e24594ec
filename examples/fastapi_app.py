"""A chat endpoint of your own.

In a checkout of this repository:

    pip install -e '.[server]'
    uvicorn examples.fastapi_app:app
    curl -s localhost:8000/chat -H "content-type: application/json" -d '{"message": "Hello!"}'
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field

from llm7router import LLMRouter, RequestContext, RequestRejectedError, RoutingError, TaskType

router: LLMRouter


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """One router for the whole life of the application."""
    global router
    async with LLMRouter() as router:
        yield


app = FastAPI(lifespan=lifespan)


class ChatRequest(BaseModel):
    """What the client sends."""

    message: str = Field(min_length=1, max_length=100_000)
    task: TaskType = TaskType.AUTO


class ChatReply(BaseModel):
    """What it gets."""

    content: str
    provider: str
    model: str
    cost: float


@app.post("/chat")
async def chat(request: ChatRequest) -> ChatReply:
    """Answer a message; 400 if the message is at fault, 503 if nobody can answer now."""
    try:
        result = await router.complete(
            [{"role": "user", "content": request.message}], context=RequestContext(task_type=request.task)
        )
    except RequestRejectedError as error:
        raise HTTPException(400, str(error)) from None
    except RoutingError as error:
        headers = {"Retry-After": str(int(error.retry_after_s) + 1)} if error.retry_after_s is not None else None
        raise HTTPException(503, str(error), headers=headers) from None
    return ChatReply(content=result.content, provider=result.provider, model=result.model, cost=result.cost)
