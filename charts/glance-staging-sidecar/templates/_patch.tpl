{{- /*
What a pod of Glance's is given, as data. The admission policy and the patch are both made from this, so that they
cannot differ.
*/}}
{{- define "sidecar.patch" -}}
terminationGracePeriodSeconds: {{ include "sidecar.gracePeriod" . }}
volumes:
  {{- include "sidecar.volumes" . | nindent 2 }}
initContainers:
  - {{ include "sidecar.container" (dict "root" . "volume" .Values.glance.volume.name) | nindent 4 | trim }}
    restartPolicy: Always
containers:
  {{- range .Values.glance.containers }}
  - name: {{ . }}
    volumeMounts:
      - name: staging-sidecar-run
        mountPath: {{ $.Values.socketDirectory }}
  {{- end }}
{{- end }}

{{- /*
The paths at which the sidecar has mounts of its own, each also as others may have written it.
*/}}
{{- define "sidecar.ownPaths" -}}
{{- $paths := list -}}
{{- range list .Values.glance.volume.mountPath .Values.socketDirectory (include "sidecar.configDirectory" .) (include "sidecar.tlsDirectory" .) -}}
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

{{- /*
Data as a CEL literal: objects are messages named after their path, but for those that are maps of strings.
Takes path, value and depth.
*/}}
{{- define "sidecar.cel" -}}
{{- $path := .path -}}
{{- $depth := int .depth -}}
{{- $pad := repeat $depth "  " -}}
{{- if kindIs "map" .value -}}
{{- $strings := has (last (splitList "." $path)) (list "limits" "requests") -}}
{{- $fields := list -}}
{{- range $key, $value := .value -}}
{{- $literal := include "sidecar.cel" (dict "path" (printf "%s.%s" $path $key) "value" $value "depth" (add1 $depth)) -}}
{{- $fields = append $fields (printf "%s  %s: %s" $pad ($strings | ternary (toJson $key) $key) $literal) -}}
{{- end -}}
{{- if not $strings }}{{ $path }}{{ end -}}
{{- if $fields }}{{ printf "{\n%s\n%s}" (join ",\n" $fields) $pad }}{{ else }}{}{{ end -}}
{{- else if kindIs "slice" .value -}}
{{- $items := list -}}
{{- range .value -}}
{{- $items = append $items (include "sidecar.cel" (dict "path" $path "value" . "depth" $depth)) -}}
{{- end -}}
[{{ join ", " $items }}]
{{- else -}}
{{ toJson .value }}
{{- end -}}
{{- end }}
