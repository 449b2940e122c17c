{{/* Names are fixed: design and code rely on them. */}}
{{- define "nodelatch.name" -}}nodelatch{{- end }}
{{- define "nodelatch.webhook" -}}nodelatch-webhook{{- end }}

{{- define "nodelatch.agent" -}}nodelatch-agent{{- end }}

{{- define "nodelatch.selector" -}}
app.kubernetes.io/name: nodelatch
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: webhook
{{- end }}

{{- define "nodelatch.versionLabels" -}}
app.kubernetes.io/part-of: nodelatch
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}

{{- define "nodelatch.commonLabels" -}}
{{ include "nodelatch.versionLabels" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "nodelatch.labels" -}}
{{ include "nodelatch.selector" . }}
{{ include "nodelatch.commonLabels" . }}
{{- end }}

{{- define "nodelatch.agentSelector" -}}
app.kubernetes.io/name: nodelatch
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: agent
{{- end }}

{{- define "nodelatch.agentLabels" -}}
{{ include "nodelatch.agentSelector" . }}
{{ include "nodelatch.commonLabels" . }}
{{- end }}

{{/* Bare `on` and `off` in a values file are YAML 1.1 for true and false. */}}
{{- define "nodelatch.passMode" -}}
{{- if kindIs "bool" . }}{{ ternary "on" "off" . }}{{ else }}{{ . }}{{ end -}}
{{- end }}

{{/* Without the chart's version: a new chart alone is no reason to restart the pods. */}}
{{- define "nodelatch.podLabels" -}}
{{ include "nodelatch.selector" . }}
{{ include "nodelatch.versionLabels" . }}
{{- end }}

