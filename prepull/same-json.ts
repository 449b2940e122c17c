/** Whether two JSON values are equal; a loop, as a hostile value may nest deeper than the stack. Keys have no order. */
import { isFields } from "./shape.ts";

export function sameJson(one: unknown, other: unknown): boolean {
  const pairs: (readonly [unknown, unknown])[] = [[one, other]];
  for (let pair = pairs.pop(); pair !== undefined; pair = pairs.pop()) {
    const [a, b] = pair;
    // Object.is: NaN is itself, and -0 is not 0 (numbers.ts).
    if (Object.is(a, b)) continue;
    if (Array.isArray(a) && Array.isArray(b)) {
      if (a.length !== b.length) return false;
      for (const [at, item] of a.entries()) pairs.push([item, b[at]]);
    } else if (isFields(a) && isFields(b)) {
      const keys = Object.keys(a);
      if (keys.length !== Object.keys(b).length) return false;
      for (const key of keys) {
        if (!Object.hasOwn(b, key)) return false;
        pairs.push([a[key], b[key]]);
      }
    } else return false;
  }
  return true;
}
