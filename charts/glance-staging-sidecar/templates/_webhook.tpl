{{- define "sidecar.webhookConfig" -}}
{{- $ports := .Values.injection.webhook.ports -}}
{{- $tls := include "sidecar.tlsDirectory" . -}}
{{- dict "Webhook" (dict
  "Address" (printf "*:%d" (int $ports.webhook))
  "OpsAddress" (printf "*:%d" (int $ports.ops))
  "CertificateFile" (printf "%s/tls.crt" $tls)
  "KeyFile" (printf "%s/tls.key" $tls)
  "InjectionFile" (printf "%s/injection.json" (include "sidecar.configDirectory" .))) | toPrettyJson -}}
{{- end }}

{{- define "sidecar.webhookContainer" -}}
{{- $webhook := .Values.injection.webhook -}}
name: webhook
image: {{ include "sidecar.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
command: [/usr/local/bin/glance-staging-sidecar, webhook]
args: [--config, {{ include "sidecar.configDirectory" . }}/webhook.json]
ports:
  - name: webhook
    containerPort: {{ $webhook.ports.webhook | int64 }}
    protocol: TCP
  - name: ops
    containerPort: {{ $webhook.ports.ops | int64 }}
    protocol: TCP
livenessProbe:
  httpGet:
    path: /healthz
    port: ops
  periodSeconds: 10
  timeoutSeconds: 5
readinessProbe:
  httpGet:
    path: /readyz
    port: ops
  periodSeconds: 5
  timeoutSeconds: 5
# API servers hear with a delay that a pod goes; until then it answers.
lifecycle:
  preStop:
    exec:
      command: [/usr/bin/sleep, "5"]
{{- with $webhook.resources }}
resources:
  {{- include "sidecar.resources" . | trim | nindent 2 }}
{{- end }}
securityContext:
  readOnlyRootFilesystem: true
  allowPrivilegeEscalation: false
  capabilities:
    drop: [ALL]
terminationMessagePolicy: FallbackToLogsOnError
volumeMounts:
  - name: config
    mountPath: {{ include "sidecar.configDirectory" . }}
    readOnly: true
  - name: tls
    mountPath: {{ include "sidecar.tlsDirectory" . }}
    readOnly: true
{{- end }}
