package deploy

import (
	"bytes"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// TestPodSecurity evaluates the pods with the code of the admission controller: each
// namespace enforces the strictest level that its pods pass, and where that isn't
// `restricted`, the network mode is all that stands in the way.
func TestPodSecurity(t *testing.T) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	failures := func(level api.Level, meta *metav1.ObjectMeta, spec *corev1.PodSpec) []string {
		results := evaluator.EvaluatePod(api.LevelVersion{Level: level, Version: api.LatestVersion()}, meta, spec)
		result := policy.AggregateCheckResults(results)
		return result.ForbiddenReasons
	}
	for _, m := range rendered(t) {
		deployment, spec, _ := pod(t, m)
		template := &deployment.Spec.Template.ObjectMeta
		enforced := api.LevelPrivileged
		for _, level := range []api.Level{api.LevelRestricted, api.LevelBaseline} {
			if len(failures(level, template, spec)) == 0 {
				enforced = level
				break
			}
		}
		namespace := one[*corev1.Namespace](t, m)
		if got := namespace.Labels[api.EnforceLevelLabel]; got != string(enforced) {
			t.Errorf("%s: the namespace enforces %s; its pods pass %s, and fail restricted by %q",
				m.variant, got, enforced, failures(api.LevelRestricted, template, spec))
		}
		if got := namespace.Labels[api.WarnLevelLabel]; got != string(api.LevelRestricted) {
			t.Errorf("%s: the namespace warns at %s", m.variant, got)
		}
		wantPrivileged := m.variant == "single+hostport" || strings.HasPrefix(m.variant, "fleet")
		if wantPrivileged != (enforced == api.LevelPrivileged) {
			t.Errorf("%s: passes %s", m.variant, enforced)
		}
		for _, reason := range failures(api.LevelRestricted, template, spec) {
			if reason != "host namespaces" && reason != "hostPort" {
				t.Errorf("%s: fails restricted by %q", m.variant, reason)
			}
		}
	}
}

// TestKubeScore lints what can be applied as it is.
func TestKubeScore(t *testing.T) {
	for _, variant := range []string{"single", "fleet", "local"} {
		lint := exec.CommandContext(t.Context(), "go", "run", "github.com/zegl/kube-score/cmd/kube-score@v1.20.0", "score", "-",
			"--kubernetes-version=v1.30", "--output-format=ci",
			"--enable-optional-test=container-seccomp-profile", "--enable-optional-test=container-ports-check",
			// The tag is a version, and never moves: to pull it again gains nothing.
			"--ignore-test=container-image-pull-policy")
		lint.Stdin = bytes.NewReader(render(t, variant))
		lint.Dir = t.TempDir()      // outside of this module
		var trouble strings.Builder // and what Go says of its downloads
		lint.Stderr = &trouble
		out, err := lint.Output()
		if err != nil {
			t.Errorf("%s: %v\n%s", variant, err, trouble.String())
		}
		checked := 0
		for line := range strings.Lines(string(out)) {
			switch {
			case strings.HasPrefix(line, "[OK]"):
				checked++
			case strings.HasPrefix(line, "[SKIPPED]"):
			case variant != "fleet" && strings.Contains(line, "Deployment few replicas"): // one is the point
			case variant == "local" && strings.Contains(line, "The service is of type NodePort"): // kind maps it
			default:
				t.Errorf("%s: %s", variant, line)
			}
		}
		if checked < 20 {
			t.Errorf("%s: kube-score checked %d things:\n%s", variant, checked, out)
		}
	}
}

