/**
 * The generic cell rate algorithm, in its virtual scheduling form (ATM Forum, Traffic Management 4.0, section 4.4.2;
 * ITU-T I.371). Each unit moves the theoretical arrival time one emission interval further ahead of now, and a request
 * conforms while that time is ahead by no more than the burst. The lead is a debt that leaks out as time passes, as in a
 * token bucket whose ceiling is the burst: so both share one rule.
 */
export { take } from "./token-bucket";
