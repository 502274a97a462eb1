// The program for workerd. It acts at module scope, and in an HTTP request that brings the recorded decisions.
import { packaged } from "./packaged.js";

export default {
  /** @param {Request} request */
  async fetch(request) {
    return Response.json(await packaged(await request.text()));
  },
};
