{{- /*
What objects are named after. A release's name may have dots, and begin with a digit, which a Service's may not. As names
such as 123 and on are no strings in YAML, every use is quoted.
*/}}
{{- define "sidecar.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default "glance-staging" .Values.nameOverride -}}
{{- $release := .Release.Name | replace "." "-" -}}
{{- $parts := list $release $name -}}
{{- if regexMatch "^[0-9]" $release }}{{ $parts = list $name $release }}
{{- else if contains $name $release }}{{ $parts = list $release }}{{ end -}}
{{- join "-" $parts | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{- /* Cluster-wide objects of two releases must not meet: a dot is in no namespace's name. */}}
{{- define "sidecar.clusterName" -}}
{{ .Release.Namespace }}.{{ include "sidecar.fullname" . }}
{{- end }}

{{- define "sidecar.ownLabels" -}}
app.kubernetes.io/name: glance-staging-sidecar
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "sidecar.labels" -}}
{{ include "sidecar.ownLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | quote }}
{{- end }}

{{- /* Labels of the pods that have the sidecar, whoever made them. */}}
{{- define "sidecar.podLabels" -}}
{{- if eq .Values.mode "standalone" }}{{ include "sidecar.ownLabels" . }}
{{- else }}{{ toYaml .Values.glance.podLabels }}{{ end -}}
{{- end }}

{{- /* The headless Service by which the peers find each other; as the pods know it. */}}
{{- define "sidecar.serviceHost" -}}
{{ include "sidecar.fullname" . }}.{{ .Release.Namespace }}.svc
{{- end }}

{{- define "sidecar.secretName" -}}
{{- if eq .Values.certificates.source "secret" -}}
{{- required "certificates.secretName is empty; allowed: the name of a Secret with tls.crt, tls.key and ca.crt, as certificates.source is secret" .Values.certificates.secretName -}}
{{- else -}}
{{- default (printf "%s-tls" (include "sidecar.fullname" .)) .Values.certificates.secretName -}}
{{- end -}}
{{- end }}

{{- define "sidecar.image" -}}
{{- if .Values.image.digest }}{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else }}{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}{{ end -}}
{{- end }}

{{- /* preStop counts against it, so it has to last for the drain, and then for stopping. */}}
{{- define "sidecar.gracePeriod" -}}
{{- if .Values.drain.enabled }}{{ add (int .Values.drain.graceSeconds) (int .Values.drain.handOverSeconds) 30 }}
{{- else }}30{{ end -}}
{{- end }}

{{- /* The newest version of a kind that the cluster serves. Takes root, group and kind. */}}
{{- define "sidecar.admissionVersion" -}}
{{- $found := .root.Values.injection.apiVersion -}}
{{- range list "v1" "v1beta1" "v1alpha1" -}}
{{- $version := printf "%s/%s" $.group . -}}
{{- if and (not $found) ($.root.Capabilities.APIVersions.Has (printf "%s/%s" $version $.kind)) -}}
{{- $found = $version -}}
{{- end -}}
{{- end -}}
{{ default (printf "%s/v1" .group) $found }}
{{- end }}

{{- /* Of the pods that serve the webhook. */}}
{{- define "sidecar.webhookLabels" -}}
{{ include "sidecar.ownLabels" . }}
app.kubernetes.io/component: webhook
{{- end }}

{{- define "sidecar.webhookSecretName" -}}
{{- $certificates := .Values.injection.webhook.certificates -}}
{{- if eq $certificates.source "secret" -}}
{{- required "injection.webhook.certificates.secretName is empty; allowed: the name of a Secret with tls.crt and tls.key, as source is secret" $certificates.secretName -}}
{{- else -}}
{{- default (printf "%s-webhook-tls" (include "sidecar.fullname" .)) $certificates.secretName -}}
{{- end -}}
{{- end }}
