// Connects the buttons, the workers and the picture of the page. See README.md.
import { limitsFor } from "./limits.js";
import { Picture } from "./picture.js";
import { Team } from "./team.js";

/** @param {string} id @returns {any} */
const part = (id) => document.getElementById(id);
/** @param {string} id */
const setting = (id) => Number(part(id).value);
/** @param {string} id @param {string | number} text */
const show = (id, text) => {
  if (part(id).textContent !== `${text}`) part(id).textContent = `${text}`;
};

const picture = new Picture(part("picture"));
/** @type {ReturnType<typeof limitsFor> | undefined} */
let limits;
/** @type {Team | undefined} */
let team;

show(
  "way",
  globalThis.crossOriginIsolated
    ? "This page is isolated: its workers take from one LimitSet in shared memory."
    : "This page is not isolated: its workers ask it for everything, over their own channels.",
);
for (const id of ["workers", "pace", "allowed"]) {
  const name = () => show(`${id}-shown`, part(id).value);
  part(id).addEventListener("input", name);
  name();
}
part("pace").addEventListener("input", () => team?.pace(setting("pace")));
part("start").addEventListener("click", start);
part("stop").addEventListener("click", () => team?.stop());
part("kill").addEventListener("click", () => {
  const killed = team?.kill();
  if (killed) picture.mark(`worker ${killed.name} killed`);
});

async function start() {
  part("start").disabled = true;
  const calls = setting("allowed");
  // From here on the server enforces the same rate.
  await fetch(`/begin?calls=${calls}`, { method: "POST" });
  limits?.close();
  limits = limitsFor(calls);
  team = new Team(setting("workers"), limits, setting("pace"));
  picture.clear();
  frame();
}

/** Draws a picture, and requests the next while anything changes. */
function frame() {
  if (!limits || !team) return;
  const stats = limits.stats();
  const { connections } = stats;
  picture.add(stats);
  show("calls", team.sum("calls"));
  show("refused", team.sum("refused"));
  show("waiting", team.count("waiting"));
  show("held", `${connections.used} of ${connections.capacity}`);
  tiles(team);
  const works = team.alive.length > 0;
  const moves = works || Object.values(stats).some(({ used }) => used > 0);
  part("start").disabled = moves;
  part("stop").disabled = part("kill").disabled = !works;
  part("workers").disabled = part("allowed").disabled = moves;
  document.body.setAttribute("data-state", moves ? "running" : "idle");
  if (moves) requestAnimationFrame(frame);
}

/** @param {Team} team */
function tiles({ members }) {
  const list = part("team");
  while (list.children.length > members.length) list.lastChild.remove();
  for (const [i, { name, state, calls }] of members.entries()) {
    const tile = list.children[i] ?? list.appendChild(document.createElement("li"));
    const text = `worker ${name} ${state}, ${calls} calls`;
    if (tile.title === text) continue;
    tile.title = text;
    tile.className = state;
    tile.innerHTML = `<b>${name}</b><span>${state}</span><i>${calls}</i>`;
  }
}
