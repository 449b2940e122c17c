{{/* CEL that both policies evaluate. The record is canonical JSON of the latch: keys in alphabetical order, no spaces. In
     JSON a quotation mark inside of a text has a backslash before it, so what stands between bare ones is never a holder's
     or a reason's own words. */}}

{{/* A text as it stands in JSON. Takes the CEL of the text. */}}
{{- define "nodelatch.celJson" -}}
({{ . }}).replace('\\', '\\\\').replace('"', '\\"')
{{- end }}

{{/* Variables: `lock`, the stored record; `node`, of the pod whose token was used, "" if none or not one; `released`, the
     request takes the lock away; `rebooted`, the proof that the node's own agent needs. */}}
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
{{- end }}
