/**
 * What an object keeps in its storage:
 *
 * - `definition`: the limits and the layout of the state;
 * - `state`: the core's state, as bytes;
 * - `held <id>`: who holds what, until when.
 *
 * All that changes in one turn is written together, and no answer leaves the object before it is durable: that is what the platform
 * promises of writes that are not awaited.
 */
import { FORMAT } from "../../assembly/layout.ts";
import type { Limit } from "../limits/limits.ts";
import type { ObjectStorage } from "./bindings.ts";

/** What is kept of who holds something: units, one entry a limit. */
export interface Kept {
  readonly units: readonly number[];
  readonly takenAt: number;
  readonly covered: readonly boolean[] | undefined;
  /** Until when, in milliseconds since the epoch. */
  readonly until: number;
}

export interface Definition {
  readonly format: number;
  readonly limits: readonly Limit[];
}

/** All that is kept. */
export interface Contents {
  readonly definition: Definition | undefined;
  readonly state: Uint8Array | undefined;
  readonly held: ReadonlyMap<string, Kept>;
  readonly alarm: number | null;
}

const HELD = "held ";
// What one call of the storage takes at most.
const MOST_KEYS = 128;

export class Shelf {
  readonly #storage: ObjectStorage;
  #entries: Record<string, unknown> = {};
  #gone: string[] = [];

  constructor(storage: ObjectStorage) {
    this.#storage = storage;
  }

  async load(): Promise<Contents> {
    const [all, alarm] = await Promise.all([this.#storage.list(), this.#storage.getAlarm()]);
    const held = new Map<string, Kept>();
    for (const [name, value] of all) {
      if (name.startsWith(HELD)) held.set(name.slice(HELD.length), value as Kept);
    }
    return {
      definition: all.get("definition") as Definition | undefined,
      state: all.get("state") as Uint8Array | undefined,
      held,
      alarm,
    };
  }

  define(limits: readonly Limit[]): void {
    this.#put("definition", { format: FORMAT, limits: limits.map((limit) => ({ ...limit })) });
  }

  putState(state: Uint8Array): void {
    this.#put("state", state);
  }

  putHeld(id: string, kept: Kept): void {
    this.#put(HELD + id, kept);
  }

  deleteHeld(id: string): void {
    const name = HELD + id;
    delete this.#entries[name];
    this.#gone.push(name);
  }

  setAlarm(at: number): void {
    this.#storage.setAlarm(at).catch(failed);
  }

  #put(name: string, value: unknown): void {
    this.#entries[name] = value;
  }

  /** Writes what has come together: before the answer that hangs on it. */
  flush(): void {
    const entries = Object.entries(this.#entries);
    const gone = this.#gone;
    this.#entries = {};
    this.#gone = [];
    for (let i = 0; i < gone.length; i += MOST_KEYS) {
      this.#storage.delete(gone.slice(i, i + MOST_KEYS)).catch(failed);
    }
    for (let i = 0; i < entries.length; i += MOST_KEYS) {
      this.#storage.put(Object.fromEntries(entries.slice(i, i + MOST_KEYS))).catch(failed);
    }
  }
}

/** The platform itself ends an object whose writes fail, and answers nothing that hangs on them. */
function failed(): void {}
