/**
 * What JavaScript may call. `region` is where a set's region begins, `scratch` the scratch area of the calling thread in
 * it, through which requests and answers pass: see layout.ts.
 */
export { leave, transact } from "./commit";
export { logBytes, stateBytes } from "./kinds";
export { define, format, regionBytes, scratchOf } from "./region";
