{{- define "postrider.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What selects the pods of a role; never changes. Takes (list $ role). */}}
{{- define "postrider.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ default $root.Chart.Name $root.Values.nameOverride | trunc 40 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "postrider.labels" -}}
{{- $root := index . 0 -}}
{{ include "postrider.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "postrider.image" -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}

{{- define "postrider.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{ default (include "postrider.fullname" .) .Values.serviceAccount.name }}
{{- else -}}
{{ default "default" .Values.serviceAccount.name }}
{{- end -}}
{{- end -}}

{{/* The port of a role's metrics listener. */}}
{{- define "postrider.metricsPort" -}}
{{- get (dict "api" "9090" "worker" "9091" "scheduler" "9092") . -}}
{{- end -}}

{{/* The restricted pod security standard, and a read-only root besides. */}}
{{- define "postrider.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "postrider.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- define "postrider.env" -}}
{{- $name := required "secrets.existingSecret: name a Secret with the addresses and keys (see NOTES, or docs/deploy.md)" .Values.secrets.existingSecret -}}
{{- $keys := .Values.secrets.keys -}}
- name: POSTRIDER_POSTGRES_URL
  valueFrom: {secretKeyRef: {name: {{ $name }}, key: {{ $keys.postgresURL }}}}
- name: POSTRIDER_POSTGRES_DIRECT_URL
  valueFrom: {secretKeyRef: {name: {{ $name }}, key: {{ $keys.postgresDirectURL }}, optional: true}}
- name: POSTRIDER_POSTGRES_REPLICA_URL
  valueFrom: {secretKeyRef: {name: {{ $name }}, key: {{ $keys.postgresReplicaURL }}, optional: true}}
- name: POSTRIDER_REDIS_URL
  valueFrom: {secretKeyRef: {name: {{ $name }}, key: {{ $keys.redisURL }}}}
- name: POSTRIDER_API_ADMIN_KEY
  valueFrom: {secretKeyRef: {name: {{ $name }}, key: {{ $keys.adminKey }}}}
- name: POSTRIDER_SECRETS_KEY
  valueFrom: {secretKeyRef: {name: {{ $name }}, key: {{ $keys.secretsKey }}}}
{{- if .Values.secrets.redisTLS.existingSecret }}
{{- range $name, $file := dict "CA" .Values.secrets.redisTLS.ca "CERT" .Values.secrets.redisTLS.cert "KEY" .Values.secrets.redisTLS.key }}
{{- with $file }}
- name: POSTRIDER_REDIS_{{ $name }}_FILE
  value: /etc/postrider-redis/{{ . }}
{{- end }}
{{- end }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* A role's Deployment. Takes (list $ role). */}}
{{- define "postrider.deployment" -}}
{{- $root := index . 0 -}}
{{- $role := index . 1 -}}
{{- $own := get $root.Values $role -}}
{{- $metrics := include "postrider.metricsPort" $role -}}
{{- $scaled := and (hasKey $own "autoscaling") (($own.autoscaling).enabled) -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "postrider.fullname" $root }}-{{ $role }}
  labels: {{- include "postrider.labels" . | nindent 4 }}
spec:
  {{- if not $scaled }}
  replicas: {{ $own.replicas }}
  {{- end }}
  # One by one, and never fewer than there were: docs/operations.md.
  strategy:
    type: RollingUpdate
    rollingUpdate: {maxSurge: 1, maxUnavailable: 0}
  selector:
    matchLabels: {{- include "postrider.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "postrider.labels" . | nindent 8 }}
        {{- with $root.Values.podLabels }}{{ toYaml . | nindent 8 }}{{ end }}
      annotations:
        # A changed configuration replaces the pods.
        checksum/config: {{ $root.Values.config | toYaml | sha256sum }}
        {{- with $root.Values.podAnnotations }}{{ toYaml . | nindent 8 }}{{ end }}
    spec:
      serviceAccountName: {{ include "postrider.serviceAccount" $root }}
      automountServiceAccountToken: false
      enableServiceLinks: false
      {{- with $root.Values.imagePullSecrets }}
      imagePullSecrets: {{- toYaml . | nindent 8 }}
      {{- end }}
      securityContext: {{- include "postrider.podSecurity" $root | nindent 8 }}
      # The longest stop there is takes 90 s; a preStop comes on top of it.
      terminationGracePeriodSeconds: {{ add 95 (int $own.preStopSeconds) }}
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels: {{- include "postrider.selector" . | nindent 14 }}
      {{- with $own.nodeSelector }}
      nodeSelector: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $own.tolerations }}
      tolerations: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $own.affinity }}
      affinity: {{- toYaml . | nindent 8 }}
      {{- end }}
      containers:
        - name: {{ $role }}
          image: {{ include "postrider.image" $root | quote }}
          imagePullPolicy: {{ $root.Values.image.pullPolicy }}
          command: [/{{ $role }}, --config, /etc/postrider/postrider.yaml]
          env:
            {{- with $own.goMemLimit }}
            - {name: GOMEMLIMIT, value: {{ . | quote }}}
            {{- end }}
            {{- include "postrider.env" $root | nindent 12 }}
          ports:
            {{- if eq $role "api" }}
            - {name: http, containerPort: 8080}
            {{- end }}
            - {name: metrics, containerPort: {{ $metrics }}}
          # The listener is up before anything else is, so a start that waits for
          # Postgres or for the migrations is alive and not ready.
          startupProbe:
            httpGet: {path: /healthz, port: metrics}
            periodSeconds: 1
            failureThreshold: 60
          livenessProbe:
            httpGet: {path: /healthz, port: metrics}
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 6
          # Turned away after one failure: a process that drains serves on for 5 s.
          readinessProbe:
            httpGet: {path: /readyz, port: metrics}
            periodSeconds: 2
            timeoutSeconds: 3
            failureThreshold: 1
          {{- if $own.preStopSeconds }}
          lifecycle:
            preStop: {sleep: {seconds: {{ $own.preStopSeconds }}}}
          {{- end }}
          resources: {{- toYaml $own.resources | nindent 12 }}
          securityContext: {{- include "postrider.containerSecurity" $root | nindent 12 }}
          volumeMounts:
            - {name: config, mountPath: /etc/postrider, readOnly: true}
            {{- if $root.Values.secrets.redisTLS.existingSecret }}
            - {name: redis-tls, mountPath: /etc/postrider-redis, readOnly: true}
            {{- end }}
      volumes:
        - name: config
          configMap: {name: {{ include "postrider.fullname" $root }}}
        {{- with $root.Values.secrets.redisTLS.existingSecret }}
        - name: redis-tls
          secret: {secretName: {{ . }}}
        {{- end }}
{{- end -}}

{{/* A role's PodDisruptionBudget. Takes (list $ role). */}}
{{- define "postrider.budget" -}}
{{- $root := index . 0 -}}
{{- $own := get $root.Values (index . 1) -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "postrider.fullname" $root }}-{{ index . 1 }}
  labels: {{- include "postrider.labels" . | nindent 4 }}
spec:
  maxUnavailable: {{ $own.podDisruptionBudget.maxUnavailable }}
  # One that is not ready may go: it serves nobody.
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels: {{- include "postrider.selector" . | nindent 6 }}
{{- end -}}
