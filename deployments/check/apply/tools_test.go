package apply

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// tools are the programs that an apply and deploy.sh call. This test program is
// each of them, by its name, as far as they are called.
var tools = map[string]func(args []string) error{
	"gcloud": gcloud,
	"ko":     ko,
	"make":   func([]string) error { return nil },
}

func TestMain(m *testing.M) {
	if tool := tools[filepath.Base(os.Args[0])]; tool != nil {
		if err := tool(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(tested(m))
}

// tested runs the tests, all at once, since the provider mostly waits: for ten
// seconds after every account, for three after every right.
func tested(m *testing.M) int {
	if err := flag.Set("test.parallel", "8"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	dir, err := os.MkdirTemp("", "sajin-apply")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	scratch = dir
	return m.Run()
}

// installed makes a folder of the tools, to be the first in PATH.
func installed(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name := range tools {
		if err := os.Symlink(self, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// ask calls one of Google's APIs, which is the double where the environment says so.
func ask(method, address string, body, out any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequest(method, "https://"+address, bytes.NewReader(data))
	if err != nil {
		return err
	}
	client := http.Client{Timeout: time.Minute}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		var failed struct{ Error struct{ Message string } }
		_ = json.NewDecoder(response.Body).Decode(&failed) // what the status says is enough
		return fmt.Errorf("%s %s: %s %s", method, address, response.Status, failed.Error.Message)
	}
	return json.NewDecoder(response.Body).Decode(out)
}

// ko pushes what deploy.sh has it build.
func ko(args []string) error {
	host, repository, _ := strings.Cut(os.Getenv("KO_DOCKER_REPO"), "/")
	for _, path := range args {
		if strings.HasPrefix(path, "./") {
			address := fmt.Sprintf("%s/v2/%s/%s/manifests/%s", host, repository, filepath.Base(path), after(args, "--tags"))
			if err := ask(http.MethodPut, address, nil, new(any)); err != nil {
				return err
			}
		}
	}
	return nil
}

// after is the value of a flag.
func after(args []string, flag string) string {
	for i, arg := range args {
		if value, ok := strings.CutPrefix(arg, flag+"="); ok {
			return value
		}
		if arg == flag && i+1 < len(args) {
			return args[i+1]
		}
	}
	return ""
}

// gcloud does what deploy.sh and the configuration ask of it, by the same APIs.
func gcloud(args []string) error {
	services := fmt.Sprintf("run.googleapis.com/v2/projects/%s/locations/%s/services/", after(args, "--project"), after(args, "--region"))
	var service struct{ TrafficStatuses []struct{ Revision string } }
	var revisions struct{ Revisions []struct{ Name string } }
	switch command := strings.Join(args[:min(3, len(args))], " "); command {
	case "auth configure-docker " + region + "-docker.pkg.dev":
		return nil
	case "run services describe":
		if err := ask(http.MethodGet, services+args[3], nil, &service); err != nil {
			return err
		}
		fmt.Println(service.TrafficStatuses[0].Revision)
	case "run revisions list":
		if err := ask(http.MethodGet, services+after(args, "--service")+"/revisions", nil, &revisions); err != nil {
			return err
		}
		for _, revision := range revisions.Revisions {
			fmt.Println(filepath.Base(revision.Name))
		}
	case "run services update-traffic":
		revision, _, _ := strings.Cut(after(args, "--to-revisions"), "=")
		traffic := object{"traffic": []object{{"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION", "revision": revision, "percent": 100}}}
		return ask(http.MethodPatch, services+args[3]+"?updateMask=traffic", traffic, new(any))
	case "beta services identity":
		return ask(http.MethodPost, fmt.Sprintf("serviceusage.googleapis.com/v1beta1/projects/%s/services/%s:generateServiceIdentity", after(args, "--project"), after(args, "--service")), nil, new(any))
	default:
		return fmt.Errorf("gcloud is not to be called so: %s", strings.Join(args, " "))
	}
	return nil
}
