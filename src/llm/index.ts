/**
 * Model APIs: providers for `limitFetch`, and a middleware for the AI SDK. They know the costs of a request before it is sent, the usage
 * that an answer says, and the vendor's headers.
 *
 * @module
 */
export { type AnthropicOptions, anthropic } from "./anthropic.ts";
export type { EstimateOptions } from "./estimate.ts";
export { gemini } from "./gemini.ts";
export { type LimitModelOptions, limitModel, type ModelMiddleware } from "./middleware.ts";
export { azureOpenai, groq, openai } from "./openai.ts";
