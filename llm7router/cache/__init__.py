"""The exact response cache: the same request, asked again within a time, gets the stored answer.

What holds, and why:

- It is opt-in: a request asks for it (`RequestContext(cache=True)`), or a deployment of router.yaml allows it
  (`cache: true`). What a deployment allows is used for requests that say `temperature: 0` and have neither tools nor
  images, films or files: an absent temperature is the provider's own, mostly 1, and an address may show something else
  tomorrow.
  A request that asks for it itself gets it with any of these.
- "The same request" is what `cache.key` says: messages, parameters and what the caller says of who should answer, but
  not who did. So a deployment that is blocked, or gone, can still be answered for.
- Callers do not share: whether an answer is there tells that somebody asked. `cache.across_callers` lifts that.
- Only whole answers that ended by themselves are kept (`stop`, `tool_calls`): none that was cut off at a length, was
  interrupted, or that two models wrote. Requests whose answers hold more than a result does (`n` above 1, `logprobs`)
  are not cached, nor are embeddings.
- A stored answer takes no quota and costs nothing. A caller's own limits are still asked first: they protect the
  gateway, so it counts as a request of the caller's, with no tokens.
- Identical requests at the same time are each sent; the last answer is kept. Waiting for one another would make one
  caller's slow answer everybody's.
- It is never in the way: trouble with it is told once in the log, and is a miss.
- Answers are kept where state is, in memory or on disk (`answers` in the state directory, for its owner only; removing
  that directory empties the cache). Not in Redis: answers could fill what limits are counted in, and Redis would then
  refuse to count, or throw counters away. With a Redis store each machine has its own answers on disk.
"""
