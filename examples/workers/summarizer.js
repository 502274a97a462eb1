import process from "node:process";
import { threadId } from "node:worker_threads";
import { Worker } from "limitset/worker";
import { post } from "../llm/post.js";

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
    const prompt = { input_tokens: words, max_tokens: 256, generates: summary };
    const { status, body } = await post(`${this.url}/v1/messages`, prompt);
    if (Math.random() * 100 < this.lossRate) throw new LostError("no answer");
    const used = status === 200 ? body.usage : { input_tokens: 0, output_tokens: 0 };
    acquisition.update(used);
    acquisition.release();
    return {
      tokens: used.input_tokens + used.output_tokens,
      refused: status === 429,
      where: `process ${process.pid}, thread ${threadId}`,
    };
  }
}
