"""`llm7router chat`: one answer, or a conversation."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import click

from llm7router.cli.options import config_option, context_of, json_option, prompt_text, request_options

if TYPE_CHECKING:
    from llm7router.router import LLMRouter
    from llm7router.types import AttemptRecord, CompletionResult, RequestContext


@click.command()
@click.argument("prompt", nargs=-1)
@request_options
@click.option("--system", metavar="TEXT", help="System message.")
@click.option("--max-tokens", type=click.IntRange(min=1), metavar="N", help="Most tokens to answer with.")
@click.option("--temperature", type=click.FloatRange(0, 2), metavar="T", help="0 to 2.")
@click.option("--no-stream", is_flag=True, help="Print the answer when it is whole.")
@config_option
@json_option
def chat(
    prompt: tuple[str, ...],
    system: str | None,
    max_tokens: int | None,
    temperature: float | None,
    no_stream: bool,
    config_path: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Answer PROMPT, from the arguments or from a pipe; without either, a conversation.

    The answer goes to stdout; who answered, tokens, time, cost and what was tried go to stderr. Exit code 3 if
    nothing could serve.
    """
    from llm7router.router import LLMRouter

    text = prompt_text(prompt)
    if text == "":
        raise click.UsageError("the prompt is empty")
    router = LLMRouter(config_path)
    router.check_ids((*options["only"], *options["exclude"]))
    parameters = {"max_tokens": max_tokens, "temperature": temperature}
    session = Session(
        router,
        context_of(options),
        {name: value for name, value in parameters.items() if value is not None},
        [{"role": "system", "content": system}] if system else [],
        whole=no_stream or as_json,
        as_json=as_json,
    )
    asyncio.run(session.run(text))


class Session:
    """A conversation: what was said so far, and how to print what comes."""

    def __init__(
        self,
        router: LLMRouter,
        context: RequestContext,
        parameters: dict[str, Any],
        messages: list[dict[str, Any]],
        *,
        whole: bool,
        as_json: bool,
    ) -> None:
        self._router, self._context, self._parameters, self._messages = router, context, parameters, messages
        self._whole, self._as_json = whole, as_json

    async def run(self, text: str | None) -> None:
        """One answer to `text`, or a conversation until end of input."""
        async with self._router:
            if text is not None:
                await self._turn(text)
                return
            click.echo("Type a message; an empty line or Ctrl-D ends.", err=True)
            while said := await asyncio.to_thread(_ask):
                from llm7router.errors import RoutingError

                try:
                    await self._turn(said)
                except RoutingError as error:  # the conversation goes on: the next message may be served
                    self._messages.pop()
                    click.echo(f"Error: {error}", err=True)

    async def _turn(self, text: str) -> None:
        self._messages.append({"role": "user", "content": text})
        result = await (self._complete() if self._whole else self._stream())
        self._messages.append({"role": "assistant", "content": result.content})
        click.echo(footer(result), err=True)

    async def _complete(self) -> CompletionResult:
        from llm7router.cli.output import console, print_json

        with console(err=True).status("asking"):
            result = await self._router.complete(self._messages, self._context, **self._parameters)
        if self._as_json:
            print_json(as_dict(result))
        else:
            click.echo(result.content)
        return result

    async def _stream(self) -> CompletionResult:
        from llm7router.cli.output import console

        result = None
        with console(err=True).status("asking") as status:
            async for chunk in self._router.stream(self._messages, self._context, **self._parameters):
                if chunk.content:
                    status.stop()
                    click.echo(chunk.content, nl=False)
                result = chunk.result or result
        click.echo()
        assert result is not None, "a stream that ends without an error ends with its result"
        return result


def _ask() -> str:
    try:
        return str(click.prompt(">", prompt_suffix=" ", default="", show_default=False, err=True)).strip()
    except click.Abort:
        return ""


def footer(result: CompletionResult) -> str:
    """`local/smollm2 · 36 + 15 tokens · 0.9 s · 0 USD · tried llm7/x: unreachable`."""
    about = "about " if result.estimated_usage else ""
    speed = f", first after {result.first_token_s:.1f} s" if result.first_token_s is not None else ""
    parts = [
        result.deployment,
        f"{about}{result.tokens_input} + {result.tokens_output} tokens",
        f"{result.latency:.1f} s{speed}",
        f"{result.cost:.6f} USD" if result.cost else "0 USD",
    ]
    failed = [attempt for attempt in result.attempts if not attempt.ok]
    if failed:
        parts.append("tried before: " + ", ".join(_short(attempt) for attempt in failed))
    if result.finish_reason == "length":
        parts.append("cut at the token limit")
    return "[" + " · ".join(parts) + "]"


def _short(attempt: AttemptRecord) -> str:
    return f"{attempt.deployment} ({attempt.failure})"


def as_dict(result: CompletionResult) -> dict[str, Any]:
    """The result as plain values."""
    from dataclasses import asdict

    return {
        "content": result.content,
        "provider": result.provider,
        "model": result.model,
        "cost": result.cost,
        "latency": round(result.latency, 3),
        "tokens_input": result.tokens_input,
        "tokens_output": result.tokens_output,
        "estimated_usage": result.estimated_usage,
        "finish_reason": result.finish_reason,
        "reasoning": result.reasoning,
        "tool_calls": list(result.tool_calls),
        "request_id": result.request_id,
        "attempts": [asdict(attempt) for attempt in result.attempts],
    }
