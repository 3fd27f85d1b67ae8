{{- /*
What the schema cannot say, as it is about two values. Without it helm would report success, and the API server refuse
Glance's next pod, or take one that cannot work.
*/}}
{{- define "sidecar.checks" -}}
{{- include "sidecar.check.ports" . -}}
{{- include "sidecar.check.paths" . -}}
{{- include "sidecar.check.resources" . -}}
{{- include "sidecar.check.env" . -}}
{{- include "sidecar.check.certificates" . -}}
{{- include "sidecar.check.injection" . -}}
{{- end }}

{{- define "sidecar.check.ports" -}}
{{- $taken := dict -}}
{{- if ne .Values.mode "standalone" -}}
{{- range .Values.glance.ports }}{{ $_ := set $taken (. | int64 | toString) "glance.ports" }}{{ end -}}
{{- end -}}
{{- range $name := list "peer" "ops" "health" -}}
{{- $port := get $.Values.ports $name | int64 | toString -}}
{{- with get $taken $port -}}
{{- fail (printf "ports.%s is %s, which %s has too; allowed: a port of the pod that nothing else has" $name $port .) -}}
{{- end -}}
{{- $_ := set $taken $port (printf "ports.%s" $name) -}}
{{- end -}}
{{- if .Values.ingest.enabled }}{{ include "sidecar.check.ingest" (dict "root" . "taken" $taken) }}{{ end -}}
{{- end }}

{{- /* The ingest may well have Glance's port, in front of it. Standalone, glance-api may be anywhere. */}}
{{- define "sidecar.check.ingest" -}}
{{- $ingest := .root.Values.ingest -}}
{{- $port := include "sidecar.ingestPort" .root -}}
{{- if and $port (not $ingest.secretName) -}}
{{- fail "ingest.secretName is empty; allowed: the name of a Secret with tls.crt and tls.key, as there is an ingest.port" -}}
{{- end -}}
{{- with get .taken $port -}}
{{- if hasPrefix "ports." . -}}
{{- fail (printf "ingest.port is %s, which %s has too; allowed: a port of the pod that nothing else has, or Glance's" $port .) -}}
{{- end -}}
{{- end -}}
{{- if ne .root.Values.mode "standalone" -}}
{{- if not (or $port (regexMatch "^http://127\\.0\\.0\\.1:[0-9]+$" $ingest.upstream)) -}}
{{- fail (printf "ingest.upstream is %s; allowed: http://127.0.0.1 with a port, which httpd opens, as there is no ingest.port" $ingest.upstream) -}}
{{- end -}}
{{- $behind := regexFind "[0-9]+/?$" $ingest.upstream | trimSuffix "/" -}}
{{- with eq $behind $port | ternary "ingest.port" (get .taken $behind) -}}
{{- fail (printf "ingest.upstream is %s, whose port %s has too; allowed: a port of the pod that nothing else has" $ingest.upstream .) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "sidecar.check.paths" -}}
{{- $mountPath := .Values.glance.volume.mountPath -}}
{{- if not (hasPrefix (printf "%s/" $mountPath) .Values.stagingDirectory) -}}
{{- fail (printf "stagingDirectory is %s; allowed: a directory below glance.volume.mountPath, %s" .Values.stagingDirectory $mountPath) -}}
{{- end -}}
{{- $own := list $mountPath .Values.stagingDirectory (include "sidecar.configDirectory" .) (include "sidecar.tlsDirectory" .) (include "sidecar.ingestTlsDirectory" .) -}}
{{- if has .Values.socketDirectory $own -}}
{{- fail (printf "socketDirectory is %s; allowed: a directory of its own, none of %s" .Values.socketDirectory (join ", " $own)) -}}
{{- end -}}
{{- if hasPrefix (printf "%s/" .Values.stagingDirectory) .Values.socketDirectory -}}
{{- fail (printf "socketDirectory is %s; allowed: a directory that is not below stagingDirectory, %s" .Values.socketDirectory .Values.stagingDirectory) -}}
{{- end -}}
{{- range append .Values.glance.copyMounts .Values.glance.caBundle -}}
{{- if has . (append $own $.Values.socketDirectory) -}}
{{- fail (printf "glance.copyMounts or caBundle has %s, where the sidecar has a mount of its own; allowed: other paths" .) -}}
{{- end -}}
{{- end -}}
{{- if has .Values.glance.volume.name (list "staging-sidecar-run" "staging-sidecar-config" "staging-sidecar-tls" "staging-sidecar-ingest-tls") -}}
{{- fail (printf "glance.volume.name is %s, as one of the sidecar's own volumes; allowed: the volume that has the staging directory" .Values.glance.volume.name) -}}
{{- end -}}
{{- if has "staging-sidecar" .Values.glance.containers -}}
{{- fail "glance.containers has staging-sidecar, which is the sidecar's; allowed: containers of Glance's" -}}
{{- end -}}
{{- end }}

