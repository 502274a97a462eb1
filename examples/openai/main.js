// Runs the program: against OpenAI where OPENAI_API_KEY is set, else against a stand-in with a minute of five seconds. See README.md.
import { startApi } from "./api.js";
import { ask } from "./program.js";

if (process.env["OPENAI_API_KEY"]) {
  console.log(await ask());
} else {
  const windowMs = 5000;
  const api = await startApi({ windowMs });
  const { baseURL, seen } = api;
  console.log(await ask({ baseURL, apiKey: "none", windowMs, questions: 120 }), "the API has seen", seen);
  api.close();
}
