/** `limitFetch` with the `fetch` of this runtime, against the server of `test/vendors` at `url`: the same everywhere. */

const CALLS = 40;

/**
 * @param {string} url
 * @param {typeof import("limitset") & typeof import("limitset/fetch") & typeof import("limitset/llm")} modules the built package
 */
export async function fetching(url, modules) {
  const { CallLimit, LimitSet, RateLimit, RateLimitAlgorithm, ResourceLimit, limitFetch, openai } = modules;
  const limits = new LimitSet({
    limits: [
      new CallLimit({ capacity: 20, windowMs: 1000, algorithm: RateLimitAlgorithm.GCRA, burst: 12 }),
      new RateLimit({ key: "tokens", capacity: 20_000, windowMs: 60_000 }),
      new ResourceLimit({ key: "connections", capacity: 4 }),
    ],
  });
  const fetch = limitFetch(limits, { provider: openai({ windowMs: 1000 }), retry: 1 });
  /** @param {boolean} stream */
  const ask = (stream) =>
    fetch(`${url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        model: "m",
        stream,
        max_tokens: 40,
        messages: [{ role: "user", content: "hello" }],
      }),
    });

  // The first is refused once, and sent again when the server wants it.
  const first = await ask(false);
  const { status, ok, type, redirected } = first;
  const answer = await first.json();
  const rest = Array.from({ length: CALLS - 2 }, async (_, i) => (await ask(i % 2 === 0)).text());
  await Promise.all(rest);

  const reader = (await ask(true)).body?.getReader();
  const chunk = await reader?.read();
  const held = limits.stats().connections.used;
  await reader?.cancel();

  const controller = new AbortController();
  controller.abort();
  const aborted = await fetch(url, { signal: controller.signal }).catch((error) => error.name);
  const { connections, tokens } = limits.stats();
  return {
    answer: {
      status,
      ok,
      redirected,
      type,
      sameUrl: first.url === `${url}/v1/chat/completions`,
      usage: answer.usage,
    },
    cancelled: { read: (chunk?.value?.length ?? 0) > 0, held },
    aborted,
    after: {
      held: connections.used,
      waiting: limits.waiting,
      isCharged: tokens.used > 0 && tokens.used < 40 * 50,
    },
  };
}
