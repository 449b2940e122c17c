/** The state of the agent's parts as gauges, read at the scrape. */
import { Gauge, type Registry } from "prom-client";
import type { AgentView } from "./view.ts";

export function registerGauges(view: AgentView, registry: Registry, kinds: readonly string[]): void {
  const registers = [registry];
  const single = (name: string, help: string, read: () => number): void => {
    const gauge: Gauge = new Gauge({
      name: `nodelatch_agent_${name}`,
      help,
      registers,
      collect: () => gauge.set(read()),
    });
  };
  single("boot_passes_complete", "1 once the passes after this boot are done.", () =>
    Number(view.boot().complete),
  );
  single("address_present", "1 while the node has an address that others can reach.", () =>
    Number(view.network().now?.kind === "address"),
  );
  single(
    "address_changes",
    "How often the node's address was another than before, since the start.",
    () => view.network().changes,
  );
  single("shutdown_lock_held", "1 while logind's shutdown lock is held.", () =>
    Number(view.shutdown()?.lock.kind === "held"),
  );
  single("system_bus_up", "1 while logind is watched on the system bus.", () =>
    Number(view.shutdown()?.bus.kind === "watching"),
  );
  single("api_up", "1 if the API server was reached when last tried.", () =>
    Number(view.api()?.kind === "reached"),
  );
  single(
    "lock_waiting",
    "1 while a reboot lock waits for what follows the reboot, or can't be removed.",
    () => Number(view.release()?.kind === "waiting" || view.release()?.kind === "failing"),
  );
  single(
    "locks_released",
    "How many reboot locks were ended after the reboot, since the agent's start.",
    () => view.locksReleased(),
  );
  single("journal_saved", "0 while the journal can't be written, as on a full disk.", () =>
    Number(view.journal().kind !== "unsaved"),
  );
  const routes = new Gauge({
    name: "nodelatch_agent_default_route",
    help: "1 while there is a default route, by family.",
    labelNames: ["family"],
    registers,
    collect() {
      const { defaultRouteIPv4, defaultRouteIPv6 } = view.network();
      routes.set({ family: "IPv4" }, Number(defaultRouteIPv4));
      routes.set({ family: "IPv6" }, Number(defaultRouteIPv6));
    },
  });
  const runtimes = new Gauge({
    name: "nodelatch_agent_runtime_up",
    help: "1 while the runtime answers, by the name that it gives itself; those that never answered are missing.",
    labelNames: ["runtime"],
    registers,
    collect() {
      runtimes.reset();
      for (const { name, answers } of view.runtimes()) runtimes.set({ runtime: name }, Number(answers));
    },
  });
  const findings = new Gauge({
    name: "nodelatch_agent_findings",
    help: "What needs a person now, by kind; /readyz?verbose has the words.",
    labelNames: ["kind"],
    registers,
    collect() {
      const standing = view.findings();
      for (const kind of kinds) {
        findings.set({ kind }, standing.filter(({ finding }) => finding.kind === kind).length);
      }
    },
  });
}
