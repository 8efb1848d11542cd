//go:build e2e

package simulate_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"socle/internal/config"
	"socle/simulate"
)

// measuredRuns is how often each thing is asked for; the first time is shown by itself.
const measuredRuns = 6

// toBMC are the ends of routes that ask a BMC and wait for it: their time is the BMC's. A stream does not end.
var toBMC = regexp.MustCompile(`/bmc(/|$)|/boot$|/events/stream$|/console/`)

// measurement asks for every page, list and reading command, and keeps the times.
type measurement struct {
	t          *testing.T
	url, token string
	http       *http.Client
	rows       []string
	slow       []string
}

// measure prints how long the pages, the routes and the commands take on a filled server. Times are printed, not judged:
// what must hold is that each is answered.
func measure(t *testing.T, c config.Config, f *simulate.Fleet) {
	t.Helper()
	token, err := os.ReadFile(filepath.Join(c.DataDir, "admin-token"))
	must(t, err)
	ca, err := os.ReadFile(filepath.Join(c.DataDir, "ca.crt"))
	must(t, err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	jar, err := cookiejar.New(nil)
	must(t, err)
	m := &measurement{t: t, url: "https://" + c.Listen, token: strings.TrimSpace(string(token)),
		http: &http.Client{Jar: jar, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}, Timeout: time.Minute}}
	must(t, f.Plan(c.DataDir))
	m.commands(c, f)
	m.routes(f)
	m.pages()
	t.Logf("\n| what | answer, bytes | first, s | p50, s | max, s |\n| --- | --- | --- | --- | --- |\n%s\nabove a second: %s", strings.Join(m.rows, "\n"), strings.Join(m.slow, ", "))
}

// take does one thing some times.
func (m *measurement) take(what string, do func() int) {
	var times []time.Duration
	size := 0
	for range measuredRuns {
		begun := time.Now()
		size = do()
		times = append(times, time.Since(begun))
	}
	first := times[0]
	slices.Sort(times)
	most := times[len(times)-1]
	m.rows = append(m.rows, fmt.Sprintf("| `%s` | %d | %.2f | %.2f | %.2f |", what, size, first.Seconds(), times[len(times)/2].Seconds(), most.Seconds()))
	if most > time.Second {
		m.slow = append(m.slow, what)
	}
}

func (m *measurement) get(path, accept string) string {
	req, err := http.NewRequestWithContext(m.t.Context(), http.MethodGet, m.url+path, nil)
	must(m.t, err)
	req.Header.Set("Accept", accept)
	if accept == "application/json" {
		req.Header.Set("Authorization", "Bearer "+m.token)
	}
	res, err := m.http.Do(req)
	must(m.t, err)
	body, err := io.ReadAll(res.Body)
	must(m.t, err)
	must(m.t, res.Body.Close())
	if res.StatusCode >= http.StatusInternalServerError || accept == "text/html" && res.StatusCode != http.StatusOK {
		m.t.Errorf("%s: %s: %.300s", path, res.Status, body)
	}
	return string(body)
}

// routes asks each GET of the server's own description, so that a new one is not forgotten.
func (m *measurement) routes(f *simulate.Fleet) {
	var spec struct {
		Paths map[string]map[string]struct {
			Parameters []struct {
				Name     string
				In       string
				Required bool
			}
		}
	}
	text, err := os.ReadFile(filepath.Join("..", "docs", "openapi.json"))
	must(m.t, err)
	must(m.t, json.Unmarshal(text, &spec))
	known := map[string]string{"ref": f.Servers[0].Name, "name": "usual", "number": "PO-1", "rack": f.Servers[0].Rack, "id": "1", "serial": f.Servers[0].Serial, "q": "rack:r01"}
	var paths []string
	for path, methods := range spec.Paths {
		get, ok := methods["get"]
		if !ok || toBMC.MatchString(path) {
			continue
		}
		query := url.Values{}
		for _, p := range get.Parameters {
			if v := known[p.Name]; p.In == "path" || p.Required {
				if v == "" {
					v = "none" // it is not there: that is answered too
				}
				if p.In == "path" {
					path = strings.ReplaceAll(path, "{"+p.Name+"}", v)
				} else {
					query.Set(p.Name, v)
				}
			}
		}
		if len(query) > 0 {
			path += "?" + query.Encode()
		}
		paths = append(paths, path)
	}
	slices.Sort(paths)
	for _, p := range paths {
		m.take("GET "+p, func() int { return len(m.get(p, "application/json")) })
	}
}

