{{- /* Which pods are looked at, and below, of these, which are taken: for policies and the webhook's configuration alike. */}}
{{- define "sidecar.admission.selectors" -}}
namespaceSelector:
  matchLabels:
    kubernetes.io/metadata.name: {{ .Release.Namespace | quote }}
objectSelector:
  matchLabels:
    {{- toYaml .Values.glance.podLabels | nindent 4 }}
{{- end }}

{{- /* All must hold. */}}
{{- define "sidecar.admission.conditions" -}}
{{- $about := include "sidecar.injection" . | fromYaml -}}
- name: pod-of-a-statefulset
  expression: >-
    has(object.metadata.ownerReferences) &&
    object.metadata.ownerReferences.exists(o, o.kind == "StatefulSet" && o.apiVersion.startsWith("apps/"))
- name: has-the-staging-volume
  expression: >-
    has(object.spec.volumes) && object.spec.volumes.exists(v, v.name == {{ toJson $about.stagingVolume }})
- name: has-no-sidecar-yet
  expression: >-
    (!has(object.spec.initContainers) || !object.spec.initContainers.exists(c, c.name == "staging-sidecar"))
    && !object.spec.containers.exists(c, c.name == "staging-sidecar")
{{- end }}

{{- /* Why a pod that is taken cannot have the sidecar; empty when it can. Takes what sidecar.injection gives. */}}
{{- define "sidecar.admission.obstacle" -}}
{{- $mount := printf "object.spec.containers.exists(c, c.name in %s && has(c.volumeMounts) && c.volumeMounts.exists(m," (toJson .containers) -}}
{{- $names := list -}}
{{- range .patch.volumes }}{{ $names = append $names .name }}{{ end -}}
object.spec.volumes.exists(v, v.name in {{ toJson $names }})
? {{ toJson .obstacles.volumes }}
: {{ $mount }} m.name != {{ toJson .stagingVolume }} && m.mountPath in {{ toJson .hiding }}))
? {{ toJson .obstacles.hidden }}
: {{ $mount }} m.mountPath in {{ toJson .socket }}))
? {{ toJson .obstacles.socket }}
: ""
{{- end }}

{{- /*
The patch operations, as one expression. Nothing is in a variable of the policy: API servers of 1.32 refuse the first policy
with one that they see. A list of messages is no value of an operation: an API server fails on it, so lists are added to one by
one.
*/}}
{{- define "sidecar.admission.expression" -}}
{{- $about := include "sidecar.injection" . | fromYaml -}}
{{- $patch := $about.patch -}}
{{- $grace := int $patch.terminationGracePeriodSeconds -}}
{{- $mount := (index $patch.containers 0).volumeMounts | first -}}
{{- $container := printf "\"/spec/containers/\" + string(object.spec.containers.map(other, other.name).indexOf(c.name))" -}}
[{{ include "sidecar.admission.obstacle" $about | nindent 1 | trim }}].map(obstacle, obstacle != "" ? (
  has(object.metadata.annotations) ? [
    JSONPatch{op: "add", path: "/metadata/annotations/glance-staging-sidecar~1not-injected", value: obstacle}
  ] : [
    JSONPatch{op: "add", path: "/metadata/annotations", value: {"glance-staging-sidecar/not-injected": obstacle}}
  ]
) : ([
  {{- range $i, $volume := $patch.volumes }}
  {{- if $i }},{{ end }}
  JSONPatch{op: "add", path: "/spec/volumes/-", value:
    {{ include "sidecar.cel" (dict "path" "Object.spec.volumes" "value" $volume "depth" 0) | nindent 4 | trim }}}
  {{- end }}
] + (has(object.spec.initContainers) ? [] : [
  JSONPatch{op: "add", path: "/spec/initContainers", value: []}
]) + [
  JSONPatch{op: "add", path: "/spec/initContainers/-", value:
    {{ include "sidecar.cel" (dict "path" "Object.spec.initContainers" "value" (index $patch.initContainers 0) "depth" 0) | nindent 4 | trim }}}
] + {{ include "sidecar.admission.copied" $about | nindent 2 | trim }}.map(m,
  JSONPatch{op: "add", path: "/spec/initContainers/" + string(has(object.spec.initContainers) ? object.spec.initContainers.size() : 0) + "/volumeMounts/-", value:
    Object.spec.initContainers.volumeMounts{
      mountPath: m.mountPath,
      name: m.name,
      readOnly: has(m.readOnly) && m.readOnly,
      subPath: has(m.subPath) ? m.subPath : ""
    }}
) + object.spec.containers.filter(c, c.name in {{ toJson $about.containers }} && !has(c.volumeMounts)).map(c,
  JSONPatch{op: "add", path: {{ $container }} + "/volumeMounts", value: []}
) + object.spec.containers.filter(c, c.name in {{ toJson $about.containers }}).map(c,
  JSONPatch{op: "add", path: {{ $container }} + "/volumeMounts/-", value:
    {{ include "sidecar.cel" (dict "path" "Object.spec.containers.volumeMounts" "value" $mount "depth" 0) | nindent 4 | trim }}}
) + (has(object.spec.terminationGracePeriodSeconds) && object.spec.terminationGracePeriodSeconds >= {{ $grace }} ? [] : [
  JSONPatch{op: "add", path: "/spec/terminationGracePeriodSeconds", value: {{ $grace }}}
])))[0]
{{- end }}

{{- /*
The mounts that the sidecar takes over: of the first of Glance's containers that the pod has, as two may have one path. A path
that is made of the container's variables means nothing in another.
*/}}
{{- define "sidecar.admission.copied" -}}
{{- $found := list -}}
{{- range .containers }}{{ $found = append $found (printf "object.spec.containers.filter(c, c.name == %s)" (toJson .)) }}{{ end -}}
[{{ join " + " $found }}].map(found,
  found.size() == 0 || !has(found[0].volumeMounts) ? [] : found[0].volumeMounts.filter(m, !has(m.subPathExpr)
  && !(m.mountPath in {{ toJson .own }})
  && {{ toJson .copied }}.exists(p, m.mountPath == p || m.mountPath.startsWith(p + "/"))))[0]
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
