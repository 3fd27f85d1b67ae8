{{- /* Where the chart puts things in the container. */}}
{{- define "sidecar.configDirectory" -}}/etc/glance-staging-sidecar/config{{- end }}
{{- define "sidecar.tlsDirectory" -}}/etc/glance-staging-sidecar/tls{{- end }}
{{- define "sidecar.socket" -}}{{ .Values.socketDirectory }}/sidecar.sock{{- end }}

{{- /*
The daemon's configuration file: what other values say, and then .Values.config. Without the loopback address, as the
socket is enough and a pod on the host's network would share it with others.
*/}}
{{- define "sidecar.config" -}}
{{- $volume := .Values.glance.volume.mountPath -}}
{{- if not (hasPrefix (printf "%s/" (trimSuffix "/" $volume)) .Values.stagingDirectory) -}}
{{- fail (printf "stagingDirectory is %s; allowed: a directory below glance.volume.mountPath, %s" .Values.stagingDirectory $volume) -}}
{{- end -}}
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
{{- mergeOverwrite $config (deepCopy .Values.config) | toPrettyJson -}}
{{- end }}

{{- /* Seconds as d.hh:mm:ss. */}}
{{- define "sidecar.duration" -}}
{{- $seconds := int . -}}
{{- printf "%d.%02d:%02d:%02d" (div $seconds 86400) (mod (div $seconds 3600) 24) (mod (div $seconds 60) 60) (mod $seconds 60) -}}
{{- end }}
