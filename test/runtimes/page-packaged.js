// The program for pages.
import { packaged } from "./packaged.js";

globalThis.seen = fetch("decisions.txt")
  .then((response) => response.text())
  .then(packaged);
