/**
 * The home of a region is the region that has the words by which all states of the set are found, and threads wake each other: HEAD,
 * WAKE and SLEEPERS. A region of one participant is its own home.
 */
import { HOME } from "./layout";

export function homeOf(region: usize): usize {
  return load<usize>(region + HOME);
}
