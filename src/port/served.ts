/** The set that a host serves, and the parts of the host that its sessions share. */
import type { Limits } from "../contract.ts";
import type { Followed } from "../remote/living-of.ts";
import type { Bounds } from "./options.ts";
import type { Pieces } from "./pieces.ts";

/** The set of a host. */
export interface ServedSet<K extends string> {
  readonly limits: Limits<K>;
  readonly followed: Followed;
  readonly config: unknown;
  /** Whether the channel tells of its end. */
  readonly tells: boolean;
}

/** The parts of a host that all sessions of its channel share. */
export interface Shared {
  readonly bounds: Bounds;
  readonly pieces: Pieces;
  /** How many requests wait or are held. */
  requests: number;
  /** How long the names of their partitions are together. */
  nameUnits: number;
  /** How many locks of peers are watched. */
  locks: number;
}