// TestPodContract holds each Deployment to what the API's types don't say.
func TestPodContract(t *testing.T) {
	for _, m := range rendered(t) {
		deployment, spec, c := pod(t, m)
		complain := func(format string, args ...any) {
			t.Helper()
			t.Errorf(m.variant+": "+format, args...)
		}
		if spec.AutomountServiceAccountToken == nil || *spec.AutomountServiceAccountToken {
			complain("the pod gets a token")
		}
		if account := one[*corev1.ServiceAccount](t, m); spec.ServiceAccountName != account.Name ||
			account.AutomountServiceAccountToken == nil || *account.AutomountServiceAccountToken {
			complain("the service account")
		}
		if spec.EnableServiceLinks == nil || *spec.EnableServiceLinks {
			complain("Services' variables collide with PLENUM_…")
		}
		if s := c.SecurityContext; s == nil || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem {
			complain("the root file system can be written")
		}
		for _, r := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage} {
			if request, limit := c.Resources.Requests[r], c.Resources.Limits[r]; request.IsZero() || limit.IsZero() || request.Cmp(limit) > 0 {
				complain("%s: request %s, limit %s", r, request.String(), limit.String())
			}
		}
		if cpu := c.Resources.Limits[corev1.ResourceCPU]; cpu.MilliValue()%1000 != 0 {
			complain("GOMAXPROCS is rounded up from %s", cpu.String())
		}
		checkMemory(t, m)
		checkGrace(t, m)
		if hosts := c.Ports[1].HostPort != 0 || spec.HostNetwork; hosts {
			if s := deployment.Spec.Strategy.RollingUpdate; s.MaxSurge.IntValue() != 0 || s.MaxUnavailable.IntValue() != 1 {
				complain("a new pod waits for a port that the old one has")
			}
		}
		for _, p := range find[*policyv1.PodDisruptionBudget](m) {
			selector, err := metav1.LabelSelectorAsSelector(p.Spec.Selector)
			if err != nil || !selector.Matches(labels.Set(deployment.Spec.Template.Labels)) {
				complain("the PodDisruptionBudget is for other pods")
			}
			if p.Spec.MaxUnavailable == nil || p.Spec.MaxUnavailable.IntValue() < 1 {
				complain("no node can ever be drained")
			}
		}
		if len(find[*policyv1.PodDisruptionBudget](m)) != 1 || len(spec.TopologySpreadConstraints) == 0 {
			complain("no PodDisruptionBudget or no spread")
		}
		for _, object := range m.objects {
			o, err := meta.Accessor(object)
			if err != nil {
				t.Fatal(err)
			}
			if _, isNamespace := object.(*corev1.Namespace); o.GetNamespace() != "plenum" && !isNamespace {
				complain("%T %s is in namespace %q", object, o.GetName(), o.GetNamespace())
			}
		}
	}
}

// checkMemory wants GOMEMLIMIT below the memory limit, and not far below.
func checkMemory(t *testing.T, m manifest) {
	t.Helper()
	_, _, c := pod(t, m)
	limit := c.Resources.Limits[corev1.ResourceMemory]
	soft, err := resource.ParseQuantity(strings.TrimSuffix(environment(t, m)["GOMEMLIMIT"], "B"))
	if err != nil {
		t.Fatalf("%s: GOMEMLIMIT: %v", m.variant, err)
	}
	if share := soft.AsApproximateFloat64() / limit.AsApproximateFloat64(); share < .85 || share > .95 {
		t.Errorf("%s: GOMEMLIMIT is %.2f of the limit", m.variant, share)
	}
}

// checkGrace wants the kubelet to wait longer than a drain may take.
func checkGrace(t *testing.T, m manifest) {
	t.Helper()
	_, spec, c := pod(t, m)
	if c.Lifecycle == nil || c.Lifecycle.PreStop == nil || c.Lifecycle.PreStop.Sleep == nil {
		t.Fatalf("%s: no preStop (exec won't do: there is no shell)", m.variant)
	}
	drain, err := time.ParseDuration(environment(t, m)["PLENUM_DRAIN_TIMEOUT"])
	if err != nil {
		t.Fatalf("%s: %v", m.variant, err)
	}
	need := c.Lifecycle.PreStop.Sleep.Seconds + int64(drain.Seconds()) + 5
	if got := *spec.TerminationGracePeriodSeconds; got < need {
		t.Errorf("%s: the grace period is %d s, want %d", m.variant, got, need)
	}
	sleep := c.Lifecycle.PreStop.Sleep.Seconds
	if r := c.ReadinessProbe; sleep < int64(r.PeriodSeconds) {
		t.Errorf("%s: preStop sleeps %d s", m.variant, sleep)
	}
}

