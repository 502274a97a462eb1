/**
 * What the server allows: calls and tokens a second, connections at a time.
 * @param {number} calls a second: a multiple of 4, 8 or more
 */
export const allowanceFor = (calls) => ({ calls, tokens: 60 * calls, connections: 5 });
