/** A set's options, and all that is derived from them once. */
import { InvalidLimitError } from "../errors.ts";
import { type Era, firstEra } from "../limits/era.ts";
import { type Limit, toLimits } from "../limits/limits.ts";
import { requestsOf } from "../limits/named-requests.ts";
import { checkPartitionOptions } from "../limits/partition-options.ts";
import type { Requests } from "../limits/requests.ts";
import { type Server, serverOf } from "./client.ts";
import { Definitions } from "./definitions.ts";
import { type CompleteOptions, completed, type RedisLimitSetOptions } from "./options.ts";
import { type OptionsOfPart, PART, type Part } from "./part.ts";

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
  /** Of a part of a spread set. */
  readonly part: Part | undefined;
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
  checkPartitionOptions(limits, complete);
  if (limits.length > MOST_LIMITS) {
    throw new InvalidLimitError(
      "limits",
      limits.length,
      `at most ${MOST_LIMITS} limits for one set on a server`,
    );
  }
  if (complete.name.startsWith("}") && limits.some(({ per }) => per !== undefined)) {
    const bounds =
      'a string that does not begin with "}", since the keys of partitions would lie elsewhere on a cluster';
    throw new InvalidLimitError("name", complete.name, bounds);
  }
  // Braces: all keys of a set are on one node of a cluster, should there ever be two.
  const key = `limitset:{${complete.name}}`;
  const server = serverOf(complete.client);
  const requests = requestsOf(limits);
  const part = (options as OptionsOfPart)[PART];
  const era = { ...firstEra(limits, requests), version: complete.version, slots: part?.slots };
  return {
    ...complete,
    key,
    channel: server.nameOf(key),
    server,
    limits,
    requests,
    definitions: new Definitions(limits, era),
    era,
    part,
  };
}
