{{- /*
What injection does to a pod, as data. The admission policy, Kyverno's and the webhook are all made from this, so that they
cannot differ.

  stagingVolume, containers  of Glance's pod
  hiding                     paths at which another volume would hide the staging directory from the sidecar
  socket                     the same of the socket's directory
  copied                     paths whose mounts the sidecar takes over, but for those at "own"
  patch                      what is added; see sidecar.patch
  obstacles                  why a pod gets nothing but an annotation that says so
*/}}
{{- define "sidecar.injection" -}}
{{- $patch := include "sidecar.patch" . | fromYaml -}}
{{- $hiding := list -}}
{{- $at := .Values.stagingDirectory -}}
{{- range splitList "/" (trimPrefix .Values.glance.volume.mountPath .Values.stagingDirectory) -}}
{{- $hiding = concat $hiding (list $at (printf "%s/" $at)) -}}
{{- $at = dir $at -}}
{{- end -}}
stagingVolume: {{ .Values.glance.volume.name | quote }}
containers: {{ toJson .Values.glance.containers }}
hiding: {{ toJson $hiding }}
socket: {{ list .Values.socketDirectory (printf "%s/" .Values.socketDirectory) | toJson }}
copied: {{ include "sidecar.copiedPaths" . }}
own: {{ include "sidecar.ownPaths" . }}
patch: {{ toJson $patch }}
{{- $names := list }}
{{- range $patch.volumes }}{{ $names = append $names .name }}{{ end }}
obstacles:
  volumes: {{ printf "The pod has a volume of its own called as one of the sidecar's (%s)." (join ", " $names) | quote }}
  hidden: {{ printf "Another volume than %s is mounted at or above %s, so that the sidecar would not see what Glance stages." .Values.glance.volume.name .Values.stagingDirectory | quote }}
  socket: {{ printf "Something else is mounted at %s, where Glance is to find the sidecar's socket." .Values.socketDirectory | quote }}
{{- end }}

{{- /* The paths at which the sidecar has mounts of its own, each also as others may have written it. */}}
{{- define "sidecar.ownPaths" -}}
{{- $paths := list -}}
{{- $own := list .Values.glance.volume.mountPath .Values.socketDirectory (include "sidecar.configDirectory" .) (include "sidecar.tlsDirectory" .) -}}
{{- if include "sidecar.ingestPort" . }}{{ $own = append $own (include "sidecar.ingestTlsDirectory" .) }}{{ end -}}
{{- range $own -}}
{{- $paths = concat $paths (list . (printf "%s/" .)) -}}
{{- end -}}
{{ toJson $paths }}
{{- end }}

{{- /* The paths whose mounts an injected sidecar takes over. */}}
{{- define "sidecar.copiedPaths" -}}
{{- $paths := .Values.glance.copyMounts -}}
{{- with .Values.glance.caBundle }}{{ $paths = append $paths . }}{{ end -}}
{{ toJson $paths }}
{{- end }}
