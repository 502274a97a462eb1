/** The host's record of one session: the requests and acquisitions of a peer, which end when the peer disappears. */
import type { AcquireOptions, Acquisition, Awaitable, Limits, Prospect } from "../contract.ts";
import { AcquisitionReleasedError } from "../errors.ts";
import type { LimitStats } from "../limits/stats.ts";
import { packError } from "../remote/packed-errors.ts";
import { isPromise, settle } from "../remote/settling.ts";
import type { PartitionCounts } from "../views/shape.ts";
import { packGrant, packRefusal, packStats } from "./answers.ts";
import { performOp, unreadable } from "./changes.ts";
import { countsIn, packCounts } from "./counts.ts";
import { packLimits } from "./definitions.ts";
import { Heartbeat, SILENCE_MS } from "./heartbeat.ts";
import { Inbox } from "./inbox.ts";
import type { Outbox } from "./outbox.ts";
import { noUsage, PeerEras } from "./peer-eras.ts";
import { watchLock } from "./peer-lock.ts";
import { type PeerRequest, PeerRequests, watchLoss } from "./peer-request.ts";
import { LATEST_KIND, type Operation, packNumber, TO_HOST, TO_PEER, VERSION } from "./protocol.ts";
import { readAmounts } from "./reading.ts";
import type { ServedSet, Shared } from "./served.ts";
import { readTerms } from "./terms.ts";
import { type AskedView, readView } from "./views.ts";

type Stats = Readonly<Record<string, LimitStats>>;
type Counts = PartitionCounts<string>;

/** The reason of every abort: to make an error for each would take longer than the rest of it. */
const WITHDRAWN = "the peer has withdrawn the request";

/** A peer says `HELLO` once, and again if the host has started to serve meanwhile. */
const MOST_HELLOS = 4;

export class Peer<K extends string> {
  readonly #set: ServedSet<K>;
  readonly #limits: Limits<K>;
  readonly #shared: Shared;
  readonly #outbox: Outbox;
  readonly #left: () => void;
  readonly #heartbeat: Heartbeat;
  readonly #inbox: Inbox;
  readonly #eras: PeerEras;
  /** The first mark. */
  readonly #greeting: number;
  readonly #requests: PeerRequests<K>;
  /** The names and the tier of the view of which the next request is. */
  #named: readonly unknown[] | undefined;
  #lastNumber = 0;
  #hellos = 0;
  #watchesLock = false;
  #ended = false;

