import type { PartitionOptions } from "../limits/partition-options.ts";

/** The options of the set that are about its order and its partitions. */
export interface QueueSettings {
  readonly maxWaiting?: number;
  readonly agingMs?: number;
  readonly partitions?: Readonly<Record<string, PartitionOptions>>;
  readonly fairBy?: string;
}
