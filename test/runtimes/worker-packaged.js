// For workerd: at module scope, and in a request that brings the decisions.
import { packaged } from "./packaged.js";

export default {
  /** @param {Request} request */
  async fetch(request) {
    return Response.json(await packaged(await request.text()));
  },
};
