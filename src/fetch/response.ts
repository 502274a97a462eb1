/** Answers that are handed out in place of those that came. */

/** The same answer with another body. */
export function withBody(response: Response, body: ReadableStream<Uint8Array>): Response {
  const { status, statusText, headers } = response;
  // Servers may send any status of three digits, but only these can be passed.
  const isOrdinary = status >= 200 && status <= 599;
  const made = new Response(body, isOrdinary ? response : { status: 200, statusText, headers });
  return dressed(made, response, isOrdinary ? [] : ["status", "ok"]);
}

/** The same answer, marked so that the clients of vendors do not send the request again. */
export function asLast(response: Response): Response {
  const headers = new Headers(response.headers);
  headers.set("x-should-retry", "false");
  const { status, statusText, body } = response;
  return dressed(new Response(body, { status, statusText, headers }), response, []);
}

/** Gives an answer those properties of another one that no constructor sets. Clones have them too. */
function dressed(made: Response, like: Response, more: readonly (keyof Response)[]): Response {
  for (const property of ["url", "redirected", "type", ...more] as const) {
    Object.defineProperty(made, property, { value: like[property], configurable: true });
  }
  const clone = () => dressed(Response.prototype.clone.call(made), like, more);
  return Object.defineProperty(made, "clone", { value: clone, configurable: true });
}
