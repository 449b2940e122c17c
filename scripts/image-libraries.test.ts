import { expect, test } from "vitest";
import { parseLoaderList } from "./image-libraries.ts";

test("the loader's list gives the libraries' paths, the loader's own too, and not the kernel's vdso", () => {
  const output = [
    "\tlinux-vdso.so.1 (0x00007f248cd83000)",
    "\tlibdl.so.2 => /lib/x86_64-linux-gnu/libdl.so.2 (0x00007f248cd76000)",
    "\tlibstdc++.so.6 => /lib/x86_64-linux-gnu/libstdc++.so.6 (0x00007f248ca00000)",
    "\t/lib64/ld-linux-x86-64.so.2 (0x00007f248cd85000)",
    "",
  ].join("\n");
  expect(parseLoaderList(output)).toEqual({
    kind: "complete",
    paths: [
      "/lib/x86_64-linux-gnu/libdl.so.2",
      "/lib/x86_64-linux-gnu/libstdc++.so.6",
      "/lib64/ld-linux-x86-64.so.2",
    ],
  });
});

test("libraries that the loader does not find are named", () => {
  const output =
    "\tlibatomic.so.1 => not found\n\tlibc.so.6 => /lib/libc.so.6 (0x01)\n\tlibz.so.1 => not found\n";
  expect(parseLoaderList(output)).toEqual({ kind: "incomplete", missing: ["libatomic.so.1", "libz.so.1"] });
});
