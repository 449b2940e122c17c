/** Where bench and surroundings meet, below the folder that stands for the node's root. */
export const SOCKET = "run/containerd/containerd.sock";
export const KUBECONFIG = "kubeconfig";
export const NODE_NAME = "n1";
