/**
 * The limits of the server: calls and tokens per second, and connections at a time.
 * @param {number} calls per second: a multiple of 4, 8 or more
 */
export const allowanceFor = (calls) => ({ calls, tokens: 60 * calls, connections: 5 });
