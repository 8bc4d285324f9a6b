{{- /* Constant, whatever the release is called: a cluster has one agent, and a DaemonSet of upstream's is taken over. */}}
{{- define "ip-masq-agent.selectorLabels" -}}
k8s-app: ip-masq-agent
{{- end }}

{{- define "ip-masq-agent.labels" -}}
app.kubernetes.io/name: ip-masq-agent
{{ include "ip-masq-agent.selectorLabels" . }}
{{- end }}

{{- define "ip-masq-agent.releaseLabels" -}}
{{ include "ip-masq-agent.labels" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}
