/** From a decision to what the Secret should hold: issues the authorities and leaves that it takes. */
import { issueAuthority, type Authority } from "./authority.ts";
import type { Decision } from "./decide.ts";
import { issueLeaf, type Leaf } from "./leaf.ts";
import type { SecretContent, SecretReading } from "./secret.ts";

export interface Issuing {
  readonly names: readonly string[];
  readonly caLifeMillis: number;
  readonly leafLifeMillis: number;
  readonly nowMillis: number;
}

/** undefined: nothing to write. */
export function contentFor(
  decision: Decision,
  reading: SecretReading | undefined,
  { names, caLifeMillis, leafLifeMillis, nowMillis }: Issuing,
): SecretContent | undefined {
  const trusted = reading?.trusted ?? [];
  const leafBy = (authority: Authority): Leaf => issueLeaf(authority, names, nowMillis, leafLifeMillis);
  const newAuthority = (): Authority => issueAuthority(nowMillis, caLifeMillis);
  switch (decision.kind) {
    case "keep":
    case "refuse":
      return undefined;
    case "renew-leaf":
      return { leaf: leafBy(decision.authority), answersRequest: reading?.asked === "leaf" };
    case "stage":
      return { next: newAuthority(), answersRequest: reading?.asked === "all" };
    case "drop-next":
      return { next: null, answersRequest: false };
    case "promote": {
      const { authority } = decision;
      return {
        leaf: leafBy(authority),
        authority: { signing: authority, retired: trusted },
        next: null,
        answersRequest: true,
      };
    }
    case "restore": {
      const { remembered, stage } = decision;
      return {
        leaf: leafBy(remembered.authority),
        authority: { signing: remembered.authority, retired: [...trusted, ...remembered.trusted] },
        ...(stage ? { next: newAuthority() } : {}),
        answersRequest: false,
      };
    }
    case "start-over": {
      const authority = newAuthority();
      return {
        leaf: leafBy(authority),
        authority: { signing: authority, retired: trusted },
        next: null,
        answersRequest: true,
      };
    }
  }
}
