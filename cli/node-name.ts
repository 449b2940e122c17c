/** A node's name as typed: what could not be one is refused before anything is asked. */
import { UserError } from "./exit-code.ts";

/** @throws UserError */
export function nodeName(typed: string): string {
  // `node/n1`, as kubectl prints it.
  const name = typed.replace(/^nodes?\//, "");
  if (/^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/.test(name)) return name;
  throw new UserError(`NODE=${JSON.stringify(typed)}: expected the name of a node, such as worker-1`);
}
