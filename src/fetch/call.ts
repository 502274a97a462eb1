/** A call: a request that was granted, until the body of its answer has ended. */
import type { Acquisition } from "../contract.ts";
import type { LimitError } from "../errors.ts";
import { type Clock, LONGEST_TIMER_MS } from "../platform/clock.ts";
import { type End, watched } from "./body.ts";
import { UnreadBodyWarning } from "./errors.ts";
import { Excerpt } from "./excerpt.ts";
import { type Course, count, enter, leave, type Mark, obey } from "./obey.ts";
import type { RouteOptions } from "./options.ts";
import type { Costs, FetchAnswer, Reading } from "./provider.ts";
import type { Init, Input, ReadableRequest } from "./request.ts";
import { withBody } from "./response.ts";
import type { AnyLimits } from "./set.ts";
import { quietly, settle } from "./settle.ts";

export type Beneath = (input: Input, init: Init) => Promise<Response>;

/** What all routes share. */
export interface Around {
  readonly send: Beneath;
  readonly onWarning: (warning: LimitError) => void;
  readonly clock: Clock;
}

/** The part of a set that a request takes from. */
export interface Part {
  /** The set, or a view of it. */
  readonly set: AnyLimits;
  readonly whole: AnyLimits;
  /** The names of the partition as text; empty for the whole set. */
  readonly name: string;
}

const ERROR_BYTES = 64 * 1024;
const UNREAD_MS = 60_000;
const LONGEST_PAUSE_MS = 3_600_000;

export class Call {
  /** Whether the answer has paused the set. */
  isPaused = false;
  private readonly part: Part;
  private readonly acquisition: Acquisition<string>;
  private readonly costs: Costs;
  private readonly request: ReadableRequest;
  private readonly options: RouteOptions;
  private readonly around: Around;
  private readonly course: Course;
  private readonly mark: Mark;
  private used: Costs | undefined;
  private isOver = false;

  constructor(
    part: Part,
    acquisition: Acquisition<string>,
    costs: Costs,
    request: ReadableRequest,
    options: RouteOptions,
    around: Around,
  ) {
    this.part = part;
    this.acquisition = acquisition;
    this.costs = costs;
    this.request = request;
    this.options = options;
    this.around = around;
    this.course = enter(part.whole, part.name);
    this.mark = count(this.course, acquisition.requested as Costs);
  }

  get signal(): AbortSignal | undefined {
    return this.request.signal;
  }

  /** Does what an answer, or its body, says of limits, and keeps the usage that it says. */
  hear(reading: Reading): Promise<void> {
    const { metrics: renamed = {}, learn = false, maxPauseMs = LONGEST_PAUSE_MS } = this.options;
    const { set, whole } = this.part;
    this.isPaused = reading.pauseMs! > 0;
    this.used = reading.used ?? this.used;
    return quietly(() => obey({ set, whole, renamed, learn, maxPauseMs }, reading, this.course, this.mark));
  }

  /** The answer to hand out. Everything is held until its body has ended. */
  hold(response: Response): Response {
    const { body } = response;
    if (typeof body?.getReader !== "function" || body.locked || response.bodyUsed) {
      this.end(response, undefined, "complete");
      return response;
    }
    const excerpt = this.reads(response.headers) ? new Excerpt() : undefined;
    const { unreadMs = UNREAD_MS } = this.options;
    const { clock, onWarning } = this.around;
    const stream = watched(body, {
      chunk: excerpt && ((chunk) => chunk instanceof Uint8Array && excerpt.add(chunk)),
      end: (how) => this.end(response, excerpt, how),
      unreadMs: unreadMs > LONGEST_TIMER_MS ? Number.POSITIVE_INFINITY : unreadMs,
      clock,
      // Many programs look at the status of an error, and leave its body unread. It holds nothing then, if it is short.
      ahead: response.status >= 400 ? ERROR_BYTES : 0,
      unread: () => {
        const { origin, pathname } = this.request.url;
        const warning: LimitError = new UnreadBodyWarning(origin + pathname, unreadMs);
        onWarning(warning);
        return warning;
      },
    });
    return withBody(response, stream);
  }

  /** Gives everything back, and charges what was used, as far as it is known. */
  settle(used: Costs = {}): void {
    if (this.isOver) return;
    this.isOver = true;
    const { acquisition, course, part } = this;
    settle(part.set, acquisition, used, (metric, difference) => {
      course.taken.set(metric, course.taken.get(metric)! + difference);
    });
    leave(part.whole, part.name, course);
  }

  /** Whether the body is read in passing. */
  private reads(headers: Headers): boolean {
    const { provider, usage } = this.options;
    return usage !== undefined || (provider?.body !== undefined && kindOf(headers) !== undefined);
  }

  private end({ status, headers }: FetchAnswer, excerpt: Excerpt | undefined, how: End): void {
    const { provider, usage, metrics = {} } = this.options;
    const complete = how === "complete";
    let used: Costs = {};
    try {
      const kind = kindOf(headers);
      if (kind !== undefined && excerpt) {
        const { bodyKey = "" } = provider ?? {};
        const isStream = kind === "events";
        const value = bodyKey ? excerpt.find(bodyKey, isStream) : undefined;
        const streamed = isStream ? excerpt.tokens() : undefined;
        const reading = provider?.body?.(value, { complete, streamed, cost: this.costs });
        if (reading) void this.hear({ ...reading, used: this.used ?? reading.used });
      }
      used = Object.fromEntries(
        Object.entries(this.used ?? {}).map(([name, amount]) => [metrics[name] ?? name, amount]),
      );
      const { bytes = 0, whole: text = "" } = excerpt ?? {};
      used = { ...used, ...(usage?.({ status, headers, complete, bytes, text }) as Costs | undefined) };
    } finally {
      this.settle(used);
    }
  }
}

/** How the body of an answer says usage; undefined where it says none. */
function kindOf(headers: Headers): "json" | "events" | undefined {
  const type = headers.get("content-type") ?? "";
  return /\bjson\b/.test(type) ? "json" : /^text\/event-stream/.test(type) ? "events" : undefined;
}
