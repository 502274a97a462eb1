/** A set that is a part of a spread one, as the two see each other. */

/** Among the options of a set: it is a part. */
export const PART: unique symbol = Symbol("limitset.part");

export interface Part {
  /** Over how many slots the whole set is spread: all processes have to say the same. */
  readonly slots: number;
  /** Whether the limits of another part count, where those of the server have the same version as its own. */
  readonly follows: boolean;
  /** The part has gone on to another era. */
  changed(): void;
  /** On the server the set is spread over another number of slots, or is not spread. */
  mismatched(): void;
}

export interface OptionsOfPart {
  readonly [PART]?: Part;
}
