/** Problem documents (RFC 9457), by which an answer says to programs why a request did not pass. */

/** Their media type. */
export const PROBLEM = "application/problem+json";

/** The types of problems that IANA has for refusals: of one client's requests, and of all for a time. */
export const QUOTA_EXCEEDED = "https://iana.org/assignments/http-problem-types#quota-exceeded";
export const REDUCED_CAPACITY = "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity";
