/** A request of a client, from the first call of the object until its outcome is known and handed on. */
import { reasonOf } from "../platform/aborted.ts";
import { systemClock } from "../platform/clock.ts";
import { dispose } from "../platform/dispose.ts";
import { withResolvers } from "../platform/resolvers.ts";
import { whenAborted } from "../waiting/aborts.ts";
import type { ObjectStub, Outcome, RequestStub, SentRequest } from "./protocol.ts";
import type { Route } from "./route.ts";

/**
 * Sends a request to the object, again while the object is out of reach, and asks the object to cancel the request when `signal`
 * aborts.
 */
export class PendingRequest {
  /** Rejects with `BackendUnavailableError` if the object stays out of reach. */
  readonly outcome: Promise<Outcome>;
  /** Makes `outcome` reject, whatever the object answers. */
  readonly reject: (error: unknown) => void;
  readonly #route: Route;
  readonly #request: SentRequest;
  readonly #stopListening: (() => void) | undefined;
  readonly #startedAt = systemClock.now();
  #stub: RequestStub | undefined;
  #isFirst = true;
  #isOver = false;

  constructor(route: Route, request: SentRequest, signal: AbortSignal | undefined) {
    this.#route = route;
    this.#request = request;
    const { promise, resolve, reject } = withResolvers<Outcome>();
    this.outcome = promise;
    this.reject = reject;
    route.attempt((object, heard) => this.#send(object, heard)).then(resolve, reject);
    if (signal) this.#stopListening = whenAborted(signal, () => this.#cancel(signal));
  }

  /** Whether the request waits for its turn. */
  get waits(): boolean {
    return this.#request.waits;
  }

  /** The stub of the request, which is the caller's to dispose of from now on. */
  takeStub(): RequestStub {
    const stub = this.#stub!;
    this.#stub = undefined;
    return stub;
  }

  /** Ends the request. Unless its stub was taken, the object lets it wait no longer, and takes back what was granted. */
  end(): void {
    this.#isOver = true;
    this.#stopListening?.();
    this.#stub?.[dispose]?.();
  }

  async #send(object: ObjectStub, heard: () => void): Promise<Outcome> {
    const entered = object.enter(this.#isFirst ? this.#request : this.#repeated());
    this.#isFirst = false;
    // Not awaited in between, so that both calls travel together: the platform resolves the stub where the object is.
    const outcome = (entered as unknown as RequestStub).outcome();
    outcome.then(ignore, ignore); // An error is handled where the outcome is awaited, below.
    const stub = await this.#route.within(entered);
    if (this.#isOver) {
      stub[dispose]?.();
      return { kind: "cancelled" };
    }
    this.#stub = stub;
    heard();
    return this.#route.within(outcome, this.#patienceMs);
  }

  /** The request as it is sent again: with what is left of its time to wait. */
  #repeated(): SentRequest {
    const { timeoutMs, maxWaitMs } = this.#request;
    const waitedMs = systemClock.now() - this.#startedAt;
    const left = (ms: number | undefined) => (ms === undefined ? undefined : Math.max(0, ms - waitedMs));
    return { ...this.#request, timeoutMs: left(timeoutMs), maxWaitMs: left(maxWaitMs) };
  }

  /** How long the outcome may take once the object has the request. */
  get #patienceMs(): number | undefined {
    const longest = Number.POSITIVE_INFINITY;
    const { waits, timeoutMs = longest, maxWaitMs = longest } = this.#request;
    return waits ? Math.min(timeoutMs, maxWaitMs) + this.#route.deadlineMs : undefined;
  }

  // The outcome still comes from the object: it alone knows whether the abort came before the grant. If the client decided, the
  // object could hold units for a request that has failed.
  #cancel(signal: AbortSignal): void {
    this.#route.call((object) => object.cancel(this.#request.id)).catch(() => this.reject(reasonOf(signal)));
  }
}

function ignore(): void {}
