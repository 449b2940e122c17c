/** A webhook configuration in memory, for tests in real time. */
import type {
  WebhookConfiguration,
  WebhookConfigurationSnapshot,
} from "../../kube/webhook-configurations.ts";

export class FakeConfiguration implements WebhookConfiguration {
  readonly title = "ValidatingWebhookConfiguration nodelatch";
  snapshot: WebhookConfigurationSnapshot | undefined;
  /** Called at the moment of each write, whoever looks now and then. */
  onWrite: (caBundles: readonly string[]) => void = () => {};
  #version = 1;

  constructor(caBundles: readonly string[] | undefined) {
    if (caBundles !== undefined) this.write(caBundles);
  }

  get caBundles(): readonly string[] {
    return this.snapshot?.entries.map(({ caBundle }) => caBundle) ?? [];
  }

  write(caBundles: readonly string[]): void {
    this.#version += 1;
    const entries = caBundles.map((caBundle, index) => ({ name: `entry${index}`, caBundle }));
    this.snapshot = { resourceVersion: `${this.#version}`, annotations: new Map(), entries };
    this.onWrite(caBundles);
  }

  read(): Promise<WebhookConfigurationSnapshot | undefined> {
    return Promise.resolve(this.snapshot);
  }

  setCaBundles(snapshot: WebhookConfigurationSnapshot, pem: string): Promise<"set" | "conflict" | "absent"> {
    if (this.snapshot === undefined) return Promise.resolve("absent");
    if (snapshot.resourceVersion !== this.snapshot.resourceVersion) return Promise.resolve("conflict");
    this.write(this.caBundles.map(() => pem));
    return Promise.resolve("set");
  }
}
