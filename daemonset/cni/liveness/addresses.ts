/** Addresses that a network namespace has, from what the kernel shows of it below /proc/PID/net. Pure. */

/**
 * Every address of `fib_trie`: one with a route `/32 host LOCAL` or another of that kind. Those of an interface that is
 * down have none. Canonical text already.
 */
export function* addressesOfTrie(text: string): Generator<string> {
  let leaf: string | undefined;
  for (const line of lines(text)) {
    const found = /^\s*\|-- (\d{1,3}(?:\.\d{1,3}){3})$/.exec(line)?.[1];
    if (found !== undefined) leaf = found;
    else if (leaf !== undefined && /^\s*\/\d{1,2} host LOCAL\b/.test(line)) yield leaf;
  }
}

/** Every address of `if_inet6`, of interfaces that are down as well, in RFC 5952's text. */
export function* addressesOfIfInet6(text: string): Generator<string> {
  for (const line of lines(text)) {
    const digits = /^([0-9a-f]{32}) /.exec(line)?.[1];
    if (digits !== undefined) yield canonicalIPv6(digits.replaceAll(/(.{4})(?!$)/g, "$1:"));
  }
}

/**
 * RFC 5952's text of an IPv6 address, which is also Go's and so the name of host-local's file.
 * @throws TypeError if it is none.
 */
export function canonicalIPv6(address: string): string {
  return new URL(`http://[${address}]`).hostname.slice(1, -1);
}

function* lines(text: string): Generator<string> {
  for (let start = 0; start < text.length;) {
    const end = text.indexOf("\n", start);
    const stop = end < 0 ? text.length : end;
    yield text.slice(start, stop);
    start = stop + 1;
  }
}
