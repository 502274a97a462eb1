// The built package, for programs that run a file.
import * as guards from "../../../dist/http/index.js";
import * as sets from "../../../dist/index.js";

export const modules = /** @type {import("./app.js").Modules} */ (
  /** @type {unknown} */ ({ ...sets, ...guards })
);
