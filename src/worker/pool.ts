/** The pool of a worker: gives each call to a member, replaces members that crashed, and ends all of them. */

import type { Awaitable, Limits } from "../contract.ts";
import { LimitSet } from "../limit-set.ts";
import { checkOptions } from "../limits/known-options.ts";
import { LONGEST_TIMER_MS } from "../platform/clock.ts";
import type { ErrorClasses } from "../remote/error-classes.ts";
import { Aborts } from "../waiting/aborts.ts";
import { BALANCES, type Candidate } from "./balance.ts";
import { openProcess, openThread } from "./channel.ts";
import { invalidOption, WorkerStoppedError } from "./errors.ts";
import type { Constructor } from "./instance.ts";
import type { Origin } from "./lineage.ts";
import { LocalMember, type Member } from "./member.ts";
import type { Settings } from "./options.ts";
import { RemoteMember } from "./remote.ts";
import { retry } from "./retry.ts";
import { takeSignals } from "./signals.ts";

/** Options of a worker's `stop`. */
export interface StopOptions {
  /** How long to wait for calls under way and for objects to clean up, in milliseconds from 0. Default 10 000. */
  readonly timeoutMs?: number;
}

/** The class and arguments from which a pool makes its members. */
export interface Blueprint {
  readonly Class: Constructor;
  /** The arguments of the constructor. */
  readonly args: readonly unknown[];
  /** The class, after those of the threads and processes around this program. Empty if the objects are in this thread. */
  readonly origins: readonly Origin[];
  readonly errorClasses: () => ErrorClasses;
}

export class Pool {
  readonly #blueprint: Blueprint;
  readonly #settings: Settings;
  readonly #limits: Limits;
  /** Whether the set was made for this pool, and so is closed with it. */
  readonly #ownsLimits: boolean;
  /** The place of a member that could not start is empty until the next call, which makes another. */
  readonly #members: (Member | undefined)[] = [];
  readonly #calls = new Set<Call>();
  readonly #aborts = new Aborts<Call>((calls, reason) => {
    for (const { controller } of calls) controller.abort(reason);
  });
  #turn = 0;
  #stopped: Promise<void> | undefined;
  /** Called when the last call has ended, while `stop` waits for it. */
  #idle: (() => void) | undefined;

  /** @throws the error of the constructor, if the objects are in this thread. */
  constructor(blueprint: Blueprint, settings: Settings) {
    this.#blueprint = blueprint;
    this.#settings = settings;
    const { limits, maxWorkers, clock } = settings;
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

  /** Makes a call, with all its attempts. */
  call(method: string, args: readonly unknown[]): Promise<unknown> {
    if (this.#stopped) return Promise.reject(new WorkerStoppedError("before"));
    const { clock, signal } = this.#settings;
    const policy = this.#settings.policyFor(method);
    const controller = new AbortController();
    const signals = new Set(takeSignals(args).signals);
    if (signal) signals.add(signal);
    return new Promise((resolve, reject) => {
      const call: Call = { controller, reject };
      const ended = () => {
        for (const each of signals) this.#aborts.remove(each, call);
        this.#calls.delete(call);
        if (this.#calls.size === 0) this.#idle?.();
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

  /** Refuses new calls, waits for those under way, and ends the members. Rejects if an object fails to clean up. */
  stop(options: StopOptions = {}): Promise<void> {
    let timeoutMs: number;
    try {
      timeoutMs = checkStop(options);
    } catch (error) {
      return Promise.reject(error);
    }
    this.#stopped ??= this.#end(timeoutMs);
    return this.#stopped;
  }

  async #end(timeoutMs: number): Promise<void> {
    const { clock } = this.#settings;
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

  /** Waits for all calls under way, then lets the objects clean up. */
  async #finish(): Promise<void> {
    if (this.#calls.size > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
    const ends = await Promise.allSettled(this.#members.map((member) => member?.end()));
    for (const end of ends) if (end.status === "rejected") throw end.reason;
  }

  #next(): Member {
    const index = BALANCES[this.#settings.loadBalancing](this.#members.map(activity), this.#turn++);
    this.#members[index] ??= this.#make(index);
    return this.#members[index];
  }

  #make(index: number): Member {
    const { Class, args, origins, errorClasses } = this.#blueprint;
    const { mode, entry } = this.#settings;
    if (mode === "sync" || mode === "async") return new LocalMember(Class, args, this.#limits, mode);
    const channel = mode === "thread" ? openThread(entry) : openProcess(entry as URL | string | undefined);
    const member: Member = new RemoteMember(channel, {
      origins,
      args,
      limits: this.#ownsLimits && this.#limits.keys.length === 0 ? undefined : this.#limits,
      errorClasses,
      // A member that ended before it had anything to do would most likely end again, and for ever: only the next call makes another.
      crashed: (wasInUse) => {
        if (this.#members[index] !== member) return;
        this.#members[index] = wasInUse && !this.#stopped ? this.#make(index) : undefined;
      },
    });
    return member;
  }

  #closeLimits(): Awaitable<void> {
    if (this.#ownsLimits) return this.#limits.close();
  }
}

function checkStop(options: StopOptions): number {
  checkOptions("stop()", options, ["timeoutMs"], invalidOption);
  const { timeoutMs = 10_000 } = options;
  if (typeof timeoutMs === "number" && timeoutMs >= 0) return timeoutMs;
  throw invalidOption("timeoutMs", timeoutMs, "a number of milliseconds from 0");
}

/** A call under way. */
interface Call {
  readonly controller: AbortController;
  readonly reject: (error: unknown) => void;
}

const IDLE: Candidate = { active: 0 };

function activity(member: Member | undefined): Candidate {
  return member ?? IDLE;
}