{{- define "sidecar.check.resources" -}}
{{- include "sidecar.check.requests" (dict "at" "resources" "resources" (default dict .Values.resources)) -}}
{{- include "sidecar.check.requests" (dict "at" "injection.webhook.resources" "resources" (default dict .Values.injection.webhook.resources)) -}}
{{- with dig "limits" "memory" "" (default dict .Values.resources) -}}
{{- if lt (include "sidecar.number" . | float64) 536870912.0 -}}
{{- fail (printf "resources.limits.memory is %v; allowed: 512Mi or more, as a conversion takes half of it" .) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "sidecar.check.requests" -}}
{{- $limits := dig "limits" dict .resources -}}
{{- range $name, $request := dig "requests" dict .resources -}}
{{- $limit := get $limits $name -}}
{{- if hasKey $limits $name -}}
{{- if gt (include "sidecar.number" $request | float64) (include "sidecar.number" $limit | float64) -}}
{{- fail (printf "%s.requests.%s is %v; allowed: at most %s.limits.%s, %v" $.at $name $request $.at $name $limit) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- /* The daemon takes keys in any case. */}}
{{- define "sidecar.check.env" -}}
{{- range $name, $_ := .Values.env -}}
{{- if or (eq $name "STAGECTL_SERVER") (has (upper $name) (include "sidecar.managedVariables" $ | trim | splitList " ")) -}}
{{- fail (printf "env has %s, which the chart sets itself; allowed: variables that no other value sets" $name) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "sidecar.managedVariables" -}}
{{- $keys := "CONFIG HOSTING__SOCKETPATH HOSTING__OPSADDRESS HOSTING__HEALTHADDRESS STAGING__DIRECTORY STAGING__PODNAME" -}}
{{- $peers := "SERVICE PORTNAME PORT STATIC ADDRESS CERTIFICATEFILE KEYFILE AUTHORITYFILE ALLOWPLAINTEXT DRAINGRACE" -}}
{{- range splitList " " $keys }}SIDECAR_{{ . }} {{ end -}}
{{- range splitList " " $peers }}SIDECAR_PEERS__{{ . }} {{ end -}}
{{- range list "ADDRESS" "UPSTREAM" "CERTIFICATEFILE" "KEYFILE" }}SIDECAR_INGEST__{{ . }} {{ end -}}
{{- end }}

{{- /* As cert-manager judges it, which only says so in the Certificate's status. */}}
{{- define "sidecar.check.certificates" -}}
{{- $duration := include "sidecar.seconds" .Values.certificates.duration | int64 -}}
{{- $before := include "sidecar.seconds" .Values.certificates.renewBefore | int64 -}}
{{- if lt $duration 3600 -}}
{{- fail (printf "certificates.duration is %s; allowed: 1h or more" .Values.certificates.duration) -}}
{{- end -}}
{{- if or (lt $before 300) (ge $before $duration) -}}
{{- fail (printf "certificates.renewBefore is %s; allowed: 5m or more, and less than certificates.duration, %s" .Values.certificates.renewBefore .Values.certificates.duration) -}}
{{- end -}}
{{- end }}

{{- /* helm would say "no matches for kind", and nothing of the other methods. */}}
{{- define "sidecar.check.injection" -}}
{{- $version := .Capabilities.KubeVersion.Version -}}
{{- if and (eq .Values.mode "injection") (eq .Values.injection.method "policy") (not .Values.injection.apiVersion) (semverCompare "<1.32.0-0" $version) -}}
{{- fail (printf "injection.method is policy, which Kubernetes %s does not have; allowed: webhook or kyverno, or Kubernetes 1.32 or later (helm template --kube-version)" $version) -}}
{{- end -}}
{{- end }}
