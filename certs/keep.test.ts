import { X509Certificate } from "node:crypto";
import { expect, test } from "vitest";
import { KubeError } from "../kube/failure.ts";
import { issueAuthority } from "./authority.ts";
import { issueLeaf } from "./leaf.ts";
import { certificatesIn } from "./pem.ts";
import { healthOf, isSound, MINUTE, running, SECOND, serial, VALIDATING } from "./testing/one-replica.ts";
import { NAMES, SimulatedCluster } from "./testing/simulated-cluster.ts";

const MUTATING = "MutatingWebhookConfiguration nodelatch";

test("a first start makes the Secret, injects the caBundles, serves, and only then is ready", async () => {
  const cluster = new SimulatedCluster(3);
  cluster.addConfigurations();
  const replica = cluster.start();
  const seen: string[] = [];
  replica.keeper.subscribe((pair) => seen.push(pair.serial));
  expect(replica.keeper.health()).toEqual([
    { name: "certificate", ok: false, detail: "no certificate to serve yet" },
    { name: "ca-bundle", ok: false, detail: "no certificate to serve yet" },
  ]);
  await cluster.pass(10 * SECOND);
  expect(cluster.isReady(replica)).toBe(true);
  expect(seen).toEqual([serial(replica)]);
  const late: string[] = [];
  replica.keeper.subscribe((pair) => late.push(pair.serial));
  expect(late).toEqual(seen);
  expect(replica.keeper.expiresAtMillis()).toBe(replica.keeper.current()?.notAfterMillis);
  expect(cluster.secret?.annotations.get("nodelatch.io/certificates")).toBe("managed");
  const bundles = [...cluster.configurations.values()].flatMap(({ entries }) =>
    entries.map(({ caBundle }) => caBundle),
  );
  expect(bundles).toEqual(bundles.map(() => replica.keeper.current()?.caPem));
});

test("an empty Secret, as the chart makes it, is filled and keeps its labels and other keys", async () => {
  const cluster = new SimulatedCluster(3);
  cluster.addConfigurations();
  cluster.writeSecret({ data: new Map([["note", "mine"]]) });
  cluster.start();
  await cluster.pass(20 * SECOND);
  expect(isSound(cluster)).toBe(true);
  expect(cluster.secret?.data.get("note")).toBe("mine");
});

test("without the configurations it is not ready, and says which one is missing", async () => {
  const { cluster, replica } = await running();
  cluster.configurations.delete(VALIDATING);
  await cluster.pass(20 * SECOND);
  expect(healthOf(replica, "ca-bundle")).toEqual({ ok: false, detail: `${VALIDATING} does not exist` });
  cluster.writeConfiguration(VALIDATING, [""]);
  await cluster.pass(20 * SECOND);
  expect(cluster.isReady(replica)).toBe(true);
});

test("a caBundle wiped in one entry of one configuration is back after one poll", async () => {
  const { cluster } = await running();
  const whole = cluster.configurations.get(VALIDATING)?.entries[0]?.caBundle ?? "";
  cluster.writeConfiguration(VALIDATING, [whole, ""]);
  await cluster.pass(13 * SECOND);
  expect(cluster.configurations.get(VALIDATING)?.entries.map(({ caBundle }) => caBundle)).toEqual([
    whole,
    whole,
  ]);
});

test("a stranger in a caBundle is left alone for the grace time, then taken out", async () => {
  const { cluster } = await running();
  const whole = cluster.configurations.get(MUTATING)?.entries[0]?.caBundle ?? "";
  const stranger = issueAuthority(cluster.wallMillis, 60 * MINUTE).certPem;
  cluster.writeConfiguration(MUTATING, [whole + stranger]);
  await cluster.pass(cluster.settings.graceMillis - 15 * SECOND);
  expect(cluster.configurations.get(MUTATING)?.entries[0]?.caBundle).toContain(stranger);
  await cluster.pass(45 * SECOND);
  expect(cluster.configurations.get(MUTATING)?.entries[0]?.caBundle).not.toContain(stranger);
});

