"""`llm7router chat`: one answer, or a conversation."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import click

from llm7router.cli.exits import leave
from llm7router.cli.options import (
    config_option,
    context_of,
    json_option,
    note_unknown_environment,
    prompt_text,
    request_options,
)

if TYPE_CHECKING:
    from llm7router.cli.footer import ProxyTip
    from llm7router.cli.interrupts import Loop
    from llm7router.router import LLMRouter
    from llm7router.types import CompletionResult, RequestContext

CLOSE_S = 0.5  # most that Ctrl-C waits for connections and the state store to be closed
ENDS = ("", "exit", "quit", "/exit", "/quit")


@click.command(short_help="One answer, or a conversation.")
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
    """Answer PROMPT, from the arguments, a pipe, or both; without either, a conversation.

    The answer goes to stdout; who answered, tokens, time, cost and what was tried go to stderr. Exit code 3 if
    nothing could serve.

    \b
    Examples:
      llm7router chat "What is a monad?"
      llm7router chat --task code --speed "Reverse a list in Python."
      git diff | llm7router chat "Review this change."
    """
    from llm7router.cli.footer import ProxyTip, keyless
    from llm7router.cli.interrupts import Loop
    from llm7router.config.load import load
    from llm7router.proxies import Proxy
    from llm7router.router import LLMRouter

    text = prompt_text(prompt)
    if text == "":
        raise click.UsageError("the prompt is empty")
    loaded = load(config_path)
    note_unknown_environment(options["environment"], loaded)
    router = LLMRouter(loaded)
    router.check_ids((*options["only"], *options["exclude"]))
    parameters = {"max_tokens": max_tokens, "temperature": temperature}
    session = Session(
        router,
        context_of(options),
        {name: value for name, value in parameters.items() if value is not None},
        [{"role": "system", "content": system}] if system else [],
        whole=no_stream or as_json,
        as_json=as_json,
        proxy_tip=ProxyTip(router.deployments, Proxy(loaded.config.proxy)),
        keyless=keyless(loaded),
    )
    run(session, Loop(), text)


def run(session: Session, loop: Loop, text: str | None) -> None:
    """One answer to `text`, or a conversation. Ctrl-C ends the program at once, unless it stops an answer of many."""
    from llm7router.cli.interrupts import GRACE_S

    close_within_s = None
    try:
        try:
            if text is None:
                converse(session, loop)
            else:
                loop.run(session.turn(text), grace_s=GRACE_S)
        except KeyboardInterrupt:
            close_within_s = CLOSE_S
            raise
        finally:
            loop.run(session.aclose(close_within_s))
            if close_within_s is None:
                loop.close()
    except KeyboardInterrupt:
        leave()


def converse(session: Session, loop: Loop) -> None:
    """Questions and answers until the person ends it."""
    from llm7router.errors import RoutingError

    click.echo("Type a message. `exit`, an empty line or Ctrl-D ends; Ctrl-C stops an answer.", err=True)
    while (said := ask()) not in ENDS:
        try:
            loop.run(session.turn(said))
        except KeyboardInterrupt:
            session.stopped(said)
        except RoutingError as error:  # the conversation goes on: the next message may be served
            click.echo(f"Error: {error}", err=True)


def ask() -> str:
    """What the person types next; empty at the end of input.

    Read in the main thread and outside of the event loop, so that Ctrl-C interrupts it.
    """
    try:
        if sys.stdin.isatty() and sys.stdout.isatty():
            with contextlib.suppress(ImportError):  # there is none on Windows
                import readline  # noqa: F401 - gives `input` editing and a history
            return _clean(input("> "))
        click.echo("> ", nl=False, err=True)
        if line := sys.stdin.readline():
            return _clean(line)
    except UnicodeDecodeError:
        click.echo("Error: that was not UTF-8", err=True)
        return ask()
    except EOFError:
        pass
    except KeyboardInterrupt:
        click.echo(err=True)  # the shell's prompt begins on a line of its own
        raise
    click.echo(err=True)
    return ""


def _clean(line: str) -> str:
    return line.encode("utf-8", "replace").decode().strip()


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
        proxy_tip: ProxyTip,
        keyless: bool,
    ) -> None:
        self._router, self._context, self._parameters, self._messages = router, context, parameters, messages
        self._whole, self._as_json, self._keyless = whole, as_json, keyless
        self._proxy_tip = proxy_tip
        self._heard = ""  # of the answer under way

    async def turn(self, text: str) -> None:
        """Ask, print the answer and who gave it, and remember both."""
        from llm7router.cli.footer import footer, lacks_keys, wants_keys_tip
        from llm7router.cli.output import note
        from llm7router.errors import RoutingError

        self._heard = ""
        messages = [*self._messages, {"role": "user", "content": text}]
        try:
            result = await (self._complete(messages) if self._whole else self._stream(messages))
        except RoutingError as error:
            self._proxy_tip.say(error.attempts)
            if error.decision is not None and lacks_keys(error.decision):
                self._say_keys_tip()
            raise
        self._messages = [*messages, {"role": "assistant", "content": result.content + (result.refusal or "")}]
        note(footer(result))
        self._proxy_tip.say(result.attempts)
        if wants_keys_tip(result):
            self._say_keys_tip()

    def _say_keys_tip(self) -> None:
        """Once, to who has no key: with one, somebody better might have answered."""
        from llm7router.cli.footer import KEYS_TIP
        from llm7router.cli.output import note

        if self._keyless:
            note(KEYS_TIP)
            self._keyless = False

    def stopped(self, text: str) -> None:
        """After Ctrl-C: the question and what was heard of the answer are remembered, if there was any."""
        if self._heard:
            click.echo()
            answer = {"role": "assistant", "content": self._heard}
            self._messages = [*self._messages, {"role": "user", "content": text}, answer]
        click.echo("[stopped]", err=True)

    async def aclose(self, within_s: float | None) -> None:
        """Release models, connections and the state store; give up after so many seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._router.aclose()

    async def _complete(self, messages: list[dict[str, Any]]) -> CompletionResult:
        from llm7router.cli.footer import as_dict, error_as_dict
        from llm7router.cli.output import console, print_json
        from llm7router.errors import RoutingError

        try:
            with console(err=True).status("asking"):
                result = await self._router.complete(messages, self._context, **self._parameters)
        except RoutingError as error:
            if self._as_json:
                print_json(error_as_dict(error))
            raise
        if self._as_json:
            print_json(as_dict(result))
        else:
            click.echo(shown(result.content + (result.refusal or "")))
        return result

    async def _stream(self, messages: list[dict[str, Any]]) -> CompletionResult:
        from llm7router.cli.output import console

        result = None
        chunks = self._router.stream(messages, self._context, **self._parameters)
        with console(err=True).status("asking") as status:
            async with aclosing(chunks):
                async for chunk in chunks:
                    if words := chunk.content + chunk.refusal:
                        status.stop()
                        self._heard += words
                        click.echo(shown(words), nl=False)
                    result = chunk.result or result
        click.echo()
        assert result is not None, "a stream that ends without an error ends with its result"
        return result


def shown(text: str) -> str:
    """A model's words as they may be printed: a terminal would take some characters for commands."""
    from llm7router.calls.redact import printable

    return printable(text) if sys.stdout.isatty() else text
