{{- define "sidecar.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default "glance-staging" .Values.nameOverride -}}
{{- if contains $name .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}{{ printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" }}{{ end -}}
{{- end -}}
{{- end }}

{{- /* Cluster-wide objects of two releases must not meet. */}}
{{- define "sidecar.clusterName" -}}
{{ .Release.Namespace }}-{{ include "sidecar.fullname" . }}
{{- end }}

{{- define "sidecar.ownLabels" -}}
app.kubernetes.io/name: glance-staging-sidecar
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "sidecar.labels" -}}
{{ include "sidecar.ownLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
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

{{- define "sidecar.admissionVersion" -}}
{{- $found := .Values.injection.apiVersion -}}
{{- range list "v1" "v1beta1" "v1alpha1" -}}
{{- $version := printf "admissionregistration.k8s.io/%s" . -}}
{{- if and (not $found) ($.Capabilities.APIVersions.Has (printf "%s/MutatingAdmissionPolicy" $version)) -}}
{{- $found = $version -}}
{{- end -}}
{{- end -}}
{{ default "admissionregistration.k8s.io/v1" $found }}
{{- end }}
