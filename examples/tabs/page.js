// A tab: calls the server as fast as all tabs together may. See README.md.
import { limitFetch } from "limitset/fetch";
import { connectLimits } from "limitset/port";

const worker = new SharedWorker(`/shared-worker.js${globalThis.location.search}`, { type: "module" });
/** @type {import("limitset/port").ConnectedLimits<"call_count" | "connections">} */
const limits = connectLimits(worker);
const fetch = limitFetch(limits);

/** @param {string} id @returns {HTMLElement} */
const part = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
let calls = 0;
let refused = 0;

part("start").addEventListener("click", () => {
  // Three callers in each tab want more than the limits allow.
  for (let i = 0; i < 3; i++) call();
});

async function call() {
  for (;;) {
    const response = await fetch("/call", { method: "POST" });
    await response.text();
    calls++;
    if (response.status === 429) refused++;
    part("calls").textContent = String(calls);
    part("refused").textContent = String(refused);
  }
}
