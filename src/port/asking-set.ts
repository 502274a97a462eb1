/** The methods of a peer's set that take nothing: each is a question, which the host answers. */
import type { Amounts, Prospect } from "../contract.ts";
import { BackendUnavailableError } from "../errors.ts";
import type { LimitStats } from "../limits/stats.ts";
import { checkChange, olderThan, type SentChange } from "../remote/changes.ts";
import { DescribedSet, type SentRedefinition } from "../remote/described.ts";
import type { PartitionCounts } from "../views/shape.ts";
import { prospectOf, statsOf } from "./answers.ts";
import { packChange, packRedefinition } from "./changes.ts";
import { countsFrom } from "./counts.ts";
import type { Facts } from "./facts.ts";
import type { PortGranter } from "./granter.ts";
import { type Operation, packAmounts, TO_HOST, TO_PEER } from "./protocol.ts";
import type { Read } from "./questions.ts";

const OLDER = "the host is older than peek(): use one version of limitset on both sides, or tryAcquire()";
const COUNTS_NONE =
  "the host is older than the partitions of connected sets: use one version of limitset on both sides";

/** The facts of the host's set, and the granter that uses them. */
export interface Known<M extends string, K extends string = M> extends Facts<M, K> {
  readonly granter: PortGranter<M, K>;
}

export abstract class AskingSet<M extends string, K extends string> extends DescribedSet<M, K> {
  protected abstract override description(): Known<M, K>;
  protected abstract override whenDescribed(): Promise<Known<M, K>>;
  /** Sends a question, and resolves to its answer. */
  protected abstract question<T>(pack: (number: number) => Operation, read: Read<T>): Promise<T>;

  /** The keys that the limits have by now. */
  protected readonly presentKeys = () => this.description().era.requests.keys;

  async peek(requested?: Amounts<M>): Promise<Prospect<K>> {
    const { era, latest } = await this.whenDescribed();
    const { requests } = era;
    requests.parse(requested);
    if (latest < TO_HOST.PEEK) throw new BackendUnavailableError(OLDER);
    return this.question(
      (number) => [TO_HOST.PEEK, number, packAmounts(requested, requests.names)],
      prospectOf(this.presentKeys),
    );
  }

  async stats(): Promise<Readonly<Record<K, LimitStats>>> {
    await this.whenDescribed();
    return this.question((number) => [TO_HOST.STATS, number], statsOf(this.presentKeys));
  }

  protected async countPartitions(): Promise<PartitionCounts<string>> {
    const { latest } = await this.whenDescribed();
    if (latest < TO_HOST.PARTITIONS) throw new BackendUnavailableError(COUNTS_NONE);
    return this.question((number) => [TO_HOST.PARTITIONS, number], countsFrom(this.presentKeys));
  }

  protected async handOn(change: SentChange): Promise<void> {
    const { era, latest } = await this.whenDescribed();
    checkChange(era.limits, change);
    if (latest < TO_HOST.CHANGE) throw new BackendUnavailableError(olderThan(change[0]));
    const { keys, names } = era.requests;
    await this.question((number) => packChange(number, change, { keys, metrics: names }), readChanged);
  }

  protected async sendRedefinition(redefinition: SentRedefinition): Promise<boolean> {
    const { latest } = await this.whenDescribed();
    if (latest < TO_HOST.REDEFINE) throw new BackendUnavailableError(olderThan("redefine"));
    return this.question((number) => packRedefinition(number, redefinition), readChanged);
  }
}

/** Reads whether a change was made. */
function readChanged(kind: number, isDone: unknown = true): boolean | undefined {
  return kind === TO_PEER.CHANGED && typeof isDone === "boolean" ? isDone : undefined;
}
