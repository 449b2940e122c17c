{{/* What the policies have in common. The record is canonical JSON of the latch: keys in alphabetical order, no spaces. In
     JSON a quotation mark inside of a text has a backslash before it, so what stands between bare ones is never a holder's
     or a reason's own words. */}}

{{/* A text as it stands in JSON. Takes the CEL of the text. */}}
{{- define "nodelatch.celJson" -}}
({{ . }}).replace('\\', '\\\\').replace('"', '\\"')
{{- end }}

{{/* Variables: `lock`, the stored record; `node`, of the pod whose token was used, "" if none or not one; `released`, the
     request takes the lock away; `rebooted`, the proof that the node's own agent needs; `mayUncordon`, whether it may end
     the cordon with the lock: one that the lock found stays, unless a refused uncordon that is kept asks for its end. */}}
{{- define "nodelatch.celVariables" -}}
- name: lock
  expression: >-
    oldObject.?metadata.?annotations[?'nodelatch.io/reboot-lock'].orValue('')
- name: nodeNames
  expression: >-
    request.userInfo.?extra[?'authentication.kubernetes.io/node-name'].orValue([])
- name: node
  expression: >-
    variables.nodeNames.size() == 1 ? variables.nodeNames[0] : ''
- name: released
  expression: >-
    request.operation == 'UPDATE'
    && oldObject.?metadata.?annotations[?'nodelatch.io/reboot-lock'].hasValue()
    && !object.?metadata.?annotations[?'nodelatch.io/reboot-lock'].hasValue()
- name: boot
  expression: >-
    {{ include "nodelatch.celJson" "oldObject.?status.?nodeInfo.?bootID.orValue('')" }}
- name: rebooted
  expression: >-
    variables.boot != ''
    && variables.lock.contains(',"release":"reboot",')
    && variables.lock.contains(',"nodeUID":"' + oldObject.?metadata.?uid.orValue('') + '",')
    && variables.lock.contains(',"bootID":"')
    && !variables.lock.contains(',"bootID":"",')
    && !variables.lock.contains(',"bootID":"' + variables.boot + '",')
- name: mayUncordon
  expression: >-
    !variables.lock.contains(',"wasUnschedulable":true')
    || oldObject.?metadata.?annotations[?'nodelatch.io/uncordon-requested'].hasValue()
{{- end }}

{{/* For the policies of Nodelatch's own programs: every write of a Node and of what is below it. */}}
{{- define "nodelatch.celNodeWrites" -}}
matchPolicy: Equivalent
resourceRules:
  - apiGroups: [""]
    apiVersions: ["v1"]
    resources: ["nodes", "nodes/*"]
    operations: ["*"]
    scope: Cluster
{{- end }}

{{/* Variables: the annotations `before` and `after` the request. */}}
{{- define "nodelatch.celAnnotations" -}}
- name: before
  expression: oldObject.?metadata.?annotations.orValue({})
- name: after
  expression: object.?metadata.?annotations.orValue({})
{{- end }}

{{/* Validations: only updates, only of Nodes themselves, and never of labels, finalizers or owners. The API server changes
     managedFields, generation and resourceVersion by itself. Takes who the program is, for the words. The reason matters:
     without one the answer would be 422, which also says that a JSON patch's `test` has failed. */}}
{{- define "nodelatch.celOwnWrites" -}}
- expression: request.operation == 'UPDATE' && request.?subResource.orValue('') == ''
  message: the {{ . }} may only change Nodes, and nothing below them
  reason: Forbidden
- expression: >-
    object.?metadata.?labels == oldObject.?metadata.?labels
    && object.?metadata.?finalizers == oldObject.?metadata.?finalizers
    && object.?metadata.?ownerReferences == oldObject.?metadata.?ownerReferences
  message: the {{ . }} may not change labels, finalizers or owners of Nodes
  reason: Forbidden
{{- end }}
