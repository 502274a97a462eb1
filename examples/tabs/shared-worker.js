// Has the set of all tabs, and serves it to each of them. See README.md.
import { serveLimits } from "limitset/port";
import { limitsFor } from "./limits.js";

const marginMs = Number(new URLSearchParams(globalThis.location.search).get("margin") ?? 100);
const limits = limitsFor(marginMs);

globalThis.addEventListener("connect", (event) => serveLimits(limits, /** @type {MessageEvent} */ (event)));
