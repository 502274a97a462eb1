/**
 * Generic cell rate algorithm, in its virtual scheduling form (ATM Forum, Traffic Management 4.0, section 4.4.2): the
 * theoretical arrival time runs ahead of now by one emission interval a unit, and a request conforms while it runs
 * ahead by no more than the burst. Kept as the debt that leaks out meanwhile, the lead is that of a bucket as large as
 * the burst: one and the same rule.
 */
export { take } from "./token-bucket";
