/** Which runtime this is, where its behaviour cannot be found out in another way. */

const { versions } = (globalThis as { process?: { versions?: Record<string, string> } }).process ?? {};

/** Whether this is Node itself: Bun and Deno have a `process` too. */
export const isNode: boolean = versions !== undefined && !("bun" in versions) && !("deno" in versions);
