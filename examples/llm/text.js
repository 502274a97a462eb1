/** The texts of the demo: only their lengths matter. A token is a word, so that both sides count alike. */

const WORD = "x ";

/** @param {number} tokens */
export const textOf = (tokens) => WORD.repeat(tokens);

/**
 * A tokenizer: how many words of `textOf` a text has, be it a prompt or the body of a request.
 * @param {string} text
 */
export function countTokens(text) {
  let tokens = 0;
  for (let at = text.indexOf(WORD); at >= 0; at = text.indexOf(WORD, at + WORD.length)) tokens++;
  return tokens;
}
