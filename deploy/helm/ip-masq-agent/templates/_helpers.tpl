{{- define "ip-masq-agent.name" -}}
{{ .Values.nameOverride | default .Chart.Name }}
{{- end }}

{{- /* Whatever the release is called: a cluster has one agent, and a DaemonSet of upstream's is taken over. */}}
{{- define "ip-masq-agent.fullname" -}}
{{ .Values.fullnameOverride | default (include "ip-masq-agent.name" .) }}
{{- end }}

{{- define "ip-masq-agent.serviceAccountName" -}}
{{ .Values.serviceAccount.name | default (.Values.serviceAccount.create | ternary (include "ip-masq-agent.fullname" .) "default") }}
{{- end }}

{{- define "ip-masq-agent.selectorLabels" -}}
k8s-app: {{ include "ip-masq-agent.fullname" . }}
{{- end }}

{{- define "ip-masq-agent.podLabels" -}}
app.kubernetes.io/name: {{ include "ip-masq-agent.name" . }}
{{ include "ip-masq-agent.selectorLabels" . }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "ip-masq-agent.labels" -}}
{{ include "ip-masq-agent.podLabels" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "ip-masq-agent.image" -}}
{{- with .Values.image }}
{{- .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ with .digest }}@{{ . }}{{ end }}
{{- end }}
{{- end }}

{{- /* Numbers as JSON writes them: Helm's own form of a large one is 1e+06. */}}
{{- define "ip-masq-agent.flags" -}}
{{- range $flag, $value := .Values.flags }}
- {{ printf "--%s=%s" $flag (kindIs "string" $value | ternary $value (toJson $value)) | quote }}
{{- end }}
{{- end }}

{{- /* The ConfigMaps as the agent reads them. Neither has to exist; each may appear, change and vanish at any time. */}}
{{- define "ip-masq-agent.configSources" -}}
- configMap:
    name: {{ .Values.configMap.name }}
    optional: true
    items:
      - key: {{ .Values.configMap.key }}
        path: ip-masq-agent
{{ include "ip-masq-agent.reconciledSource" . }}
{{- end }}

{{- define "ip-masq-agent.reconciledSource" -}}
- configMap:
    name: {{ .Values.reconciledConfigMap.name }}
    optional: true
    items:
      - key: {{ .Values.reconciledConfigMap.key }}
        path: ip-masq-agent-reconciled
{{- end }}

{{- /* What the user wrote, which the chart must not merge with anything. Fails on two spellings of one key: which of them
the agent would follow is not what people guess. */}}
{{- define "ip-masq-agent.config" -}}
{{- $spellings := dict }}
{{- range $key, $_ := .Values.config }}
  {{- $folded := lower $key }}
  {{- if hasKey $spellings $folded }}
    {{- fail (printf "config: %s and %s are two spellings of one key; keep one of them" (get $spellings $folded) $key) }}
  {{- end }}
  {{- $_ := set $spellings $folded $key }}
{{- end }}
{{- if .Values.config }}
{{- toYaml .Values.config }}
{{- else -}}
# Nothing is set: the agent's defaults apply. `ip-masq-agent validate` prints them.
{{- end }}
{{- end }}

{{- /* `affinity`, each of its node terms without the excluded nodes. */}}
{{- define "ip-masq-agent.affinity" -}}
{{- $affinity := deepCopy .Values.affinity }}
{{- if .Values.excludeNodes }}
  {{- $others := list }}
  {{- range $label, $value := .Values.excludeNodes }}
    {{- $others = append $others (dict "key" $label "operator" "NotIn" "values" (list $value)) }}
  {{- end }}
  {{- $node := get $affinity "nodeAffinity" | default dict }}
  {{- $required := get $node "requiredDuringSchedulingIgnoredDuringExecution" | default dict }}
  {{- $terms := list }}
  {{- range get $required "nodeSelectorTerms" | default (list dict) }}
    {{- $expressions := concat (get . "matchExpressions" | default list) $others }}
    {{- $terms = append $terms (merge (dict "matchExpressions" $expressions) .) }}
  {{- end }}
  {{- $_ := set $node "requiredDuringSchedulingIgnoredDuringExecution" (dict "nodeSelectorTerms" $terms) }}
  {{- $_ := set $affinity "nodeAffinity" $node }}
{{- end }}
{{- with $affinity }}
{{- toYaml . }}
{{- end }}
{{- end }}

{{- /* Where a Pod of the chart may run. */}}
{{- define "ip-masq-agent.placement" -}}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with include "ip-masq-agent.affinity" . }}
affinity:
  {{- . | nindent 2 }}
{{- end }}
{{- end }}
