// Express.
import express from "express";
import { answerInNode, capacitiesOf, makeApp, tell } from "./app.js";
import { modules } from "./modules.js";

const app = makeApp(modules, capacitiesOf(process.argv[2]));
const server = express();
server.get("/stats", (_, response) => {
  response.json(app.stats());
});
server.use("/calls", app.calls.express());
server.use("/held", app.held.express());
server.all("/{*path}", (request, response) => answerInNode(app, request, response, request.path));
const listening = server.listen(0, "127.0.0.1", () =>
  tell(/** @type {import("node:net").AddressInfo} */ (listening.address()).port),
);