var hrefs = regexp.MustCompile(`href="(/[^"#]*)"`)

// pages walks the links from the overview: of each kind of page, one.
func (m *measurement) pages() {
	res, err := m.http.PostForm(m.url+"/login", url.Values{"token": {m.token}})
	must(m.t, err)
	must(m.t, res.Body.Close())
	todo, seen := []string{"/", "/?q=state:ready", "/?state=ready"}, map[string]bool{"/": true, "/assets": true, "/api": true, "/logout": true, "/login": true}
	for len(todo) > 0 {
		path := todo[0]
		todo = todo[1:]
		body := ""
		m.take("page "+path, func() int { body = m.get(path, "text/html"); return len(body) })
		for _, l := range hrefs.FindAllStringSubmatch(body, -1) {
			link := strings.ReplaceAll(l[1], "&amp;", "&")
			kind, _, _ := strings.Cut(link, "?")
			if parts := strings.Split(kind, "/"); parts[1] != "places" {
				kind = "/" + parts[1]
			}
			if !seen[kind] {
				seen[kind] = true
				todo = append(todo, link)
			}
		}
	}
}

// commands runs the reading commands of the issue, each as a process.
func (m *measurement) commands(c config.Config, f *simulate.Fleet) {
	socle := filepath.Join(m.t.TempDir(), "socle")
	out, err := exec.CommandContext(m.t.Context(), "go", "build", "-o", socle, "../cmd/socle").CombinedOutput()
	if err != nil {
		m.t.Fatalf("building socle: %v: %s", err, out)
	}
	home := m.t.TempDir() // where the commands remember the servers that they know
	run := func(line string) int {
		ctx, cancel := context.WithTimeout(m.t.Context(), 2*time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, socle, strings.Fields(line)...)
		cmd.Env = append(os.Environ(), "SOCLE_SERVER="+m.url, "SOCLE_DATA_DIR="+c.DataDir, "HOME="+home, "XDG_CONFIG_HOME="+home)
		cmd.Dir = m.t.TempDir()
		out, err := cmd.CombinedOutput()
		exit := cmd.ProcessState.ExitCode()
		amiss := exit >= 10 && exit <= 12 || exit == 1 && line == "findings" // something is not as it should be, see docs/cli.md
		if err != nil && !amiss {
			m.t.Errorf("socle %s: %v: %.300s", line, err, out)
		}
		return len(out)
	}
	name, rack := f.Servers[0].Name, f.Servers[0].Rack
	first, last := f.Servers[0].Name, f.Servers[min(39, len(f.Servers)-1)].Name
	run("place import " + c.DataDir + "/racks.csv")
	run("cabling import " + c.DataDir + "/cabling.csv")
	run("model take usual --from " + name)
	for _, line := range []string{
		"manifest import --dry-run " + c.DataDir + "/manifest.csv", "place import --dry-run " + c.DataDir + "/racks.csv",
		"cabling import --dry-run " + c.DataDir + "/cabling.csv",
		"machine list", "machine show " + name, "place list", "place show " + rack, "place free", "place elevation " + rack, "stack " + rack,
		"delivery list", "model list", "model show usual", "model diff " + name + " --model usual", "cabling show", "cabling check", "outliers", "outliers " + first + "," + last,
		"search rack:r01", "search --names state:ready", "search disk.size>1TB", fmt.Sprintf("plan node=%d --spread rack", min(100, len(f.Servers)/2)), "findings", "compare", "compare " + name + " --all", "compare --rack " + rack, "test results @{rack:" + rack + "}",
		"accept", "accept --rack " + rack, "criteria list", "waiver list", "certificate list", "certificate key", "rma", "label --file - --rack " + rack, "part list --machine " + name, "netbox export fleet.zip", "snapshot take --rack " + rack,
		"snapshot conflicts", "why " + name, "events", "bmc list", "alarms",
	} {
		m.take("socle "+strings.ReplaceAll(line, c.DataDir+"/", ""), func() int { return run(line) })
	}
}