test("a configuration that cert-manager injects into is watched, not written", async () => {
  const { cluster, replica } = await running();
  const before = cluster.configurations.get(MUTATING);
  if (before === undefined) throw new Error("no configuration");
  cluster.configurations.set(MUTATING, {
    ...before,
    annotations: new Map([["cert-manager.io/inject-ca-from", "ns/cert"]]),
    entries: [{ name: "latch.nodelatch.io", caBundle: "" }],
  });
  await cluster.pass(MINUTE);
  expect(cluster.configurations.get(MUTATING)?.entries[0]?.caBundle).toBe("");
  expect(healthOf(replica, "ca-bundle").ok).toBe(false);
});

test("a deleted Secret is put back with the same authority, and a new one takes over without a gap", async () => {
  const { cluster } = await running();
  const before = cluster.signing();
  cluster.secret = undefined;
  await cluster.pass(15 * SECOND);
  expect(cluster.signing()).toBe(before);
  await cluster.pass(MINUTE);
  expect(cluster.signing()).not.toBe(before);
  expect(isSound(cluster)).toBe(true);
  expect(cluster.violations).toEqual([]);
});

test.each(["tls.crt", "tls.key", "ca.crt", "ca.key"])(
  "garbage in %s is repaired by the next poll, without a new authority",
  async (part) => {
    const { cluster } = await running();
    const before = cluster.signing();
    cluster.writeSecret({ data: new Map([[part, "garbage"]]) });
    await cluster.pass(15 * SECOND);
    expect(cluster.secret?.data.get(part)).not.toBe("garbage");
    expect(cluster.signing()).toBe(before);
    expect(isSound(cluster)).toBe(true);
    expect(cluster.violations).toEqual([]);
  },
);

test("all four parts garbage: a replica that remembers heals it with the same authority", async () => {
  const { cluster } = await running();
  const before = cluster.signing();
  const parts = ["tls.crt", "tls.key", "ca.crt", "ca.key"];
  cluster.writeSecret({ data: new Map(parts.map((part) => [part, "garbage"])) });
  await cluster.pass(15 * SECOND);
  expect(cluster.signing()).toBe(before);
  expect(isSound(cluster)).toBe(true);
});

test("a repaired Secret still names the retired authorities that were in it", async () => {
  const { cluster } = await running();
  cluster.writeSecret({ data: new Map(), annotations: new Map([["nodelatch.io/renew", "all"]]) });
  await cluster.pass(MINUTE);
  const before = certificatesIn(cluster.secret?.data.get("ca.crt") ?? "").certificates;
  expect(before).toHaveLength(2);
  cluster.writeSecret({ data: new Map([["ca.crt", "garbage"]]) });
  await cluster.pass(15 * SECOND);
  const after = certificatesIn(cluster.secret?.data.get("ca.crt") ?? "").certificates;
  expect(after.map(({ serialNumber }) => serialNumber)).toEqual(
    before.map(({ serialNumber }) => serialNumber),
  );
});

test("all garbage and no replica that remembers: it starts over, and is ready again", async () => {
  const cluster = new SimulatedCluster(3);
  cluster.addConfigurations();
  const parts = ["tls.crt", "tls.key", "ca.crt", "ca.key", "next-ca.crt", "next-ca.key"];
  cluster.writeSecret({
    data: new Map(parts.map((part) => [part, "garbage"])),
    annotations: new Map([["nodelatch.io/certificates", "managed"]]),
  });
  const replica = cluster.start();
  await cluster.pass(20 * SECOND);
  expect(isSound(cluster)).toBe(true);
  expect(cluster.isReady(replica)).toBe(true);
});

test("a replica that starts in the middle of a change of authority serves by the old one, and is ready at once", async () => {
  const { cluster, replica } = await running();
  await cluster.pass(2 * MINUTE);
  const before = cluster.signing();
  cluster.writeSecret({ data: new Map(), annotations: new Map([["nodelatch.io/renew", "all"]]) });
  await cluster.pass(11 * SECOND);
  expect(cluster.secret?.data.has("next-ca.crt")).toBe(true);
  cluster.kill(replica);
  const next = cluster.start();
  await cluster.pass(2 * SECOND);
  expect(cluster.isReady(next)).toBe(true);
  expect(cluster.served()).toEqual(new Set([before]));
  await cluster.pass(MINUTE);
  expect(cluster.served().has(before)).toBe(false);
  expect(cluster.violations).toEqual([]);
});

