// Renders a chart as "helm template" does, with the libraries that helm's own engine is made of, and without helm, of
// which Debian has no package.
//
//	render template NAME CHART [-n NAMESPACE] [-f VALUES]... [--kube-version VERSION] [--api-versions VERSION]...
//	render notes ...   the same, but NOTES.txt alone
//	render json        reads YAML documents and prints them as one JSON array
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"sigs.k8s.io/yaml"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 1 && args[0] == "json":
		return printJSON(os.Stdin)
	case len(args) >= 3 && (args[0] == "template" || args[0] == "notes"):
		request, err := parse(args[1], args[2], args[3:])
		if err != nil {
			return err
		}
		request.notes = args[0] == "notes"
		return request.render(os.Stdout)
	}
	return fmt.Errorf("allowed: template or notes NAME CHART [options], or json")
}

// What is asked for on the command line.
type request struct {
	release, chart, namespace, kubeVersion string
	values, apiVersions                    []string
	notes                                  bool
}

func parse(release, chart string, options []string) (*request, error) {
	asked := &request{release: release, chart: chart, namespace: "default", kubeVersion: "v1.36.0"}
	for ; len(options) >= 2; options = options[2:] {
		switch options[0] {
		case "-n":
			asked.namespace = options[1]
		case "-f":
			asked.values = append(asked.values, options[1])
		case "--kube-version":
			asked.kubeVersion = options[1]
		case "--api-versions":
			asked.apiVersions = append(asked.apiVersions, options[1])
		default:
			return nil, fmt.Errorf("unknown option %s; allowed: -n, -f, --kube-version, --api-versions", options[0])
		}
	}
	if len(options) > 0 {
		return nil, fmt.Errorf("%s has no value", options[0])
	}
	return asked, nil
}

func (r *request) render(out io.Writer) error {
	chart, err := loadChart(r.chart)
	if err != nil {
		return err
	}
	values := chart.values
	for _, file := range r.values {
		given, err := readMap(file)
		if err != nil {
			return err
		}
		values = merge(values, given)
	}
	if err := chart.check(values); err != nil {
		return err
	}
	if err := chart.checkVersion(r); err != nil {
		return err
	}
	rendered, err := execute(chart, chart.context(r, values))
	if err != nil {
		return err
	}
	for _, file := range rendered {
		if r.notes != strings.HasSuffix(file.name, "/NOTES.txt") {
			continue
		}
		fmt.Fprintf(out, "---\n# Source: %s\n%s\n", file.name, strings.TrimSpace(file.text))
	}
	return nil
}

func printJSON(in io.Reader) error {
	text, err := io.ReadAll(bufio.NewReader(in))
	if err != nil {
		return err
	}
	documents := []json.RawMessage{}
	for _, part := range bytes.Split(append([]byte("\n"), text...), []byte("\n---")) {
		// Strict: a key that is there twice is an error, which a cluster would not notice.
		document, err := yaml.YAMLToJSONStrict(part)
		if err != nil {
			return err
		}
		if string(document) != "null" {
			documents = append(documents, document)
		}
	}
	return json.NewEncoder(os.Stdout).Encode(documents)
}
