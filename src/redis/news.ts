/** What a process hears of others, and which of its waiters that concerns. */
import type { Definitions } from "./definitions.ts";

/** What another process did: something came back of a limit, in one of its partitions or in any. */
export interface News {
  readonly limit: number;
  /** The digest of the name. */
  readonly ward: string | undefined;
  /** It was paused, or is not any more. */
  readonly isPause: boolean;
}

/** The lines of the process. */
interface Lines {
  cameBackOf(limit: number, ward: string | undefined): void;
  review(limit: number, ward: string | undefined): void;
  disturbAll(): void;
}

/**
 * The session that a message of the script is from; and its news, undefined if they may be of any limit. Behind the session stand the name of
 * the definitions, and limits: the index of each, an `@` and the digest of the partition's name, a `!` after a pause.
 */
export function newsOf(
  message: string,
  definitions: Definitions,
): { session: string; news: readonly News[] | undefined } {
  const [session, name, ...limits] = message.split(" ");
  const news = limits.map((limit) => {
    const [, index, ward, mark] = /^(\d+)(?:@([^!]+))?(!?)$/.exec(limit)!;
    return { limit: definitions.limitAt(Number(index)), ward, isPause: mark === "!" };
  });
  return { session: session!, news: name === definitions.name ? news : undefined };
}

/** Stirs the waiters that news concern. */
export function stir(lines: Lines, news: readonly News[] | undefined): void {
  for (const { limit, ward, isPause } of news ?? []) {
    if (isPause) lines.review(limit, ward);
    else lines.cameBackOf(limit, ward);
  }
  if (!news) lines.disturbAll();
}
