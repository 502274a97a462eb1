// The workers of the page: starts, counts and ends them. See README.md.
import { serveLimits } from "limitset/port";
import { shareLimits } from "limitset/threads";

/** @typedef {import("limitset").LimitSet<"tokens" | "connections" | "call_count">} LimitSet */
/** @typedef {"resting" | "waiting" | "calling" | "done" | "killed"} State */
/** @typedef {{ readonly name: number, readonly worker: Worker, state: State, calls: number, refused: number }} Member */

export class Team {
  /** @type {Member[]} */
  members = [];

  /** @param {number} size @param {LimitSet} limits @param {number} callsPerSecond of each worker, if the limits allow it */
  constructor(size, limits, callsPerSecond) {
    for (let name = 1; name <= size; name++) {
      const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
      /** @type {Member} */
      const member = { name, worker, state: "resting", calls: 0, refused: 0 };
      worker.addEventListener("message", ({ data }) => this.#heard(member, data));
      // All workers use one set, in shared memory or over a channel. In both cases a worker that ends gives back what it holds.
      if (globalThis.crossOriginIsolated) shareLimits(limits, worker);
      else serveLimits(limits, worker);
      this.members.push(member);
    }
    this.pace(callsPerSecond);
  }

  /** The workers that have not ended. */
  get alive() {
    return this.members.filter(({ state }) => state !== "done" && state !== "killed");
  }

  /** @param {State} state */
  count(state) {
    return this.members.filter((member) => member.state === state).length;
  }

  /** @param {"calls" | "refused"} what */
  sum(what) {
    return this.members.reduce((sum, member) => sum + member[what], 0);
  }

  /** @param {number} callsPerSecond */
  pace(callsPerSecond) {
    for (const { worker } of this.alive) worker.postMessage({ callsPerSecond });
  }

  /** Lets the workers finish their calls. */
  stop() {
    for (const { worker } of this.alive) worker.postMessage({ stop: true });
  }

  /** Ends one worker without notice: one that is in the middle of a call, if there is one. */
  kill() {
    const victim = this.alive.find(({ state }) => state === "calling") ?? this.alive[0];
    if (!victim) return undefined;
    victim.worker.terminate();
    victim.state = "killed";
    return victim;
  }

  /** @param {Member} member @param {Partial<Member>} data its report, or a message of the library */
  #heard(member, { state, calls, refused }) {
    if (state === undefined || member.state === "killed") return;
    Object.assign(member, { state, calls, refused });
    if (state === "done") member.worker.terminate();
  }
}