{{- define "nodelatch.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end }}

{{/* The Secret with the serving certificate, whoever fills it. One name per mode: a change of mode never meets the
     other mode's content. */}}
{{- define "nodelatch.certSecret" -}}
{{- if eq .Values.certs.mode "self" -}}
nodelatch-webhook-tls
{{- else if eq .Values.certs.mode "certManager" -}}
nodelatch-webhook-cert
{{- else -}}
{{ .Values.certs.existingSecret }}
{{- end -}}
{{- end }}

{{/* A bare `off` in a values file is YAML 1.1 for false. */}}
{{- define "nodelatch.guardMode" -}}
{{- .Values.guard.mode | default "off" -}}
{{- end }}

{{/* "true" when refused uncordons are kept on their nodes, which takes the right to patch nodes (webhook/lock-webhooks.ts). */}}
{{- define "nodelatch.keepsUncordons" -}}
{{- and .Values.guard.carryOutUncordons (eq (include "nodelatch.guardMode" .) "enforce") -}}
{{- end }}

{{/* Of everything that the guard is for: what becomes of a request when the webhook does not answer. */}}
{{- define "nodelatch.guardPolicy" -}}
{{- .Values.guard.failurePolicy | default (ternary "Fail" "Ignore" (eq (include "nodelatch.guardMode" .) "enforce")) -}}
{{- end }}

{{/* The reboot tools with their presets filled in, as JSON. By hand, because `merge` takes false for no value. */}}
{{- define "nodelatch.tools" -}}
{{- $presets := .Files.Get "tools/presets.yaml" | fromYaml -}}
{{- $tools := list -}}
{{- $seen := list -}}
{{- range .Values.tools -}}
{{- $tool := dict -}}
{{- if .preset -}}
{{- if not (hasKey $presets .preset) -}}
{{- fail (printf "tools: no preset %q; there are %s" .preset (keys $presets | sortAlpha | join ", ")) -}}
{{- end -}}
{{- $tool = set (deepCopy (omit (get $presets .preset) "tested")) "name" .preset -}}
{{- end -}}
{{- range $field, $value := omit . "preset" -}}
{{- $_ := set $tool $field $value -}}
{{- end -}}
{{- range $field := list "name" "username" -}}
{{- $mark := printf "%s %q" $field (get $tool $field) -}}
{{- if has $mark $seen -}}
{{- fail (printf "tools: %s is given twice; expected it once" $mark) -}}
{{- end -}}
{{- $seen = append $seen $mark -}}
{{- end -}}
{{- $tools = append $tools $tool -}}
{{- end -}}
{{- toJson $tools -}}
{{- end }}

{{/* A CEL list of the tools' users. */}}
{{- define "nodelatch.toolUsers" -}}
{{- $users := list -}}
{{- range include "nodelatch.tools" . | fromJsonArray -}}
{{- $users = append $users (squote .username) -}}
{{- end -}}
[{{ join ", " $users }}]
{{- end }}

{{/* A CEL list of the annotations by which tools take and end locks. */}}
{{- define "nodelatch.toolAnnotations" -}}
{{- $keys := list -}}
{{- range include "nodelatch.tools" . | fromJsonArray -}}
{{- if kindIs "map" .lockOn -}}{{- $keys = append $keys (squote .lockOn.annotationAdded) -}}{{- end -}}
{{- if kindIs "map" .releaseOn -}}{{- $keys = append $keys (squote .releaseOn.annotationRemoved) -}}{{- end -}}
{{- end -}}
[{{ $keys | uniq | join ", " }}]
{{- end }}

{{- define "nodelatch.prepullMode" -}}
{{- .Values.prepull.mode | default "off" -}}
{{- end }}

{{/* "true" when the webhook itself writes its CA into the two configurations. */}}
{{- define "nodelatch.injectCA" -}}
{{- $byOthers := or (eq .Values.certs.mode "certManager") (not (empty .Values.certs.caBundle)) -}}
{{- ternary "false" "true" $byOthers -}}
{{- end }}

{{/* One entry of `webhooks:`: what registrations/ says about it, and what values say. Takes root, file, path,
     failurePolicy, timeoutSeconds. Without caBundle where the webhook registers it: an upgrade then leaves it alone. */}}
{{- define "nodelatch.registration" -}}
{{- $service := dict "namespace" .root.Release.Namespace "name" (include "nodelatch.webhook" .root) "path" .path "port" 443 -}}
{{- $client := dict "service" $service -}}
{{- with .root.Values.certs.caBundle -}}
{{- $_ := set $client "caBundle" (b64enc .) -}}
{{- end -}}
{{- $text := .root.Files.Get .file | replace "NODELATCH_TOOL_USERS" (include "nodelatch.toolUsers" .root) -}}
{{- $entry := $text | replace "NODELATCH_TOOL_ANNOTATIONS" (include "nodelatch.toolAnnotations" .root) | fromYaml -}}
{{- $_ := set $entry "clientConfig" $client -}}
{{- $_ := set $entry "failurePolicy" .failurePolicy -}}
{{- $_ := set $entry "timeoutSeconds" .timeoutSeconds -}}
{{- toYaml $entry -}}
{{- end }}

{{/* What a schema cannot say: values that contradict each other. */}}
{{- define "nodelatch.validate" -}}
{{- $v := .Values -}}
{{- if and (eq $v.certs.mode "existingSecret") (empty $v.certs.existingSecret) -}}
{{- fail "certs.existingSecret: \"\" with certs.mode existingSecret; name the Secret that holds tls.crt and tls.key" -}}
{{- end -}}
{{- if and (ne $v.certs.mode "existingSecret") $v.certs.existingSecret -}}
{{- fail (printf "certs.existingSecret: %q is not used with certs.mode %s; set certs.mode existingSecret" $v.certs.existingSecret $v.certs.mode) -}}
{{- end -}}
{{- if and (ne $v.certs.mode "existingSecret") $v.certs.caBundle -}}
{{- fail (printf "certs.caBundle is not used with certs.mode %s; set certs.mode existingSecret" $v.certs.mode) -}}
{{- end -}}
{{- if eq (int $v.webhook.port) (int $v.webhook.probePort) -}}
{{- fail (printf "webhook.port and webhook.probePort are both %d; choose two ports" (int $v.webhook.port)) -}}
{{- end -}}
{{- if and $v.metrics.serviceMonitor.enabled (not $v.metrics.service) -}}
{{- fail "metrics.serviceMonitor.enabled needs metrics.service: true, the port that it reads" -}}
{{- end -}}
{{- end }}

{{/* The right to write Events about nodes. Takes name, namespace (of the ServiceAccount) and labels. */}}
{{- define "nodelatch.eventsRole" -}}
# Events about nodes, which have no namespace, live in the namespace default.
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {{ .name }}-events
  namespace: default
  labels: {{- .labels | nindent 4 }}
rules:
  - apiGroups: [""]
    resources: ["events"]
    verbs: ["create", "patch"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ .name }}-events
  namespace: default
  labels: {{- .labels | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ .name }}-events
subjects:
  - kind: ServiceAccount
    name: {{ .name }}
    namespace: {{ .namespace }}
{{- end }}
