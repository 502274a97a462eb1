/** Answers in the shapes of the vendors. */

export interface Asked {
  readonly path: string;
  readonly stream: boolean;
  readonly input: number;
  readonly output: number;
  readonly includeUsage: boolean;
}

const words = (count: number) => Array.from({ length: count }, (_, i) => `word${i} `);

/** The body of an answer in one piece. */
export function whole({ path, input, output }: Asked): object {
  const text = words(output).join("");
  if (path.endsWith("/embeddings")) {
    const data = [{ object: "embedding", index: 0, embedding: [0.5, 0.25] }];
    return { object: "list", data, model: "m", usage: { prompt_tokens: input, total_tokens: input } };
  }
  if (path.endsWith("/messages")) {
    return {
      ...{ id: "msg_1", type: "message", role: "assistant", model: "m", content: [{ type: "text", text }] },
      ...{
        stop_reason: "end_turn",
        stop_sequence: null,
        usage: { input_tokens: input, output_tokens: output },
      },
    };
  }
  if (path.endsWith("/responses")) {
    const content = [{ type: "output_text", text, annotations: [] }];
    const message = { type: "message", id: "msg_1", status: "completed", role: "assistant", content };
    return {
      ...{
        id: "resp_1",
        object: "response",
        created_at: 1,
        status: "completed",
        model: "m",
        output: [message],
      },
      usage: { input_tokens: input, output_tokens: output, total_tokens: input + output },
    };
  }
  return {
    ...{ id: "chatcmpl-1", object: "chat.completion", created: 1, model: "m" },
    choices: [{ index: 0, message: { role: "assistant", content: text }, finish_reason: "stop" }],
    usage: { prompt_tokens: input, completion_tokens: output, total_tokens: input + output },
  };
}

/** The events of a streamed answer: each with the output tokens that it has. */
export function events({ path, input, output, includeUsage }: Asked): [tokens: number, text: string][] {
  if (path.endsWith("/messages")) {
    const event = (type: string, rest: object) =>
      `event: ${type}\ndata: ${JSON.stringify({ type, ...rest })}\n\n`;
    const message = { id: "msg_1", type: "message", role: "assistant", model: "m", content: [] };
    const start = {
      message: { ...message, stop_reason: null, usage: { input_tokens: input, output_tokens: 1 } },
    };
    const end = { delta: { stop_reason: "end_turn", stop_sequence: null }, usage: { output_tokens: output } };
    return [
      [0, event("message_start", start)],
      [0, event("content_block_start", { index: 0, content_block: { type: "text", text: "" } })],
      ...words(output).map((text): [number, string] => [
        1,
        event("content_block_delta", { index: 0, delta: { type: "text_delta", text } }),
      ]),
      [0, event("content_block_stop", { index: 0 })],
      [0, event("message_delta", end)],
      [0, event("message_stop", {})],
    ];
  }
  const chunk = (choices: object[], usage: object | null) =>
    `data: ${JSON.stringify({ id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "m", choices, usage })}\n\n`;
  const usage = { prompt_tokens: input, completion_tokens: output, total_tokens: input + output };
  return [
    ...words(output).map((content): [number, string] => [
      1,
      chunk([{ index: 0, delta: { role: "assistant", content }, finish_reason: null }], null),
    ]),
    [0, chunk([{ index: 0, delta: {}, finish_reason: "stop" }], null)],
    ...(includeUsage ? [[0, chunk([], usage)] as [number, string]] : []),
    [0, "data: [DONE]\n\n"],
  ];
}

/** The body of an error, in the shape of the vendor whose path it is. */
export function failure(path: string, status: number, message: string): object {
  const type = status === 529 ? "overloaded_error" : status === 429 ? "rate_limit_error" : "api_error";
  if (path.endsWith("/messages")) return { type: "error", error: { type, message } };
  return path.startsWith("/v1/")
    ? { error: { message, type, param: null, code: "rate_limit_exceeded" } }
    : { message };
}
