"""How fast a local model reads and writes, by letting it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import click

if TYPE_CHECKING:
    from llm7router.config.models import LoadedConfig
    from llm7router.router import LLMRouter

ANSWER_TOKENS = 64
LEAST_TOKENS = 8  # of an answer that says something about speed
_SENTENCE = "The river was wide and slow there, and on its far bank the lamps of the town were being lit, one by one. "
PROMPT = _SENTENCE * 8 + "Go on with this story in as many words as you can."


class Speed(NamedTuple):
    """Tokens a second, and the seconds that the first answer waited for the model to be loaded."""

    id: str
    prompt_tokens: int
    read_per_s: float
    output_tokens: int
    written_per_s: float
    load_s: float


def run(loaded: LoadedConfig, ids: list[str], *, as_json: bool) -> bool:
    """Measure each and print it; False if one could not be measured, which is said on stderr."""
    from llm7router.cli.output import print_json
    from llm7router.errors import RoutingError
    from llm7router.router import LLMRouter

    speeds: list[Speed] = []
    with LLMRouter(loaded) as router:
        for id in ids:
            try:
                speeds.append(_measured(router, id))
            except (RoutingError, ValueError) as error:
                click.echo(f"Error: {id}: {error}", err=True)
            else:
                if not as_json:
                    click.echo(_line(speeds[-1]))
    if as_json:
        print_json([speed._asdict() for speed in speeds])
    elif not ids:
        click.echo("no local model of router.yaml can be used; see `llm7router local`", err=True)
    return len(speeds) == len(ids) > 0


def _line(speed: Speed) -> str:
    return (
        f"{speed.id}: reads {speed.read_per_s:.0f} tokens/s ({speed.prompt_tokens} tokens), writes "
        f"{speed.written_per_s:.1f} tokens/s ({speed.output_tokens} tokens); first answer after {speed.load_s:.1f} s"
    )


def _measured(router: LLMRouter, id: str) -> Speed:
    """Raises RoutingError, or ValueError for an answer too short to measure."""
    _, load_s, _ = _timed(router, id, "Hello.", 1)  # loads the model, and LiteLLM
    result, first_s, rest_s = _timed(router, id, PROMPT, ANSWER_TOKENS)
    if result.tokens_output < LEAST_TOKENS or not rest_s:
        raise ValueError(f"answered with {result.tokens_output} tokens, too few to measure; run it again")
    return Speed(
        id=id,
        prompt_tokens=result.tokens_input,
        read_per_s=result.tokens_input / first_s,
        output_tokens=result.tokens_output,
        written_per_s=(result.tokens_output - 1) / rest_s,
        load_s=load_s,
    )


def _timed(router: LLMRouter, id: str, prompt: str, most: int) -> tuple[Any, float, float]:
    """The result, seconds to the first content, and seconds from there to the end."""
    from llm7router.clock import SystemClock
    from llm7router.types import RequestContext

    monotonic = SystemClock.monotonic
    began, first, result = monotonic(), None, None
    messages = [{"role": "user", "content": prompt}]
    for chunk in router.stream_sync(messages, RequestContext(providers=[id]), max_tokens=most, temperature=0):
        if chunk.content and first is None:
            first = monotonic()
        result = chunk.result or result
    ended = monotonic()
    return result, (first or ended) - began, ended - (first or ended)
