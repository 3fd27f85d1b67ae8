{{- /*
The sidecar's container and volumes: the same for a pod that the chart makes, for the admission policy and the patch.
What the API server would fill in is written out, so that the pods of all modes are the same to the last field. Numbers in values are
floating-point ones, which a template would write as 1e+06: hence int64.
*/}}
{{- define "sidecar.container" -}}
{{- $probes := .root.Values.probes -}}
{{- $health := .root.Values.ports.health -}}
name: staging-sidecar
image: {{ include "sidecar.image" .root | quote }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
command: [/usr/local/bin/glance-staging-sidecar]
args: [--config, {{ include "sidecar.configDirectory" .root }}/sidecar.json]
env:
  - name: SIDECAR_Staging__PodName
    valueFrom:
      fieldRef:
        apiVersion: v1
        fieldPath: metadata.name
  - name: STAGECTL_SERVER
    value: unix:{{ include "sidecar.socket" .root }}
  {{- if and (ne .root.Values.mode "standalone") .root.Values.glance.caBundle (not (hasKey .root.Values.env "SSL_CERT_FILE")) }}
  - name: SSL_CERT_FILE
    value: {{ .root.Values.glance.caBundle }}
  {{- end }}
  {{- if and (dig "limits" "memory" "" (default dict .root.Values.resources)) (not (hasKey .root.Values.env "DOTNET_GCHeapHardLimitPercent")) }}
  - name: DOTNET_GCHeapHardLimitPercent
    value: "28" # hexadecimal: 40 per cent; see sidecar.memory
  {{- end }}
  {{- range $name, $value := .root.Values.env }}
  - name: {{ $name | quote }}
    value: {{ $value | quote }}
  {{- end }}
ports:
  {{- if .root.Values.peers.enabled }}
  - name: peer
    containerPort: {{ .root.Values.ports.peer | int64 }}
    protocol: TCP
  {{- end }}
  - name: ops
    containerPort: {{ .root.Values.ports.ops | int64 }}
    protocol: TCP
  - name: health
    containerPort: {{ .root.Values.ports.health | int64 }}
    protocol: TCP
  {{- with include "sidecar.ingestPort" .root }}
  - name: ingest
    containerPort: {{ . }}
    protocol: TCP
  {{- end }}
startupProbe:
  {{- include "sidecar.probe" (dict "port" $health "service" "liveness" "times" $probes.startup) | nindent 2 }}
livenessProbe:
  {{- include "sidecar.probe" (dict "port" $health "service" "liveness" "times" $probes.liveness) | nindent 2 }}
{{- if .root.Values.probes.readiness.enabled }}
readinessProbe:
  {{- include "sidecar.probe" (dict "port" $health "service" "readiness" "times" $probes.readiness) | nindent 2 }}
{{- end }}
{{- if .root.Values.drain.enabled }}
lifecycle:
  preStop:
    exec:
      command: [/usr/local/bin/stagectl, drain, --grace, {{ .root.Values.drain.graceSeconds | int64 }}s]
{{- end }}
{{- with .root.Values.resources }}
resources:
  {{- include "sidecar.resources" . | trim | nindent 2 }}
{{- end }}
securityContext:
  {{- with include "sidecar.identity" .root | trim }}{{ . | nindent 2 }}{{ end }}
  runAsNonRoot: true
  readOnlyRootFilesystem: true
  allowPrivilegeEscalation: false
  capabilities:
    drop: [ALL]
  seccompProfile:
    type: RuntimeDefault
terminationMessagePath: /dev/termination-log
terminationMessagePolicy: FallbackToLogsOnError
volumeMounts:
  - name: {{ .volume | quote }}
    mountPath: {{ .root.Values.glance.volume.mountPath }}
  - name: staging-sidecar-run
    mountPath: {{ .root.Values.socketDirectory }}
  - name: staging-sidecar-config
    mountPath: {{ include "sidecar.configDirectory" .root }}
    readOnly: true
  {{- if .root.Values.peers.enabled }}
  - name: staging-sidecar-tls
    mountPath: {{ include "sidecar.tlsDirectory" .root }}
    readOnly: true
  {{- end }}
  {{- if include "sidecar.ingestPort" .root }}
  - name: staging-sidecar-ingest-tls
    mountPath: {{ include "sidecar.ingestTlsDirectory" .root }}
    readOnly: true
  {{- end }}
  {{- if eq .root.Values.mode "snippet" }}
  {{- with .root.Values.snippet.mounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- end }}
{{- end }}

{{- define "sidecar.resources" -}}
{{- range $kind, $quantities := . }}
{{ $kind }}:
  {{- range $name, $quantity := $quantities }}
  {{ $name }}: {{ include "sidecar.quantity" $quantity | quote }}
  {{- end }}
{{- end }}
{{- end }}

{{- /* Without one the pod's counts, or what the cluster gives out. */}}
{{- define "sidecar.identity" -}}
{{- with .Values.identity.user }}
runAsUser: {{ . | int64 }}
{{- end }}
{{- with .Values.identity.group }}
runAsGroup: {{ . | int64 }}
{{- end }}
{{- end }}

{{- define "sidecar.probe" -}}
grpc:
  port: {{ .port | int64 }}
  service: {{ .service }}
periodSeconds: {{ .times.periodSeconds | int64 }}
timeoutSeconds: {{ .times.timeoutSeconds | int64 }}
failureThreshold: {{ .times.failureThreshold | int64 }}
successThreshold: 1
{{- end }}

{{- /* Where pods of the chart's own run; as in a pod. */}}
{{- define "sidecar.scheduling" -}}
{{- range $field := list "nodeSelector" "tolerations" "affinity" "priorityClassName" "topologySpreadConstraints" }}
{{- with get $ $field }}
{{ $field }}: {{ toJson . }}
{{- end }}
{{- end }}
{{- end }}

{{- define "sidecar.volumes" -}}
- name: staging-sidecar-run
  emptyDir: {}
- name: staging-sidecar-config
  configMap:
    name: {{ include "sidecar.fullname" . | quote }}
    defaultMode: 292 # 0444
{{- if .Values.peers.enabled }}
- name: staging-sidecar-tls
  secret:
    secretName: {{ include "sidecar.secretName" . | quote }}
    defaultMode: 288 # 0440; Glance's group comes from fsGroup
{{- end }}
{{- if include "sidecar.ingestPort" . }}
- name: staging-sidecar-ingest-tls
  secret:
    secretName: {{ .Values.ingest.secretName | quote }}
    defaultMode: 288
{{- end }}
{{- end }}