// environment is what the container would find, with fields of the pod resolved to
// loopback addresses and Secrets left out.
func environment(t *testing.T, m manifest) map[string]string {
	t.Helper()
	_, _, c := pod(t, m)
	env := map[string]string{}
	for _, from := range c.EnvFrom {
		if from.ConfigMapRef == nil {
			t.Fatalf("%s: envFrom", m.variant)
		}
		for name, value := range configMap(t, m, from.ConfigMapRef.Name).Data {
			env[name] = value
		}
	}
	for _, e := range c.Env {
		switch {
		case e.ValueFrom == nil:
			env[e.Name] = e.Value
		case e.ValueFrom.FieldRef != nil:
			if e.ValueFrom.FieldRef.FieldPath != "status.hostIP" {
				t.Errorf("%s: field %s", m.variant, e.ValueFrom.FieldRef.FieldPath)
			}
			env[e.Name] = "127.0.0.1"
		}
	}
	return env
}

func configMap(t *testing.T, m manifest, name string) *corev1.ConfigMap {
	t.Helper()
	for _, c := range find[*corev1.ConfigMap](m) {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("%s: no ConfigMap %s", m.variant, name)
	return nil
}

// TestServicesReachThePod follows every name of a port.
func TestServicesReachThePod(t *testing.T) {
	for _, m := range rendered(t) {
		deployment, _, c := pod(t, m)
		byName := map[string]corev1.ContainerPort{}
		for _, p := range c.Ports {
			byName[p.Name] = p
		}
		mediaServed := m.variant == "single+hostport" || strings.HasPrefix(m.variant, "fleet")
		servicePorts := map[string]bool{}
		for _, service := range find[*corev1.Service](m) {
			if !labels.SelectorFromSet(service.Spec.Selector).Matches(labels.Set(deployment.Spec.Template.Labels)) {
				t.Errorf("%s: %s selects other pods", m.variant, service.Name)
			}
			for _, p := range service.Spec.Ports {
				target, ok := byName[p.TargetPort.String()]
				if !ok || target.Protocol != p.Protocol {
					t.Errorf("%s: port %s of %s leads to %q", m.variant, p.Name, service.Name, p.TargetPort.String())
				}
				servicePorts[p.Name] = true
				// Clients are told the port that the server has bound.
				reached := p.Port
				if service.Spec.Type == corev1.ServiceTypeNodePort {
					reached = p.NodePort
				}
				if strings.HasPrefix(p.Name, "media") && reached != target.ContainerPort {
					t.Errorf("%s: media of %s is at %d, and announced at %d", m.variant, service.Name, reached, target.ContainerPort)
				}
			}
			if service.Name == "plenum-media" && service.Spec.LoadBalancerIP != environment(t, m)["PLENUM_PUBLIC_IP"] {
				t.Errorf("%s: the load balancer isn't at the announced address", m.variant)
			}
		}
		for _, name := range []string{"media-udp", "media-tcp"} {
			if !mediaServed && !servicePorts[name] {
				t.Errorf("%s: no Service has %s", m.variant, name)
			}
			if m.variant == "single+hostport" && byName[name].HostPort != byName[name].ContainerPort {
				t.Errorf("%s: %s has host port %d", m.variant, name, byName[name].HostPort)
			}
		}
		checkIngress(t, m)
		checkPolicies(t, m, byName)
		for _, monitor := range find[*monitoringv1.PodMonitor](m) {
			for _, e := range monitor.Spec.PodMetricsEndpoints {
				if e.Port == nil || byName[*e.Port].Name == "" || e.Path != "/metrics" {
					t.Errorf("%s: the PodMonitor scrapes %v%s", m.variant, e.Port, e.Path)
				}
			}
			selector, err := metav1.LabelSelectorAsSelector(&monitor.Spec.Selector)
			if err != nil || !selector.Matches(labels.Set(deployment.Spec.Template.Labels)) {
				t.Errorf("%s: the PodMonitor is for other pods", m.variant)
			}
			if job := deployment.Spec.Template.Labels[monitor.Spec.JobLabel]; job != "plenum" {
				t.Errorf("%s: the job is %q", m.variant, job)
			}
		}
		if strings.HasSuffix(m.variant, "+monitoring") && len(find[*monitoringv1.PodMonitor](m))*len(find[*monitoringv1.PrometheusRule](m)) != 1 {
			t.Errorf("%s: no PodMonitor or PrometheusRule", m.variant)
		}
	}
}

func checkIngress(t *testing.T, m manifest) {
	t.Helper()
	if behind := len(find[*networkingv1.Ingress](m)) > 0; behind != (environment(t, m)["PLENUM_TRUSTED_PROXY"] != "") {
		t.Errorf("%s: behind an Ingress: %v, trusts %q", m.variant, behind, environment(t, m)["PLENUM_TRUSTED_PROXY"])
	}
	ingresses := find[*networkingv1.Ingress](m)
	if local := strings.HasPrefix(m.variant, "local"); local != (len(ingresses) == 0) {
		t.Errorf("%s: %d Ingresses", m.variant, len(ingresses))
	}
	services := map[string][]string{}
	for _, s := range find[*corev1.Service](m) {
		for _, p := range s.Spec.Ports {
			services[s.Name] = append(services[s.Name], p.Name)
		}
	}
	for _, i := range ingresses {
		for _, rule := range i.Spec.Rules {
			backend := rule.HTTP.Paths[0].Backend.Service
			if !slices.Contains(services[backend.Name], backend.Port.Name) {
				t.Errorf("%s: the Ingress leads to %s:%s", m.variant, backend.Name, backend.Port.Name)
			}
			if !slices.Contains(i.Spec.TLS[0].Hosts, rule.Host) {
				t.Errorf("%s: no certificate for %s", m.variant, rule.Host)
			}
		}
		// The server pings every 5 s, and gives a silent client 12.
		if seconds, err := strconv.Atoi(i.Annotations["nginx.ingress.kubernetes.io/proxy-read-timeout"]); err != nil || seconds < 60 {
			t.Errorf("%s: WebSockets are cut after %d s", m.variant, seconds)
		}
		hash := i.Annotations["nginx.ingress.kubernetes.io/upstream-hash-by"]
		if fleet := strings.HasPrefix(m.variant, "fleet"); fleet != (hash == "$arg_room") {
			t.Errorf("%s: rooms are spread by %q", m.variant, hash)
		}
	}
}

// checkPolicies wants every port of the pod open to whom it is for, and no other.
func checkPolicies(t *testing.T, m manifest, ports map[string]corev1.ContainerPort) {
	t.Helper()
	open := map[string]bool{} // to everyone?
	for _, p := range find[*networkingv1.NetworkPolicy](m) {
		for _, rule := range p.Spec.Ingress {
			for _, port := range rule.Ports {
				name := port.Port.String()
				if ports[name].Protocol != *port.Protocol {
					t.Errorf("%s: policy %s opens %s %s", m.variant, p.Name, name, *port.Protocol)
				}
				open[name] = len(rule.From) == 0
			}
		}
	}
	monitored := strings.HasSuffix(m.variant, "+monitoring")
	for name := range ports {
		toAll, mentioned := open[name]
		if wantAll := name != "metrics"; toAll != wantAll || !mentioned && (wantAll || monitored) {
			t.Errorf("%s: port %s is open to everyone: %v", m.variant, name, toAll)
		}
	}
}

// TestAutoscaler wants the HorizontalPodAutoscaler to own the number of replicas.
func TestAutoscaler(t *testing.T) {
	for _, m := range rendered(t) {
		deployment, _, _ := pod(t, m)
		scalers := find[*autoscalingv2.HorizontalPodAutoscaler](m)
		if fleet := strings.HasPrefix(m.variant, "fleet"); fleet != (len(scalers) == 1) || fleet == (deployment.Spec.Replicas != nil) {
			t.Errorf("%s: %d autoscalers, replicas %v", m.variant, len(scalers), deployment.Spec.Replicas)
		}
		for _, h := range scalers {
			if ref := h.Spec.ScaleTargetRef; ref.Kind != "Deployment" || ref.Name != deployment.Name {
				t.Errorf("%s: scales %s %s", m.variant, ref.Kind, ref.Name)
			}
			wantMetrics := 1
			if strings.HasSuffix(m.variant, "participants") {
				wantMetrics = 2
			}
			if len(h.Spec.Metrics) != wantMetrics || h.Spec.Metrics[0].Resource == nil {
				t.Errorf("%s: scales on %d metrics", m.variant, len(h.Spec.Metrics))
			}
		}
	}
}
