/** Where bench and surroundings meet, below the folder that stands for the node's root. */
export const SOCKET = "run/containerd/containerd.sock";
export const BUS = "run/dbus/system_bus_socket";
export const INHIBIT = "inhibit";
export const KUBECONFIG = "kubeconfig";
export const NODE_NAME = "n1";
/** Of the agent's own pod, by whose sandbox it knows the runtime for kubelet's. */
export const AGENT_UID = "d0b0c2a4-0000-4000-8000-000000000001";
