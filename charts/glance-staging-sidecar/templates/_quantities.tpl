{{- /* A quantity as text: whole numbers come from values as floating-point ones, which would be written as 2e+09. */}}
{{- define "sidecar.quantity" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) }}{{ int64 . }}{{ else }}{{ . }}{{ end -}}
{{- end }}

{{- /* A quantity as a number, to compare with another. */}}
{{- define "sidecar.number" -}}
{{- $text := include "sidecar.quantity" . -}}
{{- $number := regexFind "^[0-9]+([.][0-9]+)?" $text -}}
{{- $suffix := trimPrefix $number $text -}}
{{- $factors := dict "n" 0.000000001 "u" 0.000001 "m" 0.001 "" 1.0 "k" 1000.0 "M" 1000000.0 "G" 1000000000.0
  "T" 1000000000000.0 "P" 1000000000000000.0 "E" 1000000000000000000.0 "Ki" 1024.0 "Mi" 1048576.0 "Gi" 1073741824.0
  "Ti" 1099511627776.0 "Pi" 1125899906842624.0 "Ei" 1152921504606846976.0 -}}
{{- if hasKey $factors $suffix }}{{ mulf (float64 $number) (get $factors $suffix) }}{{ else }}{{ float64 $text }}{{ end -}}
{{- end }}

{{- /* A duration of Go's, such as 2160h or 1h30m, in whole seconds. */}}
{{- define "sidecar.seconds" -}}
{{- $units := dict "h" 3600 "m" 60 "s" 1 "ms" 0 -}}
{{- $seconds := 0 -}}
{{- range regexFindAll "[0-9]+(h|ms|m|s)" . -1 -}}
{{- $number := regexFind "^[0-9]+" . -}}
{{- $seconds = add $seconds (mul (int64 $number) (get $units (trimPrefix $number .))) -}}
{{- end -}}
{{ $seconds }}
{{- end }}
