{{- /*
What a pod of Glance's is given, as data. Injection and the snippet are both made from this, so that they cannot differ.
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
  - name: {{ . | quote }}
    volumeMounts:
      - name: staging-sidecar-run
        mountPath: {{ $.Values.socketDirectory }}
  {{- end }}
{{- end }}
