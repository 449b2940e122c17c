/** On a made-up procfs: what must not be missed when processes and namespaces come and go. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { EnterRequest } from "./enter-namespace.ts";
import { readLiveNamespaces, type NamespacesWorld } from "./live-namespaces.ts";

const never = new AbortController().signal;
let procfs: string;
let mounts: string[];
let entered: string[];
let enter: (request: EnterRequest) => Promise<void>;

beforeEach(async () => {
  procfs = await mkdtemp(join(tmpdir(), "nodelatch-proc-"));
  mounts = [];
  entered = [];
  enter = async () => Promise.reject(new Error("nobody can"));
  await addProcess("self", 1, "203.0.113.9");
  await addProcess("1", 1, "203.0.113.9");
});
afterEach(async () => rm(procfs, { recursive: true }));

/** @param ipv6 as 32 digits. */
async function addProcess(pid: string, inode: number, ipv4: string, ipv6?: string): Promise<void> {
  await mkdir(join(procfs, pid, "ns"), { recursive: true });
  await mkdir(join(procfs, pid, "net"), { recursive: true });
  await symlink(`net:[${inode}]`, join(procfs, pid, "ns/net"));
  await writeFile(join(procfs, pid, "net/fib_trie"), `  |-- ${ipv4}\n     /32 host LOCAL\n`);
  if (ipv6 !== undefined) {
    await writeFile(join(procfs, pid, "net/if_inet6"), `${ipv6} 03 40 00 80 eth0\n`);
  }
}

function mount(inode: number, path: string): void {
  mounts.push(`310 26 0:4 net:[${inode}] ${path} rw shared:160 - nsfs nsfs rw`);
}

async function look(change: Partial<NamespacesWorld> = {}) {
  const mountInfo = join(procfs, "mountinfo");
  await writeFile(mountInfo, `${mounts.join("\n")}\n`);
  return readLiveNamespaces(
    {
      procfs,
      mountInfo,
      interfaces: () => ({
        eth0: [
          {
            address: "203.0.113.9",
            netmask: "255.255.255.0",
            family: "IPv4",
            mac: "00:00:00:00:00:00",
            internal: false,
            cidr: null,
          },
          {
            address: "fe80::1%eth0",
            netmask: "ffff::",
            family: "IPv6",
            mac: "00:00:00:00:00:00",
            internal: false,
            cidr: null,
            scopeid: 2,
          },
        ],
      }),
      enter: async (request) => {
        entered.push(request.path);
        return enter(request);
      },
      ...change,
    },
    never,
  );
}

const addresses = async () => [...(await look()).addresses].toSorted();

describe("addresses in use", () => {
  it("are those of every namespace of a process, and the agent's own as Node tells them", async () => {
    await addProcess("20", 2, "10.42.0.7", "fd000000000000000000000000000007");
    await addProcess("21", 2, "10.42.0.7");
    await addProcess("30", 3, "10.42.0.8");
    expect(await addresses()).toEqual(["10.42.0.7", "10.42.0.8", "203.0.113.9", "fd00::7", "fe80::1"]);
    expect(entered).toEqual([]);
  });

  it("come from another process of the namespace if the first has ended", async () => {
    await addProcess("20", 2, "10.42.0.7");
    await rm(join(procfs, "20", "net"), { recursive: true });
    await addProcess("21", 2, "10.42.0.7");
    expect(await addresses()).toContain("10.42.0.7");
  });

  it("are in doubt if the only process can't be read through", async () => {
    await addProcess("20", 2, "10.42.0.7");
    await rm(join(procfs, "20", "net"), { recursive: true });
    await expect(look()).rejects.toThrow("look into 1 network namespaces: their processes ended meanwhile");
  });

  it("are in doubt if there is no mountinfo", async () => {
    await expect(look({ mountInfo: join(procfs, "none") })).rejects.toThrow("hostPID");
  });

  it("of a namespace that no process lives in are looked for inside", async () => {
    mount(5, "/run/netns/cni-5");
    enter = async ({ use, inode }) => {
      await addProcess("50", Number(inode), "10.42.0.9");
      expect(use(join(procfs, "50"))).toBe(true);
    };
    expect(await addresses()).toContain("10.42.0.9");
    expect(entered).toEqual(["/run/netns/cni-5"]);
  });

  it("of a process that turns out to be elsewhere do not count", async () => {
    mount(5, "/run/netns/cni-5");
    enter = async ({ use }) => {
      await addProcess("50", 6, "10.42.0.9");
      expect(use(join(procfs, "50"))).toBe(false);
    };
    expect(await addresses()).not.toContain("10.42.0.9");
  });

  it("are in doubt if that can't be done, which is tried more than once", async () => {
    mount(5, "/run/netns/cni-5");
    await expect(look()).rejects.toThrow("look into 1 network namespaces: nobody can");
    expect(entered.length).toBeGreaterThan(1);
  });

  it("are not looked for in a namespace that went away meanwhile", async () => {
    mount(5, "/run/netns/cni-5");
    enter = async () => {
      await writeFile(join(procfs, "mountinfo"), "");
      throw new Error("no such file");
    };
    expect(await addresses()).toEqual(["203.0.113.9", "fe80::1"]);
    expect(entered).toHaveLength(1);
  });

  it("of a namespace that is mounted twice are looked for once; the agent's own and inhabited ones not at all", async () => {
    mount(1, "/run/netns/host");
    mount(2, "/run/netns/two");
    mount(5, "/run/netns/cni-5");
    mount(5, "/run/netns/again");
    await addProcess("20", 2, "10.42.0.7");
    enter = async () => {};
    await look();
    expect(entered).toHaveLength(1);
  });
});

describe("mounted namespaces", () => {
  it("are named as the node does, with /run", async () => {
    mount(1, "/var/run/netns/cni-1");
    mount(1, "/run/netns/cni-2");
    expect((await look()).paths).toEqual(new Set(["/run/netns/cni-1", "/run/netns/cni-2"]));
  });
});
