package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/Masterminds/semver"
	"github.com/xeipuuv/gojsonschema"
	"sigs.k8s.io/yaml"
)

type chart struct {
	metadata  map[string]interface{}
	values    map[string]interface{}
	schema    []byte
	templates map[string]string
	files     files
}

func loadChart(directory string) (*chart, error) {
	loaded := &chart{templates: map[string]string{}, files: files{}}
	var err error
	if loaded.metadata, err = readMap(filepath.Join(directory, "Chart.yaml")); err != nil {
		return nil, err
	}
	if loaded.values, err = readMap(filepath.Join(directory, "values.yaml")); err != nil {
		return nil, err
	}
	if loaded.schema, err = os.ReadFile(filepath.Join(directory, "values.schema.json")); err != nil {
		return nil, err
	}
	return loaded, filepath.Walk(directory, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		name, _ := filepath.Rel(directory, path)
		if strings.HasPrefix(name, "templates/") {
			loaded.templates[loaded.name()+"/"+name] = string(content)
		} else {
			loaded.files[name] = content
		}
		return err
	})
}

func (c *chart) name() string { return c.metadata["name"].(string) }

// Values against values.schema.json, in helm's words.
func (c *chart) check(values map[string]interface{}) error {
	given, err := json.Marshal(values)
	if err != nil {
		return err
	}
	result, err := gojsonschema.Validate(gojsonschema.NewBytesLoader(c.schema), gojsonschema.NewBytesLoader(given))
	if err != nil {
		return fmt.Errorf("values.schema.json: %w", err)
	}
	if result.Valid() {
		return nil
	}
	text := "values don't meet the specifications of the schema(s) in the following chart(s):\n" + c.name() + ":\n"
	for _, failure := range result.Errors() {
		text += fmt.Sprintf("- %s\n", failure)
	}
	return errors.New(text)
}

// The cluster's version against the chart's bounds, in helm's words.
func (c *chart) checkVersion(r *request) error {
	wanted, isBounded := c.metadata["kubeVersion"].(string)
	if !isBounded {
		return nil
	}
	allowed, err := semver.NewConstraint(wanted)
	if err != nil {
		return fmt.Errorf("Chart.yaml: kubeVersion: %w", err)
	}
	if version, err := semver.NewVersion(r.kubeVersion); err != nil || !allowed.Check(version) {
		return fmt.Errorf("chart requires kubeVersion: %s which is incompatible with Kubernetes %s", wanted, r.kubeVersion)
	}
	return nil
}

// What templates see as the dot.
func (c *chart) context(r *request, values map[string]interface{}) map[string]interface{} {
	about := map[string]interface{}{}
	for key, value := range c.metadata {
		about[strings.ToUpper(key[:1])+key[1:]] = value
	}
	about["IsRoot"] = true
	return map[string]interface{}{
		"Values": values,
		"Chart":  about,
		"Files":  c.files,
		"Release": map[string]interface{}{
			"Name": r.release, "Namespace": r.namespace, "Service": "Helm",
			"IsInstall": true, "IsUpgrade": false, "Revision": 1,
		},
		"Capabilities": map[string]interface{}{
			"KubeVersion": newKubeVersion(r.kubeVersion),
			"APIVersions": apiVersions(append([]string{"v1", "apps/v1"}, r.apiVersions...)),
		},
	}
}

type kubeVersion struct{ Version, Major, Minor string }

func newKubeVersion(text string) kubeVersion {
	version, err := semver.NewVersion(text)
	if err != nil {
		return kubeVersion{Version: text}
	}
	return kubeVersion{"v" + version.String(), fmt.Sprint(version.Major()), fmt.Sprint(version.Minor())}
}

type apiVersions []string

func (a apiVersions) Has(version string) bool {
	for _, known := range a {
		if known == version {
			return true
		}
	}
	return false
}

func readMap(file string) (map[string]interface{}, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	values := map[string]interface{}{}
	if err := yaml.UnmarshalStrict(content, &values); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return values, nil
}

// The later wins, maps are merged, and null takes a key away.
func merge(base, over map[string]interface{}) map[string]interface{} {
	merged := map[string]interface{}{}
	for key, value := range base {
		merged[key] = value
	}
	for key, value := range over {
		below, isMap := merged[key].(map[string]interface{})
		above, areMaps := value.(map[string]interface{})
		switch {
		case value == nil:
			delete(merged, key)
		case isMap && areMaps:
			merged[key] = merge(below, above)
		default:
			merged[key] = value
		}
	}
	return merged
}
