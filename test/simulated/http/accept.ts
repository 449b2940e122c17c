/** Which of our representations a client takes: plain JSON or the table that kubectl prints. */
import { StatusError } from "../objects/status.ts";

export type Representation = "json" | "table" | "aggregated-discovery";

/** The first acceptable clause wins. @throws StatusError 406, e.g. for protobuf alone. */
export function representationOf(accept: string | undefined): Representation {
  const clauses = (accept ?? "").split(",").map((clause) => clause.trim());
  for (const clause of clauses) {
    const [type = "", ...rest] = clause.split(";").map((part) => part.trim());
    if (!["", "*/*", "application/*", "application/json"].includes(type)) continue;
    const parameters = new Map(
      rest.map((part): [string, string] => [part.split("=")[0] ?? "", part.split("=")[1] ?? ""]),
    );
    const as = parameters.get("as");
    if (as === undefined) return "json";
    if (as === "Table" && parameters.get("v") === "v1") return "table";
    if (as === "APIGroupDiscoveryList" && parameters.get("v") === "v2") return "aggregated-discovery";
  }
  const message = "only the following media types are accepted: application/json";
  throw new StatusError({ code: 406, reason: "NotAcceptable", message });
}