  /** `greeting` is the first mark; `left` is called when the session has ended. */
  constructor(set: ServedSet<K>, shared: Shared, outbox: Outbox, greeting: number, left: () => void) {
    this.#set = set;
    this.#limits = set.limits;
    this.#shared = shared;
    this.#outbox = outbox;
    this.#left = left;
    this.#greeting = greeting;
    const { followed } = set;
    this.#requests = new PeerRequests(shared, (some) => {
      if (!some) this.#heartbeat.watch(false);
      else if (!set.tells) this.#heartbeat.watch(true);
    });
    this.#eras = new PeerEras({ followed, outbox, end: (why) => this.end(why) });
    this.#inbox = new Inbox({
      ...shared,
      limits: followed.era.limits.length,
      greeting,
      perform: (op) => this.#perform(op),
      end: (why) => this.end(why),
      sendMark: (mark, handled) => outbox.send(TO_PEER.MARK, mark, handled),
    });
    this.#heartbeat = new Heartbeat({
      lost: () => this.end(`the peer was silent for ${SILENCE_MS / 1_000} s`),
    });
  }

  /** The set has another era. */
  redefined(): void {
    this.#eras.changed();
  }

  receive(ops: readonly Operation[]): void {
    this.#heartbeat.heard();
    this.#inbox.receive(ops);
  }

  /**
   * Withdraws the peer's requests and gives back all that it holds: of very many the rest in later turns. Tells the peer the
   * reason; without one the peer is gone, or has ended the connection itself.
   */
  end(why: string | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#left();
    this.#heartbeat.stop();
    if (why !== undefined) this.#outbox.send(TO_PEER.ENDED, why);
    this.#shared.pieces.add(this.#giveBack(this.#inbox.close()));
  }

  /** Also performs the releases among the operations that have arrived before the end. */
  *#giveBack(arrived: readonly Operation[]): Generator<void, void> {
    for (const [kind, number, usage] of arrived) {
      if (kind === TO_HOST.RELEASE) yield this.#release(number as number, usage);
    }
    // Waiting requests first: otherwise they would be granted the resources that come back. The newest of them first: each
    // that leaves lets the set look whether the next can go, and so the next is one of another peer, or of none.
    const waiting = [...this.#requests.byNumber].filter(([, { held }]) => !held);
    for (let last = waiting.pop(); last; last = waiting.pop()) {
      const [number, request] = last;
      if (!this.#requests.remove(number, request)) continue;
      request.controller?.abort(WITHDRAWN);
      yield;
    }
    for (const [number, request] of this.#requests.byNumber) {
      this.#requests.remove(number, request);
      if (request.held) settle(request.held, undefined);
      yield;
    }
  }

  #perform(op: Operation): void {
    const [kind, number, second, third] = op;
    if (kind === TO_HOST.HELLO) this.#welcome(second);
    else if (kind === TO_HOST.LOCK) this.#heed(number);
    else if (kind === TO_HOST.PING) this.#outbox.send(TO_PEER.PONG);
    else if (kind === TO_HOST.BYE) this.end(undefined);
    else if (kind === TO_HOST.FOLLOWS) this.#eras.follows(number);
    else if (kind === TO_HOST.FOR) this.#named = [number, second];
    else if (typeof number !== "number") return;
    else if (kind === TO_HOST.CANCEL) this.#cancel(number);
    else if (kind === TO_HOST.RELEASE) this.#release(number, second);
    else if (!this.#isNew(number)) return;
    else if (kind === TO_HOST.ACQUIRE) this.#acquire(number, second, third, readTerms(op.slice(4)));
    else if (kind === TO_HOST.TRY) void this.#try(number, second);
    else if (kind === TO_HOST.PEEK) void this.#peek(number, second);
    else if (kind === TO_HOST.STATS || kind === TO_HOST.PARTITIONS) void this.#look(kind, number);
    else if (kind === TO_HOST.CHANGE || kind === TO_HOST.REDEFINE) void this.#change(number, op);
  }

  /** False for a number that was used before: the operation has arrived twice. */
  #isNew(number: number): boolean {
    if (!(Number.isSafeInteger(number) && number > this.#lastNumber)) return false;
    this.#lastNumber = number;
    return true;
  }

  #welcome(latest: unknown): void {
    if (++this.#hellos > MOST_HELLOS) return;
    const { config, tells } = this.#set;
    const described = packLimits(this.#eras.told.limits);
    const { missingUpdate = "throw" } = this.#limits as { missingUpdate?: "throw" | "charge" };
    const { maxUnread } = this.#shared.bounds;
    const facts = [described, config, missingUpdate, !tells, packNumber(maxUnread), LATEST_KIND];
    if (this.#hellos === 1) this.#outbox.send(TO_PEER.MARK, this.#greeting, 0);
    this.#outbox.send(TO_PEER.WELCOME, VERSION, ...facts);
    if (this.#hellos === 1) this.#eras.begin(typeof latest === "number" && latest >= TO_PEER.REDEFINED);
  }

  #heed(lock: unknown): void {
    if (this.#watchesLock) return;
    const seen = () => this.#heartbeat.stop();
    this.#watchesLock = watchLock(lock, this.#shared, seen, () => this.end(undefined));
  }

  #acquire(number: number, around: unknown, packed: unknown, terms: AcquireOptions | undefined): void {
    const requested = this.#eras.readRequest(packed);
    const view =
      around === 0
        ? this.#asked(number)
        : { limits: this.#requests.byNumber.get(around as number)?.held, units: 0 };
    if (!view) return;
    const { limits, units } = view;
    if (!requested || !terms) {
      this.#fail(number, unreadable());
    } else if (!limits) {
      this.#fail(number, new AcquisitionReleasedError("acquire()", "released"));
    } else if (this.#hasRoom(number, units)) {
      const controller = this.#requests.controller();
      const request = this.#requests.add(number, this.#eras.spoken, units, controller);
      const { signal } = controller;
      const failed = (error: unknown) => {
        this.#requests.keepController(request);
        if (!this.#requests.remove(number, request)) return;
        if (signal.aborted && error === signal.reason) this.#outbox.send(TO_PEER.CANCELLED, number);
        else this.#fail(number, error);
      };
      try {
        limits
          .acquire(requested as never, { ...terms, signal })
          .then((acquisition) => this.#grant(number, request, acquisition), failed);
      } catch (error) {
        failed(error);
      }
    }
  }

  async #try(number: number, packed: unknown): Promise<void> {
    const view = this.#asked(number);
    if (!view || !this.#hasRoom(number, view.units)) return;
    const requested = this.#eras.readRequest(packed);
    const request = this.#requests.add(number, this.#eras.spoken, view.units);
    try {
      if (!requested) throw unreadable();
      const answer = view.limits.tryAcquire(requested as never);
      const acquisition = isPromise(answer) ? await answer : answer;
      if (acquisition.successful) this.#grant(number, request, acquisition);
      else if (this.#requests.remove(number, request)) this.#refuse(number, acquisition);
    } catch (error) {
      if (this.#requests.remove(number, request)) this.#fail(number, error);
    }
  }

  /** A peek counts as a request until it is answered: the host's own set may be elsewhere. */
  async #peek(number: number, packed: unknown): Promise<void> {
    const view = this.#asked(number);
    if (!view || !this.#hasRoom(number, view.units)) return;
    const requested = this.#eras.readRequest(packed);
    const request = this.#requests.add(number, this.#eras.spoken, view.units);
    try {
      if (!requested) throw unreadable();
      const prospect = await view.limits.peek(requested as never);
      if (!this.#requests.remove(number, request)) return;
      if (prospect.successful) this.#outbox.send(TO_PEER.FREE, number);
      else this.#refuse(number, prospect);
    } catch (error) {
      if (this.#requests.remove(number, request)) this.#fail(number, error);
    }
  }

  #grant(number: number, request: PeerRequest<K>, acquisition: Acquisition<K>): void {
    const era = this.#set.followed.eraOf(acquisition);
    if (this.#ended) {
      // The peer does not hear of the grant, so it has used nothing.
      this.#requests.remove(number, request);
      settle(acquisition, noUsage(era));
      return;
    }
    request.held = acquisition;
    this.#requests.keepController(request);
    const isAsAsked = era === request.era;
    if (!isAsAsked) this.#eras.tell(era);
    request.era = era;
    this.#outbox.send(...packGrant(number, acquisition, isAsAsked ? undefined : era.requests.names));
    request.unwatch = watchLoss(acquisition, (why) => this.#outbox.send(TO_PEER.LOST, number, why));
  }

  #refuse(number: number, refusal: Omit<Prospect, "successful">): void {
    this.#outbox.send(...packRefusal(number, refusal, this.#eras.tell().requests.keys));
  }

  #cancel(number: number): void {
    const request = this.#requests.byNumber.get(number);
    // A request that was granted before this arrived stays granted: the answer is on its way to the peer.
    if (!request?.held) request?.controller?.abort(WITHDRAWN);
  }

  #release(number: number, packed: unknown): void {
    const request = this.#requests.byNumber.get(number);
    if (!request?.held) return;
    this.#requests.remove(number, request);
    settle(request.held, readAmounts(packed, request.era.requests.names));
  }

  async #look(kind: number, number: number): Promise<void> {
    const view = this.#asked(number);
    if (!view) return;
    const isStats = kind === TO_HOST.STATS;
    try {
      const answer: Awaitable<Stats | Counts> = isStats ? view.limits.stats() : countsIn(view.limits);
      const found = isPromise(answer) ? await answer : answer;
      const { keys } = this.#eras.tell().requests;
      this.#outbox.send(
        ...(isStats ? packStats(number, found as Stats, keys) : packCounts(number, found as Counts)),
      );
    } catch (error) {
      this.#fail(number, error);
    }
  }

  async #change(number: number, op: Operation): Promise<void> {
    const view = this.#asked(number);
    if (!view) return;
    try {
      const isDone = await performOp(view.limits as unknown as Limits, this.#eras, op);
      this.#eras.tell();
      this.#outbox.send(TO_PEER.CHANGED, number, ...(isDone ? [] : [false]));
    } catch (error) {
      this.#fail(number, error);
    }
  }

  #fail(number: number, error: unknown): void {
    this.#outbox.send(TO_PEER.FAILED, number, packError(error));
  }

  /** The set, or the view that the peer has named for this request; undefined if the peer has been told why not. */
  #asked(number: number): AskedView<K> | undefined {
    const named = this.#named;
    this.#named = undefined;
    if (!named) return { limits: this.#limits, units: 0 };
    const { spoken, present } = this.#eras;
    try {
      const view = readView(this.#limits, named, spoken, present);
      if (view) return view;
      this.#fail(number, unreadable());
    } catch (error) {
      this.#fail(number, error);
    }
    return undefined;
  }

  /** Whether the peer may have another request, with names of so many units. Tells it if not. */
  #hasRoom(number: number, units: number): boolean {
    const error = this.#requests.whyFull(units);
    if (error) this.#fail(number, error);
    return !error;
  }
}
