/** The host of a set without workerd, and a storage in memory. */
import type { ObjectStorage } from "../../src/cloudflare/bindings.ts";
import { Host, type HostOptions } from "../../src/cloudflare/host.ts";
import { SetStorage } from "../../src/cloudflare/set-storage.ts";

export class Storage implements ObjectStorage {
  readonly kept = new Map<string, unknown>();
  alarm: number | null = null;
  writes = 0;

  async list() {
    return structuredClone(this.kept);
  }

  async put(entries: Record<string, unknown>) {
    this.writes++;
    for (const [name, value] of Object.entries(entries)) this.kept.set(name, structuredClone(value));
  }

  async delete(names: string[]) {
    return names.filter((name) => this.kept.delete(name)).length;
  }

  async getAlarm() {
    return this.alarm;
  }

  async setAlarm(at: number) {
    this.alarm = at;
  }
}

/** The host of an object that starts with this storage. */
export async function startHost(
  storage: Storage,
  options: Pick<HostOptions, "limits" | "clock"> & Partial<HostOptions>,
): Promise<Host> {
  const setStorage = new SetStorage(storage);
  const others = { config: {}, missingUpdate: "throw", leaseMs: 1000_000, queue: {} } as const;
  return new Host({ ...others, ...options }, setStorage, await setStorage.load());
}
