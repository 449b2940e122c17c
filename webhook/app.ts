/** Answers whatever is on the serving port and is not a review: wrong methods and unknown paths. */
import express, { type ErrorRequestHandler, type Express } from "express";

/**
 * The express application behind the reviews.
 * Reviews are routed before it: express costs more than the whole decision (figures in server.ts).
 * @param reviewPaths paths that take POST.
 */
export function createApp(reviewPaths: readonly string[]): Express {
  const app = express();
  app.disable("x-powered-by");
  app.set("etag", false);
  // As the reviews are routed: exactly.
  app.enable("strict routing");
  app.enable("case sensitive routing");
  for (const path of reviewPaths) {
    app.all(path, (request, response) => {
      response.set("Allow", "POST").status(405).type("text/plain");
      response.send(`${request.method} ${path}: expected POST with an AdmissionReview\n`);
    });
  }
  app.use((_request, response) => {
    response
      .status(404)
      .type("text/plain")
      .send(`not found; reviews go to ${reviewPaths.join(" and ")}\n`);
  });
  // Express calls it with four arguments only; a malformed path such as /%ff ends here.
  const onError: ErrorRequestHandler = (_error, _request, response, _next) => {
    response.status(400).type("text/plain").send("bad request\n");
  };
  app.use(onError);
  return app;
}
