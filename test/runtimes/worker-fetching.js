// The program for workerd.
import * as sets from "limitset";
import * as fetches from "limitset/fetch";
import * as models from "limitset/llm";
import { fetching } from "./fetching.js";

export default {
  /** @param {Request} request */
  async fetch(request) {
    const url = new URL(request.url).searchParams.get("url") ?? "";
    return Response.json(await fetching(url, { ...sets, ...fetches, ...models }));
  },
};
