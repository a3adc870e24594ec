"""The smallest use: one question, and who answered.

    python examples/basic.py "What is a monad?"

Needs no key: without one, LLM7 is asked first and the local model answers if nobody else does.
"""

import asyncio
import sys

from llm7router import LLMRouter, RequestContext, TaskType


async def main(prompt: str) -> None:
    """Ask, and print the answer and how it came about."""
    async with LLMRouter() as router:
        result = await router.complete(
            [{"role": "user", "content": prompt}],
            context=RequestContext(task_type=TaskType.CHAT, estimated_tokens=100),
        )
    print(result.content)
    print(f"-- {result.provider}/{result.model}, {result.latency:.1f} s, {result.cost} USD")
    for attempt in result.attempts:
        print(f"   {attempt.deployment}: {'answered' if attempt.ok else attempt.failure}")


if __name__ == "__main__":
    asyncio.run(main(" ".join(sys.argv[1:]) or "Say hello in one sentence."))
