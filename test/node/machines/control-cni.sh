#!/bin/sh
# The last CNI plugin of a machine: control-cni.ts. Plugins get a PATH of the runtime's choice.
exec /run/nodelatch-test/node /run/nodelatch-test/control-cni.mts
