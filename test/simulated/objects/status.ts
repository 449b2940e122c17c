/** Failures as the API server reports them: an HTTP code and a `Status` object with the real server's words. */
import type { JsonObject } from "./json.ts";

/** What an error is about; `kind` holds the resource's plural name in most errors, as in the real server. */
export interface ErrorSubject {
  readonly group: string;
  readonly kind: string;
  readonly name?: string;
}

interface StatusFields {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly details?: JsonObject;
}

/** Thrown anywhere below the HTTP edge, answered there as a `Status`. */
export class StatusError extends Error {
  readonly status: JsonObject;
  readonly code: number;
  /** Extra answer headers, e.g. Retry-After. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(fields: StatusFields, options: { cause?: unknown; headers?: Record<string, string> } = {}) {
    super(fields.message, { cause: options.cause });
    this.name = "StatusError";
    this.code = fields.code;
    this.headers = options.headers ?? {};
    this.status = statusObject("Failure", fields);
  }
}

export function statusObject(outcome: "Success" | "Failure", fields: Partial<StatusFields>): JsonObject {
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: outcome,
    ...(fields.message === undefined ? {} : { message: fields.message }),
    ...(fields.reason === undefined || fields.reason === "" ? {} : { reason: fields.reason }),
    ...(fields.details === undefined ? {} : { details: fields.details }),
    ...(fields.code === undefined ? {} : { code: fields.code }),
  };
}

export function notFound(subject: ErrorSubject): StatusError {
  return failure(404, "NotFound", `${quoted(subject)} not found`, subject);
}

export function alreadyExists(subject: ErrorSubject): StatusError {
  return failure(409, "AlreadyExists", `${quoted(subject)} already exists`, subject);
}

export function conflict(subject: ErrorSubject, why: string): StatusError {
  return failure(409, "Conflict", `Operation cannot be fulfilled on ${quoted(subject)}: ${why}`, subject);
}

/** The text of every lost race; clients look for its code and reason, people for its words. */
export const MODIFIED =
  "the object has been modified; please apply your changes to the latest version and try again";

export function forbidden(subject: ErrorSubject, why: string): StatusError {
  const what = subject.kind === "" ? "" : `${quoted(subject)} is `;
  return failure(403, "Forbidden", `${what}forbidden: ${why}`, subject);
}

/** One wrong field: `body` is the text after the path, e.g. `Invalid value: "x": must be ...`. */
export interface FieldError {
  readonly type:
    | "FieldValueInvalid"
    | "FieldValueRequired"
    | "FieldValueForbidden"
    | "FieldValueTooLong"
    | "FieldValueNotSupported";
  readonly field: string;
  readonly body: string;
}

export function invalidValue(field: string, value: unknown, why: string): FieldError {
  return { type: "FieldValueInvalid", field, body: `Invalid value: ${JSON.stringify(value)}: ${why}` };
}

export function unsupportedValue(field: string, value: unknown, supported: readonly string[]): FieldError {
  const list = supported.map((item) => JSON.stringify(item)).join(", ");
  const body = `Unsupported value: ${JSON.stringify(value)}: supported values: ${list}`;
  return { type: "FieldValueNotSupported", field, body };
}

export function requiredValue(field: string, why = ""): FieldError {
  return {
    type: "FieldValueRequired",
    field,
    body: why === "" ? "Required value" : `Required value: ${why}`,
  };
}

/** 422. `subject.kind` is the kind here, not the resource. */
export function invalid(subject: ErrorSubject, errors: readonly FieldError[]): StatusError {
  const lines = errors.map((error) => `${error.field}: ${error.body}`);
  const list = lines.length === 1 ? lines.join("") : `[${lines.join(", ")}]`;
  const causes = errors.map((error) => ({ reason: error.type, message: error.body, field: error.field }));
  const kind = subject.group === "" ? subject.kind : `${subject.kind}.${subject.group}`;
  const message = `${kind} ${JSON.stringify(subject.name ?? "")} is invalid: ${list}`;
  return new StatusError({
    code: 422,
    reason: "Invalid",
    message,
    details: { ...details(subject), causes },
  });
}

export function badRequest(message: string, cause?: unknown): StatusError {
  return new StatusError({ code: 400, reason: "BadRequest", message }, { cause });
}

/** The real server answers a plain Go error so: 500, and no reason. */
export function plainError(message: string, cause?: unknown): StatusError {
  return new StatusError({ code: 500, reason: "", message }, { cause });
}

export function unauthorized(): StatusError {
  return new StatusError({ code: 401, reason: "Unauthorized", message: "Unauthorized" });
}

export function internalError(message: string, cause?: unknown): StatusError {
  return new StatusError(
    {
      code: 500,
      reason: "InternalError",
      message: `Internal error occurred: ${message}`,
      details: { causes: [{ message }] },
    },
    { cause },
  );
}

export function expired(message: string): StatusError {
  return new StatusError({ code: 410, reason: "Expired", message });
}

/** An address that no resource has; `kubectl` turns it into "the server doesn't have a resource type". */
export function unknownPath(): StatusError {
  const message = "the server could not find the requested resource";
  return new StatusError({ code: 404, reason: "NotFound", message, details: {} });
}

export function methodNotAllowed(): StatusError {
  const message = "the server does not allow this method on the requested resource";
  return new StatusError({ code: 405, reason: "MethodNotAllowed", message, details: {} });
}

export function unsupportedMediaType(accepted: readonly string[]): StatusError {
  const list = accepted.join(", ");
  const message = `the body of the request was in an unknown format - accepted media types include: ${list}`;
  return new StatusError({ code: 415, reason: "UnsupportedMediaType", message });
}

export function tooLarge(limitBytes: number): StatusError {
  const message = `Request entity too large: limit is ${limitBytes}`;
  return new StatusError({ code: 413, reason: "RequestEntityTooLarge", message });
}

/** `nodes "n1"`, `leases.coordination.k8s.io "n1"`, or without a name just the resource. */
function quoted(subject: ErrorSubject): string {
  const what = subject.group === "" ? subject.kind : `${subject.kind}.${subject.group}`;
  return subject.name === undefined || subject.name === "" ? what : `${what} ${JSON.stringify(subject.name)}`;
}

function details(subject: ErrorSubject): JsonObject {
  return {
    ...(subject.name === undefined || subject.name === "" ? {} : { name: subject.name }),
    ...(subject.group === "" ? {} : { group: subject.group }),
    ...(subject.kind === "" ? {} : { kind: subject.kind }),
  };
}

function failure(code: number, reason: string, message: string, subject: ErrorSubject): StatusError {
  return new StatusError({ code, reason, message, details: details(subject) });
}
