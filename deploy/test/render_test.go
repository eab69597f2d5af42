package deploy

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/client-go/kubernetes/scheme"
)

// variants are the overlays, alone and with each component that suits them.
var variants = []string{
	"single", "single+monitoring", "single+hostport",
	"fleet", "fleet+monitoring", "fleet+autoscale-participants",
	"local", "local+monitoring",
}

// manifest is a variant as kubectl renders it.
type manifest struct {
	variant string
	yaml    []byte
	objects []runtime.Object
}

// rendered has every variant; each test may change what it gets.
func rendered(t *testing.T) []manifest {
	t.Helper()
	var all []manifest
	for _, name := range variants {
		text := render(t, name)
		all = append(all, manifest{name, text, decode(t, text)})
	}
	return all
}

var (
	renderMu    sync.Mutex
	renderCache = map[string][]byte{}
)

func render(t *testing.T, variant string) []byte {
	t.Helper()
	renderMu.Lock()
	defer renderMu.Unlock()
	if text := renderCache[variant]; text != nil {
		return text
	}
	overlay, component, extended := strings.Cut(variant, "+")
	base, err := filepath.Abs(filepath.Join(deployDir, "kubernetes"))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(base, "overlays", overlay)
	if extended {
		// As if the component's line in the overlay were no comment.
		outer := t.TempDir()
		relative, err := filepath.Rel(outer, base)
		if err != nil {
			t.Fatal(err)
		}
		text := "resources: [" + relative + "/overlays/" + overlay + "]\ncomponents: [" + relative + "/components/" + component + "]\nnamespace: plenum\n"
		if err := os.WriteFile(filepath.Join(outer, "kustomization.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		dir = outer
	}
	renderCache[variant] = run(t, "kubectl", "kustomize", dir)
	return renderCache[variant]
}

// decode refuses unknown and repeated fields and kinds.
func decode(t *testing.T, text []byte) []runtime.Object {
	t.Helper()
	kinds := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{scheme.AddToScheme, monitoringv1.AddToScheme} {
		if err := add(kinds); err != nil {
			t.Fatal(err)
		}
	}
	strict := json.NewSerializerWithOptions(json.DefaultMetaFactory, kinds, kinds, json.SerializerOptions{Yaml: true, Strict: true})
	var objects []runtime.Object
	for _, document := range bytes.Split(text, []byte("\n---\n")) {
		object, _, err := strict.Decode(document, nil, nil)
		if err != nil {
			t.Fatalf("%v\n%s", err, document)
		}
		objects = append(objects, object)
	}
	return objects
}

// find returns the objects of one type.
func find[T runtime.Object](m manifest) []T {
	var found []T
	for _, object := range m.objects {
		if o, ok := object.(T); ok {
			found = append(found, o)
		}
	}
	return found
}

// one returns the only object of its type.
func one[T runtime.Object](t *testing.T, m manifest) T {
	t.Helper()
	found := find[T](m)
	if len(found) != 1 {
		t.Fatalf("%s: %d of %T, want 1", m.variant, len(found), *new(T))
	}
	return found[0]
}

// pod returns the template of the Deployment and its only container.
func pod(t *testing.T, m manifest) (*appsv1.Deployment, *corev1.PodSpec, *corev1.Container) {
	t.Helper()
	deployment := one[*appsv1.Deployment](t, m)
	spec := &deployment.Spec.Template.Spec
	if len(spec.Containers) != 1 || len(spec.InitContainers) != 0 {
		t.Fatalf("%s: more than one container", m.variant)
	}
	return deployment, spec, &spec.Containers[0]
}
