/** A set's options, and all that is derived from them once. */
import { InvalidLimitError } from "../errors.ts";
import { type Era, firstEra } from "../limits/era.ts";
import { type Limit, toLimits } from "../limits/limits.ts";
import { Requests } from "../limits/requests.ts";
import { type Server, serverOf } from "./client.ts";
import { Definitions } from "./definitions.ts";
import { type CompleteOptions, completed, type RedisLimitSetOptions } from "./options.ts";
import { checkSupported } from "./supported.ts";

export interface Settings<K extends string> extends Omit<CompleteOptions<K>, "limits"> {
  /** The one key of the set, as it is given to the client. */
  readonly key: string;
  /** The key as the server knows it, which is also the channel where releases are published. */
  readonly channel: string;
  readonly server: Server;
  /** These change with the era. */
  limits: readonly Limit<K>[];
  requests: Requests<K>;
  definitions: Definitions;
  era: Era<K>;
}

// A call that takes from all of them holds up all other clients of the server for about 0.1 s.
const MOST_LIMITS = 5000;

/**
 * @throws {InvalidLimitError} if an option makes no sense.
 * @throws {InvalidRequestError} if `client` is no client of a known library.
 */
export function settingsOf<K extends string>(options: RedisLimitSetOptions<K>): Settings<K> {
  const complete = completed(options);
  const limits = toLimits(complete.limits);
  checkSupported(limits);
  if (limits.length > MOST_LIMITS) {
    throw new InvalidLimitError(
      "limits",
      limits.length,
      `at most ${MOST_LIMITS} limits for one set on a server`,
    );
  }
  // Braces: all keys of a set are on one node of a cluster, should there ever be two.
  const key = `limitset:{${complete.name}}`;
  const server = serverOf(complete.client);
  const requests = new Requests(limits);
  const era = { ...firstEra(limits, requests), version: complete.version };
  return {
    ...complete,
    key,
    channel: server.nameOf(key),
    server,
    limits,
    requests,
    definitions: new Definitions(limits, era),
    era,
  };
}
