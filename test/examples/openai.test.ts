/** The example with the client of OpenAI, against its stand-in. */
import { expect, onTestFinished, test } from "vitest";
import { startApi } from "../../examples/openai/api.js";
import { ask } from "../../examples/openai/program.js";

test("asks all at once, is never refused, and holds nothing at the end", { timeout: 60_000 }, async () => {
  const windowMs = 1500;
  const api = await startApi({ windowMs });
  onTestFinished(() => api.close());
  const seen = await ask({ baseURL: api.baseURL, apiKey: "none", windowMs, questions: 100 });
  expect(seen).toMatchObject({ answers: 100, calls: 100, tokens: 2500, held: 0 });
  expect(api.seen).toEqual({ calls: 100, refused: 0 });
});
