/** Where bench and surroundings meet, below the folder that stands for the node's root. */
export const SOCKET = "run/containerd/containerd.sock";
export const BUS = "run/dbus/system_bus_socket";
export const INHIBIT = "inhibit";
export const KUBECONFIG = "kubeconfig";
export const NODE_NAME = "n1";
