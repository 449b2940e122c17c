import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { BOOT_ID_FILE, parseBootID, readBootID } from "./boot-id.ts";
import { readBootMarker, writeBootMarker } from "./boot-marker.ts";
import { judgeBoot } from "./sighting.ts";

const first = "0f8c1d9e-6a3b-4c55-9a70-3c1b2d4e5f60";
const second = "7b1e44aa-0c0d-4e9f-8d21-aa55bb66cc77";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nodelatch-boot-"));
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

describe("the boot ID", () => {
  test("this machine's is read and does not change", async () => {
    const read = await readBootID();
    expect(read.kind).toBe("known");
    expect(await readBootID(BOOT_ID_FILE)).toEqual(read);
  });

  test.each([
    ["as the kernel prints it", `${first}\n`, first],
    ["without the line end", first, first],
    ["upper case", first.toUpperCase(), undefined],
    ["all zeros", "00000000-0000-0000-0000-000000000000\n", undefined],
    ["empty", "", undefined],
    ["two lines", `${first}\n${second}\n`, undefined],
    ["text around it", ` ${first}`, undefined],
    ["a machine ID", "0f8c1d9e6a3b4c559a703c1b2d4e5f60\n", undefined],
  ])("%s", (_what, text, bootID) => {
    expect(parseBootID(text)).toBe(bootID);
  });

  test("what is there instead of one is named", async () => {
    await writeFile(join(folder, "id"), "garbage\n");
    expect(await readBootID(join(folder, "id"))).toEqual({
      kind: "unknown",
      reason: `${join(folder, "id")} holds "garbage\\n"; expected a UUID that is not zero`,
    });
    const none = await readBootID(join(folder, "none"));
    expect(none.kind === "unknown" && none.reason).toMatch(/not exist/);
    const directory = await readBootID(folder);
    expect(directory.kind === "unknown" && directory.reason).toMatch(/EISDIR/);
  });
});

describe("the marker", () => {
  test("what was written is read, in a directory that was not there", async () => {
    const path = join(folder, "run", "nodelatch", "boot");
    expect(await readBootMarker(path)).toEqual({ kind: "absent" });
    await writeBootMarker(path, first);
    expect(await readBootMarker(path)).toEqual({ kind: "marked", bootID: first });
    await writeBootMarker(path, second);
    expect(await readBootMarker(path)).toEqual({ kind: "marked", bootID: second });
  });

  test.each(["", "0f8c1d9e-6a3b", "{}", `${first} `])("%j is corrupt, not absent", async (text) => {
    await writeFile(join(folder, "boot"), text);
    expect((await readBootMarker(join(folder, "boot"))).kind).toBe("corrupt");
  });

  test("so is a directory in its place, or a link to itself", async () => {
    await mkdir(join(folder, "boot"));
    expect((await readBootMarker(join(folder, "boot"))).kind).toBe("corrupt");
    await symlink("loop", join(folder, "loop"));
    expect((await readBootMarker(join(folder, "loop"))).kind).toBe("corrupt");
  });
});

describe("whether this boot was seen before", () => {
  const now = { kind: "known", bootID: second } as const;
  const absent = { kind: "absent" } as const;
  const marked = (bootID: string) => ({ kind: "marked", bootID }) as const;

  test.each([
    ["nothing noted anywhere", absent, undefined, { kind: "first-sight", bootID: second }],
    ["the marker of this boot", marked(second), undefined, { kind: "same-boot", bootID: second }],
    [
      "the marker of another boot, on a disk instead of a tmpfs",
      marked(first),
      undefined,
      { kind: "new-boot", bootID: second, previousBootID: first },
    ],
    [
      "the marker wiped by the reboot, the journal of the boot before",
      absent,
      first,
      { kind: "new-boot", bootID: second, previousBootID: first },
    ],
    ["the marker wiped by hand", absent, second, { kind: "same-boot", bootID: second }],
    [
      "a marker that is newer than the journal (the disk was full)",
      marked(second),
      first,
      { kind: "same-boot", bootID: second },
    ],
    [
      "a corrupt marker, whatever the journal says",
      { kind: "corrupt", reason: "half" } as const,
      second,
      { kind: "unknown", reason: "half", bootID: second },
    ],
  ])("%s", (_what, marker, journalBootID, sighting) => {
    expect(judgeBoot(now, marker, journalBootID)).toEqual(sighting);
  });

  test("without a boot ID nothing is concluded, even from equal notes", () => {
    expect(judgeBoot({ kind: "unknown", reason: "no /proc" }, marked(first), first)).toEqual({
      kind: "unknown",
      reason: "no /proc",
      bootID: undefined,
    });
  });
});
