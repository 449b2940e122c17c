import cluster from "../cluster/vitest.config.ts";

/** As the cluster's tests, one file after the other; kured's own waits alone are minutes. */
export default {
  ...cluster,
  test: {
    ...cluster.test,
    include: ["test/real-kured/*.kured.ts"],
    testTimeout: 900_000,
    hookTimeout: 400_000,
  },
};
