{{- /* Where the chart puts things in the container. */}}
{{- define "sidecar.configDirectory" -}}/etc/glance-staging-sidecar/config{{- end }}
{{- define "sidecar.tlsDirectory" -}}/etc/glance-staging-sidecar/tls{{- end }}
{{- define "sidecar.ingestTlsDirectory" -}}/etc/glance-staging-sidecar/ingest-tls{{- end }}
{{- define "sidecar.socket" -}}{{ .Values.socketDirectory }}/sidecar.sock{{- end }}
{{- define "sidecar.ingestSocket" -}}{{ .Values.socketDirectory }}/ingest.sock{{- end }}

{{- /*
The daemon's configuration file: what other values say, and then .Values.config. Without the loopback address, as the
socket is enough and a pod on the host's network would share it with others.
*/}}
{{- define "sidecar.config" -}}
{{- $tls := include "sidecar.tlsDirectory" . -}}
{{- $config := dict
  "Hosting" (dict
    "LocalAddress" ""
    "SocketPath" (include "sidecar.socket" .)
    "OpsAddress" (printf "*:%d" (int .Values.ports.ops))
    "HealthAddress" (printf "*:%d" (int .Values.ports.health)))
  "Staging" (dict "Directory" .Values.stagingDirectory) -}}
{{- if .Values.peers.enabled -}}
{{- $_ := set $config "Peers" (dict
  "Service" (include "sidecar.serviceHost" .)
  "PortName" "peer"
  "Port" (int .Values.ports.peer)
  "Address" (printf "*:%d" (int .Values.ports.peer))
  "CertificateFile" (printf "%s/tls.crt" $tls)
  "KeyFile" (printf "%s/tls.key" $tls)
  "AuthorityFile" (printf "%s/ca.crt" $tls)
  "DrainGrace" (include "sidecar.duration" (int .Values.drain.graceSeconds))) -}}
{{- end -}}
{{- if .Values.ingest.enabled }}{{ $_ := set $config "Ingest" (include "sidecar.ingest" . | fromYaml) }}{{ end -}}
{{- $config = mergeOverwrite $config (include "sidecar.memory" . | fromYaml) -}}
{{- mergeOverwrite $config (deepCopy .Values.config) | toPrettyJson -}}
{{- end }}

{{- define "sidecar.ingest" -}}
Upstream: {{ .Values.ingest.upstream | quote }}
{{- if include "sidecar.ingestPort" . }}
Address: {{ include "sidecar.ingestPort" . | printf "*:%s" | quote }}
CertificateFile: {{ include "sidecar.ingestTlsDirectory" . }}/tls.crt
KeyFile: {{ include "sidecar.ingestTlsDirectory" . }}/tls.key
{{- else }}
Address: {{ include "sidecar.ingestSocket" . | quote }}
{{- end }}
{{- end }}

{{- /* The port at which the sidecar stands in front of glance-api; empty when it does not, or only takes uploads from httpd. */}}
{{- define "sidecar.ingestPort" -}}
{{- if and .Values.ingest.enabled .Values.ingest.port }}{{ .Values.ingest.port | int64 }}{{ end -}}
{{- end }}

{{- /*
Settings under which the daemon and its programs fit into the container's memory, of which the kernel counts all together: two
fifths for the daemon's heap (by a variable of the container), half for the programs of imports and the writers of stores, and the
rest for what .NET has beside its heap. A program counts for 256 MiB. The limit of its address space stays as it is: most of that are
stacks of threads, which take no memory, and qemu-img ends where it has 1 GiB.
*/}}
{{- define "sidecar.memory" -}}
{{- with dig "limits" "memory" "" (default dict .Values.resources) -}}
{{- $half := div (include "sidecar.number" . | float64 | int64) 2 -}}
Import:
  MaxMemoryBytes: {{ $half }}
  MaxConcurrent: {{ max 1 (div $half 268435456) }}
{{- end -}}
{{- end }}

{{- /* Seconds as d.hh:mm:ss. */}}
{{- define "sidecar.duration" -}}
{{- $seconds := int . -}}
{{- printf "%d.%02d:%02d:%02d" (div $seconds 86400) (mod (div $seconds 3600) 24) (mod (div $seconds 60) 60) (mod $seconds 60) -}}
{{- end }}
