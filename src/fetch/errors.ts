/** Errors of `limitset/fetch`. */
import { LimitError } from "../errors.ts";

/**
 * The body of an answer was not read for `unreadMs`. It was cancelled, and what its request held was given back. The option `onWarning`
 * gets it, and readers of the body that come later do. Read bodies to their end, or cancel them: `response.body?.cancel()`.
 */
export class UnreadBodyWarning extends LimitError {
  /** The address of the request. */
  readonly url: string;

  static override get code() {
    return "WARN_UNREAD_BODY" as const;
  }

  constructor(url: string, unreadMs: number) {
    super(
      new.target.code,
      `the body of ${url} was not read for ${unreadMs} ms: it is cancelled, and what its request held is given back; read bodies to their end, or cancel() them`,
    );
    this.url = url;
  }
}
