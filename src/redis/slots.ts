/** The distance between the indexes that a limit has in two partitions of a batch, above that of any limit. */
export const SLOT = 10_000;

/** For each limit, by how much its index in the script is higher, because a partition of it is meant. */
export type Slots = readonly number[] | undefined;
