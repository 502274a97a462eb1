/** A connection to an object: what its set and all views of it share on the client's side. */
import { BackendUnavailableError, type LimitError, LimitSetClosedError } from "../errors.ts";
import { unpackError } from "../remote/packed-errors.ts";
import type { PartitionCounts } from "../views/shape.ts";
import type { ObjectNamespace } from "./bindings.ts";
import { isLater, type KnownSet, read, recall, remember } from "./known-sets.ts";
import type { Lease } from "./lease.ts";
import type { PendingRequest } from "./pending-request.ts";
import type { Answer, Changed, Failed, ObjectStub, SetDescription } from "./protocol.ts";
import { Route } from "./route.ts";

export class Connection<M extends string, K extends string> {
  readonly route: Route;
  readonly pending = new Set<PendingRequest>();
  /** The leases that are held, by the tokens of their acquisitions. */
  readonly leases = new Map<number, Lease>();
  /** The set, as far as it is known. */
  known: KnownSet<M, K> | undefined;
  /** Called when the set has other limits. */
  redefined: () => void = () => {};
  readonly #namespace: ObjectNamespace;
  readonly #name: string;
  /** The first part of all ids of requests. */
  #session: string | undefined;
  #number = 0;
  #closed: LimitError | undefined;

  constructor(namespace: ObjectNamespace, name: string, deadlineMs: number) {
    this.route = new Route(namespace, name, deadlineMs);
    this.#namespace = namespace;
    this.#name = name;
    this.known = recall(namespace, name);
  }

  get isClosed(): boolean {
    return this.#closed !== undefined;
  }

  checkOpen(): void {
    if (this.#closed) throw this.#closed;
  }

  nextId(): string {
    this.#session ??= crypto.randomUUID();
    return `${this.#session} ${this.nextNumber()}`;
  }

  nextNumber(): number {
    return ++this.#number;
  }

  /** The id of the description that is known; "" for none. */
  get descriptionId(): string {
    return this.known?.descriptionId ?? "";
  }

  /** How many requests wait for their turn, or for their answer. */
  get waiting(): number {
    let count = 0;
    for (const { waits } of this.pending) if (waits) count++;
    return count;
  }

  /** Calls the object, and reads its answer. */
  async ask<T extends Answer>(call: (object: ObjectStub) => Promise<T | Failed>): Promise<T> {
    const answer = await this.route.call(call);
    this.rememberFrom(answer);
    if ("error" in answer) throw unpackError(answer.error);
    return answer;
  }

  /** As `partitions` of a set. */
  async counts(): Promise<PartitionCounts<string>> {
    this.checkOpen();
    const { descriptionId } = this;
    return (await this.ask((object) => object.count(descriptionId))).counts;
  }

  /** Asks the object for a change, under one id however often. */
  change(
    call: (object: ObjectStub, id: string, descriptionId: string) => Promise<Changed | Failed>,
  ): Promise<Changed> {
    const id = this.nextId();
    const { descriptionId } = this;
    return this.ask((object) => call(object, id, descriptionId));
  }

  /** The set as an answer describes it; undefined if the answer does not. */
  rememberFrom({ description }: Answer): KnownSet<M, K> | undefined {
    return description && this.#remember(description);
  }

  /** The set, if it is known. */
  set(): KnownSet<M, K> {
    this.known ??= recall(this.#namespace, this.#name);
    if (this.known) return this.known;
    throw this.#closed ?? new BackendUnavailableError("the object has not answered yet: await limits.ready");
  }

  /** The set, once it is known: asks the object to describe it if need be. */
  async described(): Promise<KnownSet<M, K>> {
    if (this.known) return this.known;
    this.checkOpen();
    const answer = await this.route.call((object) => object.describe());
    if (answer.kind === "failed") throw unpackError(answer.error);
    return this.#remember(answer.description);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = new LimitSetClosedError();
    for (const pending of [...this.pending]) pending.reject(this.#closed);
    const leases = [...this.leases.values()];
    this.leases.clear();
    for (const lease of leases) lease.end({});
    await Promise.all(leases.map((lease) => lease.ended));
  }

  #remember(description: SetDescription): KnownSet<M, K> {
    const before = this.known;
    const known = read<M, K>(description, before);
    // Answers may overtake each other.
    if (before && isLater(before, known)) return known;
    this.known = known;
    remember(this.#namespace, this.#name, known);
    if (before && before.era !== known.era) this.redefined();
    return known;
  }
}