test("a change of names in the settings brings a new leaf of the same authority", async () => {
  const { cluster, replica } = await running();
  const authority = replica.keeper.current()?.caPem;
  cluster.kill(replica);
  const wrong = issueLeaf(
    issueAuthority(cluster.wallMillis, MINUTE),
    ["old.svc"],
    cluster.wallMillis,
    MINUTE,
  );
  cluster.writeSecret({
    data: new Map([
      ["tls.crt", wrong.certPem],
      ["tls.key", wrong.keyPem],
    ]),
  });
  const next = cluster.start();
  await cluster.pass(20 * SECOND);
  expect(next.keeper.current()?.caPem).toBe(authority);
  expect(new X509Certificate(next.keeper.current()?.certPem ?? "").checkHost(NAMES[0] ?? "")).toBe(NAMES[0]);
});

test.each([["leaf"], ["all"]])(
  "a person's request for a new %s is carried out once and its annotation removed",
  async (request) => {
    const { cluster, replica } = await running();
    const before = { authority: cluster.signing(), serial: serial(replica) };
    cluster.writeSecret({ data: new Map(), annotations: new Map([["nodelatch.io/renew", request]]) });
    await cluster.pass(MINUTE);
    const after = serial(replica);
    expect(after).not.toBe(before.serial);
    expect(cluster.signing() !== before.authority).toBe(request === "all");
    expect(cluster.secret?.annotations.has("nodelatch.io/renew")).toBe(false);
    await cluster.pass(MINUTE);
    expect(serial(replica)).toBe(after);
    expect(cluster.violations).toEqual([]);
  },
);

test("a listener that throws does not keep the others from the new pair", async () => {
  const { cluster, replica } = await running();
  const seen: string[] = [];
  replica.keeper.subscribe(() => {
    throw new Error("no");
  });
  replica.keeper.subscribe((pair) => seen.push(pair.serial));
  cluster.writeSecret({ data: new Map(), annotations: new Map([["nodelatch.io/renew", "leaf"]]) });
  await cluster.pass(MINUTE);
  expect(seen).toHaveLength(2);
});

test("no log line, however much goes wrong, holds a key or a part of one", async () => {
  const { cluster, replica } = await running();
  const keys: string[] = [];
  replica.keeper.subscribe(({ keyPem }) => keys.push(keyPem));
  for (const part of ["tls.key", "ca.key", "tls.crt", "ca.crt"]) {
    keys.push(cluster.secret?.data.get("ca.key") ?? "", cluster.secret?.data.get("tls.key") ?? "");
    // A key in the wrong place, and half a key in its own.
    cluster.writeSecret({
      data: new Map([[part, (cluster.secret?.data.get("ca.key") ?? "").slice(0, 150)]]),
    });
    await cluster.pass(15 * SECOND);
  }
  cluster.outage = new KubeError(
    "call",
    { kind: "network", sentence: "connection refused" },
    new Error("inner"),
  );
  await cluster.pass(15 * SECOND);
  const secrets = keys
    .flatMap((key) => key.split("\n"))
    .filter((line) => line.length > 20 && !line.includes("-----"));
  expect(secrets.length).toBeGreaterThan(10);
  const logged = cluster.logged.join("") + JSON.stringify(replica.keeper.health());
  expect(secrets.filter((secret) => logged.includes(secret))).toEqual([]);
  expect(logged).not.toContain("PRIVATE");
});

test("run ends when it is told to, in the middle of a wait", async () => {
  const { cluster, replica } = await running();
  replica.stop.abort();
  let calls = 0;
  cluster.hook = () => void (calls += 1);
  await cluster.pass(MINUTE);
  expect(calls).toBe(0);
});
