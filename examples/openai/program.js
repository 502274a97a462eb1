// Asks a model many things at once, with the client of OpenAI, within the limits of its API. See README.md.
import { CallLimit, LimitSet, RateLimit, ResourceLimit } from "limitset";
import { limitFetch } from "limitset/fetch";
import { openai } from "limitset/llm";
import OpenAI from "openai";

/**
 * @param {{ baseURL?: string, apiKey?: string, windowMs?: number, questions?: number }} [options] without `baseURL`, OpenAI itself is
 * asked; `windowMs` is the window of the API's limits
 */
export async function ask({ baseURL, apiKey, windowMs = 60_000, questions = 100 } = {}) {
  const limits = new LimitSet({
    limits: [
      new CallLimit({ capacity: 60, windowMs }),
      new RateLimit({ key: "tokens", capacity: 20_000, windowMs }),
      new ResourceLimit({ key: "connections", capacity: 8 }),
    ],
  });
  const fetch = limitFetch(limits, { provider: openai({ windowMs }), retry: 3 });
  const client = new OpenAI({ ...(baseURL && { baseURL }), ...(apiKey && { apiKey }), fetch, maxRetries: 0 });

  const answers = await Promise.all(
    Array.from({ length: questions }, (_, i) =>
      client.chat.completions.create({
        model: "gpt-4o-mini",
        max_tokens: 40,
        messages: [{ role: "user", content: `Name a word with ${3 + (i % 7)} letters.` }],
      }),
    ),
  );
  const { granted, used } = limits.stats().call_count;
  const tokens = answers.reduce((sum, { usage }) => sum + (usage?.total_tokens ?? 0), 0);
  const held = limits.stats().connections.used;
  limits.close();
  return { answers: answers.length, calls: granted, used, tokens, held };
}
