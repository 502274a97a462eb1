/** What a set can do, and a view of it cannot, wherever the set lives. */
import { InvalidRequestError } from "../errors.ts";

export function noRedefine(): InvalidRequestError {
  return new InvalidRequestError("a view cannot redefine limits: redefine() those of the set");
}

export function noClose(): InvalidRequestError {
  return new InvalidRequestError("a view cannot be closed: close() the set");
}
