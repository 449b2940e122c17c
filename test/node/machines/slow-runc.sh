#!/bin/sh
# runc, but creating a container (no sandbox) of a pod named in the file hangs as long as the file is there, and then
# fails: whoever asked for it has gone by then.
real=/run/nodelatch-test/runc
held=/run/nodelatch-test/held-pods

bundle=
create=
previous=
for word in "$@"; do
  [ "$previous" = --bundle ] && bundle=$word
  [ "$word" = create ] && create=yes
  previous=$word
done
if [ -n "$create" ] && [ -e "$held" ] && grep -q '"io.kubernetes.cri.container-type":"container"' "$bundle/config.json"; then
  pod=$(sed -n 's/.*"io.kubernetes.cri.sandbox-name":"\([^"]*\)".*/\1/p' "$bundle/config.json")
  if grep -qx "$pod" "$held"; then
    while [ -e "$held" ]; do sleep 0.1; done
    echo "held by a test" >&2
    exit 1
  fi
fi
exec "$real" "$@"
