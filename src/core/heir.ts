/** What a limit inherits when its set is redefined. */
/** Where the state of a new limit comes from. */
export interface Heir {
  /** The index of the old limit whose state it inherits; below 0 if there is none. */
  readonly from: number;
  /** How many of its units one of the old limit is. */
  readonly ratio: number;
  /** The units that are charged to it at once. Default: none. */
  readonly lost?: number;
}
