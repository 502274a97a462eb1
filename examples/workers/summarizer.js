import process from "node:process";
import { threadId } from "node:worker_threads";
import { Worker } from "limitset/worker";
import { textOf } from "../llm/text.js";

/** The API's answer was lost on the way. */
export class LostError extends Error {}

/**
 * Asks a language model. The same class runs in this thread, on threads and in processes, and finds its limits as
 * `this.limits` everywhere.
 */
export class Summarizer extends Worker {
  /**
   * Where threads and processes find the class.
   * @override
   */
  static module = import.meta.url;

  /** @param {string} url @param {number} lossRate how many answers of a hundred get lost */
  constructor(url, lossRate) {
    super();
    this.url = url;
    this.lossRate = lossRate;
  }

  /**
   * @param {{ words: number, summary: number }} text its length, and that of its summary, in tokens
   * @returns {Promise<{ tokens: number, refused: boolean, where: string }>}
   */
  async summarize({ words, summary }) {
    // All of these at once or none. If the code below fails, the acquisition is released before the next attempt.
    const acquisition = await this.limits.acquire({ input_tokens: words, output_tokens: 256 });
    const response = await fetch(`${this.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        model: "demo",
        messages: [{ role: "user", content: textOf(words) }],
        max_tokens: 256,
        metadata: { generates: String(summary) },
      }),
    });
    const { usage = { prompt_tokens: 0, completion_tokens: 0 } } = await response.json();
    if (Math.random() * 100 < this.lossRate) throw new LostError("no answer");
    acquisition.update({ input_tokens: usage.prompt_tokens, output_tokens: usage.completion_tokens });
    acquisition.release();
    return {
      tokens: usage.prompt_tokens + usage.completion_tokens,
      refused: response.status === 429,
      where: `process ${process.pid}, thread ${threadId}`,
    };
  }
}
