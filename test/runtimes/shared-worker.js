/** One set for all tabs of a site. */
import { LimitSet, ResourceLimit } from "../../dist/index.js";
import { serveLimits } from "../../dist/port/index.js";

const limits = new LimitSet({ limits: [new ResourceLimit({ key: "db", capacity: 2 })] });

globalThis.addEventListener("connect", (event) => serveLimits(limits, /** @type {MessageEvent} */ (event)));
