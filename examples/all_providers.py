"""Providers registered in code, a model of your own among them.

    python examples/all_providers.py

Every provider without a key is skipped; the last one is a function in this file, so there is always an answer.
"""

import asyncio

from llm7router import (
    GroqProvider,
    LLM7Provider,
    LLMRouter,
    LocalProvider,
    OpenRouterProvider,
    RequestContext,
    TaskType,
)


def my_model(messages: list[dict[str, str]]) -> str:
    """Stands for a model that your program already holds."""
    return f"You said: {messages[-1]['content']}"


async def main() -> None:
    """Register, look at the choice, ask."""
    async with LLMRouter() as router:
        router.register_provider(LLM7Provider())
        router.register_provider(OpenRouterProvider())
        router.register_provider(GroqProvider())
        router.register_provider(LocalProvider(model_callable=my_model, model_name="mine"))

        messages = [{"role": "user", "content": "Explain recursion in one sentence."}]
        context = RequestContext(task_type=TaskType.REASONING, estimated_tokens=100)

        decision = router.decide(messages, context)  # calls nobody
        for scored in decision.ranking:
            print(f"{scored.points:6.1f}  {scored.deployment.id}")

        result = await router.complete(messages, context=context)
        print(result.content)
        print(f"-- {result.provider}/{result.model}, {result.cost} USD")


if __name__ == "__main__":
    asyncio.run(main())
