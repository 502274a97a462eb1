/** A worker's objects: who gets which call, who takes the place of one that crashed, and how all end. */

import type { Awaitable, Limits } from "../contract.ts";
import { LimitSet } from "../limit-set.ts";
import { LONGEST_TIMER_MS } from "../platform/clock.ts";
import type { ErrorClasses } from "../remote/error-classes.ts";
import { Aborts } from "../waiting/aborts.ts";
import { BALANCES, type Candidate } from "./balance.ts";
import { openProcess, openThread } from "./channel.ts";
import { InvalidWorkerError, WorkerStoppedError } from "./errors.ts";
import type { Constructor } from "./instance.ts";
import { LocalMember, type Member } from "./member.ts";
import type { Terms } from "./options.ts";
import { RemoteMember } from "./remote.ts";
import { retry } from "./retry.ts";
import { takeSignals } from "./signals.ts";

export interface StopOptions {
  /** How long to wait for the calls under way, in milliseconds. Default 10 000. */
  readonly timeoutMs?: number;
}

/** What a pool makes its objects of. */
export interface Making {
  readonly Class: Constructor;
  readonly args: readonly unknown[];
  readonly module: string;
  readonly errorClasses: () => ErrorClasses;
}

export class Pool {
  readonly #making: Making;
  readonly #terms: Terms;
  readonly #limits: Limits;
  /** Whether the set is this pool's own, and so ends with it. */
  readonly #ownsLimits: boolean;
  /** Empty places are those of objects that have never been ready: the next call tries again. */
  /** Empty places are those of objects that have never been ready: the next call tries again. */
  readonly #members: (Member | undefined)[] = [];
  readonly #calls = new Set<Call>();
  readonly #aborts = new Aborts<Call>((calls, reason) => {
    for (const { controller } of calls) controller.abort(reason);
  });
  #turn = 0;
  #stopped: Promise<void> | undefined;
  /** Set while `stop` waits for the last call. */
  #last: (() => void) | undefined;

  /** @throws what making an object throws, in this thread. */
  constructor(making: Making, terms: Terms) {
    this.#making = making;
    this.#terms = terms;
    const { limits, maxWorkers, clock } = terms;
    this.#ownsLimits = Array.isArray(limits);
    this.#limits = Array.isArray(limits)
      ? new LimitSet({ limits, clock, maxThreads: Math.max(32, maxWorkers) })
      : (limits as Limits);
    try {
      for (let i = 0; i < maxWorkers; i++) this.#members.push(this.#make(i));
    } catch (error) {
      for (const member of this.#members) member?.kill();
      this.#closeLimits();
      throw error;
    }
  }

  /** A call with all its attempts. */
  call(method: string, args: readonly unknown[]): Promise<unknown> {
    if (this.#stopped) return Promise.reject(new WorkerStoppedError("before"));
    const { clock, signal } = this.#terms;
    const policy = this.#terms.policyFor(method);
    const controller = new AbortController();
    const signals = new Set(takeSignals(args).signals);
    if (signal) signals.add(signal);
    return new Promise((resolve, reject) => {
      const call: Call = { controller, reject };
      const ended = () => {
        for (const each of signals) this.#aborts.remove(each, call);
        this.#calls.delete(call);
        if (this.#calls.size === 0) this.#last?.();
      };
      for (const each of signals) {
        if (each.aborted) controller.abort(each.reason);
        else this.#aborts.add(each, call);
      }
      this.#calls.add(call);
      const attempt = () => this.#next().call(method, args, controller.signal);
      retry(attempt, policy, { method, clock, signal: controller.signal })
        .finally(ended)
        .then(resolve, reject);
    });
  }

  /** Takes no more calls, waits for those under way, then ends. Rejects if cleaning up does. Again: the same. */
  stop({ timeoutMs = 10_000 }: StopOptions = {}): Promise<void> {
    if (!(typeof timeoutMs === "number" && timeoutMs >= 0)) {
      return Promise.reject(
        InvalidWorkerError.option("timeoutMs", timeoutMs, "a number of milliseconds from 0"),
      );
    }
    this.#stopped ??= this.#end(timeoutMs);
    return this.#stopped;
  }

  async #end(timeoutMs: number): Promise<void> {
    const { clock } = this.#terms;
    let timer: unknown;
    const late = new Promise<void>((resolve) => {
      if (timeoutMs <= LONGEST_TIMER_MS) timer = clock.setTimeout(resolve, timeoutMs);
    });
    try {
      await Promise.race([this.#finish(), late]);
    } finally {
      if (timer !== undefined) clock.clearTimeout(timer);
      for (const { controller, reject } of this.#calls) {
        const error = new WorkerStoppedError("meanwhile");
        controller.abort(error);
        reject(error);
      }
      for (const member of this.#members) member?.kill();
      await this.#closeLimits();
    }
  }

  /** Waits for all calls under way, then lets the members clean up. */
  async #finish(): Promise<void> {
    if (this.#calls.size > 0) {
      await new Promise<void>((resolve) => {
        this.#last = resolve;
      });
    }
    const ends = await Promise.allSettled(this.#members.map((member) => member?.end()));
    for (const end of ends) if (end.status === "rejected") throw end.reason;
  }

  #next(): Member {
    const index = BALANCES[this.#terms.loadBalancing](this.#members.map(activity), this.#turn++);
    this.#members[index] ??= this.#make(index);
    return this.#members[index];
  }

  #make(index: number): Member {
    const { Class, args, module, errorClasses } = this.#making;
    const { mode } = this.#terms;
    if (mode === "sync" || mode === "async") return new LocalMember(Class, args, this.#limits, mode);
    const member: Member = new RemoteMember(mode === "thread" ? openThread() : openProcess(), {
      module,
      name: Class.name,
      args,
      limits: this.#ownsLimits && this.#limits.keys.length === 0 ? undefined : this.#limits,
      errorClasses,
      // One that has never been ready would most likely fail again, and again: the next call makes another.
      crashed: (ready) => {
        if (this.#members[index] !== member) return;
        this.#members[index] = ready && !this.#stopped ? this.#make(index) : undefined;
      },
    });
    return member;
  }

  #closeLimits(): Awaitable<void> {
    if (this.#ownsLimits) return this.#limits.close();
  }
}

interface Call {
  readonly controller: AbortController;
  readonly reject: (error: unknown) => void;
}

const IDLE: Candidate = { active: 0 };

function activity(member: Member | undefined): Candidate {
  return member ?? IDLE;
}
