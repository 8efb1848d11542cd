package redfish_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socle/internal/secret"
	"socle/lab/redfish"
	"socle/lab/redfish/redfishtest"
)

// bench is a running service and what stands around it.
type bench struct {
	t      *testing.T
	url    string
	vm     *redfishtest.VM
	bmc    *redfish.BMC
	faults *redfish.Faults
	passed atomic.Int64 // nanoseconds since the test began, by its own clock
	client *http.Client
}

func start(t *testing.T, uefi bool, changes ...func(*redfish.Options)) *bench {
	t.Helper()
	b := &bench{t: t, faults: new(redfish.Faults)}
	b.vm = redfishtest.NewVM(redfish.Description{
		Name: "st01", Serial: "SN-1", UUID: "6e1c0f9a-3a0b-4d1c-9d7e-0123456789ab", Manufacturer: "Socle", Model: "VR-1",
		AssetTag: "A1", MACs: []string{"52:54:00:00:00:01", "52:54:00:00:00:02"}, UEFI: uefi, CPUs: 2, MemoryMiB: 1536, BMCMAC: "52:54:00:00:01:01",
	})
	o := redfish.Options{Machine: b.vm, User: "admin", Password: secret.New("pw"), Faults: b.faults, Now: b.clock}
	for _, change := range changes {
		change(&o)
	}
	b.bmc = redfish.New(o)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.url = "https://" + l.Addr().String()
	b.client = &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- redfish.Serve(ctx, l, b.bmc) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return b
}

// clock is the controller's time, which only the test lets pass.
func (b *bench) clock() time.Time {
	return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(b.passed.Load()))
}

func (b *bench) pass(d time.Duration) { b.passed.Add(int64(d)) }

type answer struct {
	status int
	header http.Header
	body   map[string]any
}

// do sends a request with Basic authentication unless a header says otherwise.
func (b *bench) do(method, path, body string, headers ...string) answer {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	req.SetBasicAuth("admin", "pw")
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "X-Auth-Token" || headers[i] == "Anonymous" {
			req.Header.Del("Authorization")
		}
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header}
	if len(text) > 0 && strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(text, &a.body); err != nil {
			b.t.Fatalf("%s %s: %v in %s", method, path, err, text)
		}
	}
	return a
}

// at digs into an answer: "Boot/BootSourceOverrideTarget".
func (a answer) at(path string) any {
	var v any = a.body
	for part := range strings.SplitSeq(path, "/") {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[part]
	}
	return v
}

// messageID is that of an error, without the registry's version.
func (a answer) messageID() string {
	code, _ := a.at("error/code").(string)
	return code[strings.LastIndexByte(code, '.')+1:]
}

const system = "/redfish/v1/Systems/1"

func TestRefusals(t *testing.T) {
	b := start(t, true)
	for _, c := range []struct {
		method, path, body string
		headers            []string
		status             int
		id                 string
	}{
		{"GET", system, "", []string{"Anonymous", "1"}, 401, "NoValidSession"},
		{"GET", system, "", []string{"Authorization", "Basic bm86bm8="}, 401, "NoValidSession"},
		{"GET", system, "", []string{"X-Auth-Token", "guess"}, 401, "NoValidSession"},
		{"GET", "/redfish/v1/Nothing", "", []string{"Anonymous", "1"}, 401, "NoValidSession"}, // what is there is not told to strangers
		{"GET", "/redfish/v1/Nothing", "", nil, 404, "ResourceMissingAtURI"},
		{"PUT", system, "{}", nil, 405, "OperationNotAllowed"},
		{"POST", "/redfish/v1/SessionService/Sessions", `{"UserName":"admin","Password":"no"}`, nil, 401, "ResourceAtUriUnauthorized"},
		{"POST", "/redfish/v1/SessionService/Sessions", `{`, nil, 400, "MalformedJSON"},
		{"PATCH", system, `{`, nil, 400, "MalformedJSON"},
		{"PATCH", system, `{} {}`, nil, 400, "MalformedJSON"},
		{"PATCH", system, `{}`, nil, 400, "NoOperation"},
		{"PATCH", system, `{"SerialNumber":"x"}`, nil, 400, "PropertyNotWritable"},
		{"PATCH", system, `{"Nonsense":"x"}`, nil, 400, "PropertyUnknown"},
		{"PATCH", system, `{"AssetTag":7}`, nil, 400, "PropertyValueTypeError"},
		{"PATCH", system, `{"Boot":{"BootSourceOverrideTarget":"Floppy"}}`, nil, 400, "PropertyValueNotInList"},
		{"PATCH", system, `{"Boot":{"BootSourceOverrideEnabled":"Twice"}}`, nil, 400, "PropertyValueNotInList"},
		{"PATCH", system, `{"Boot":{"BootSourceOverrideMode":"Legacy"}}`, nil, 400, "PropertyValueNotInList"},
		{"PATCH", system, `{"Boot":{"BootSourceOverrideTarget":"Pxe"}}`, []string{"If-Match", `W/"old"`}, 412, "PreconditionFailed"},
		{"PATCH", system, `<boot/>`, []string{"Content-Type", "text/xml"}, 415, "UnrecognizedRequestBody"},
		{"PATCH", system, `{"Boot":"` + strings.Repeat("x", 70_000) + `"}`, nil, 413, "UnrecognizedRequestBody"},
		{"POST", system + "/Actions/ComputerSystem.Reset", `{"ResetType":"Explode"}`, nil, 400, "ActionParameterValueNotInList"},
		{"POST", system + "/Actions/ComputerSystem.Reset", `{"ResetType":"ForceRestart"}`, nil, 409, "OperationFailed"},
		{"POST", "/redfish/v1/Managers/1/Actions/Manager.Reset", `{"ResetType":"On"}`, nil, 400, "ActionParameterValueNotInList"},
	} {
		a := b.do(c.method, c.path, c.body, c.headers...)
		if a.status != c.status || a.messageID() != c.id {
			t.Errorf("%s %s %.60s: %d %s; want %d %s", c.method, c.path, c.body, a.status, a.messageID(), c.status, c.id)
		}
		if info, ok := a.at("error/@Message.ExtendedInfo").([]any); !ok || len(info) != 1 {
			t.Errorf("%s %s: no extended info in %v", c.method, c.path, a.body)
		}
	}
	if len(b.vm.Actions()) != 0 {
		t.Errorf("refused requests did %v", b.vm.Actions())
	}
}

// TestEverythingLinked walks all links from the service root: each must be there and carry its own name.
func TestEverythingLinked(t *testing.T) {
	seen := start(t, true).walk(t)
	for _, want := range []string{
		"/Systems/1/EthernetInterfaces/2", "/Managers/1/EthernetInterfaces/1", "/Chassis/1", "/AccountService/Accounts/1",
		"/AccountService/Roles/Administrator", "/SessionService/Sessions", "/Systems/1/Bios/Settings", "/Systems/1/SecureBoot",
		"/Systems/1/Storage/RAID1/Drives/Disk3", "/Systems/1/Memory/1", "/Systems/1/Processors/2", "/Chassis/1/Power", "/Chassis/1/Thermal",
		"/Chassis/1/Sensors/Fan4Speed", "/Chassis/1/PowerSubsystem/PowerSupplies/2", "/Chassis/1/ThermalSubsystem/Fans/1", "/TaskService/Tasks",
		"/UpdateService/FirmwareInventory/BIOS", "/EventService/Subscriptions", "/Managers/1/VirtualMedia/CD", "/Managers/1/NetworkProtocol",
		"/Managers/1/NetworkProtocol/HTTPS/Certificates/1", "/CertificateService/CertificateLocations", "/Managers/1/SerialInterfaces/1", "/Managers/1/DedicatedNetworkPorts/1",
		"/Systems/1/LogServices/SEL/Entries", "/Registries/BiosAttributes",
	} {
		if !seen["/redfish/v1"+want] {
			t.Errorf("no link leads to %s", want)
		}
	}
}

// walk follows all links and returns the paths.
func (b *bench) walk(t *testing.T) map[string]bool {
	t.Helper()
	seen := map[string]bool{}
	var walk func(v any)
	visit := func(path string) {
		path, _, _ = strings.Cut(strings.TrimSuffix(path, "/"), "#/") // a part of a resource
		if seen[path] {
			return
		}
		seen[path] = true
		a := b.do("GET", path, "")
		if a.status != 200 || strings.TrimSuffix(a.at("@odata.id").(string), "/") != path || a.at("@odata.type") == nil || a.at("Name") == nil {
			t.Errorf("%s: %d %v", path, a.status, a.body)
		}
		if a.header.Get("OData-Version") != "4.0" || a.header.Get("ETag") == "" {
			t.Errorf("%s: header %v", path, a.header)
		}
		walk(a.body)
	}
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if id, ok := v["@odata.id"].(string); ok {
				visit(id)
			}
			for key, sub := range v {
				if target, ok := sub.(string); ok && key == "target" { // an action's: it is there, and wants POST
					if a := b.do("GET", target, ""); a.status != 405 || a.header.Get("Allow") != "POST" {
						t.Errorf("action %s: %d", target, a.status)
					}
				}
				walk(sub)
			}
		case []any:
			for _, sub := range v {
				walk(sub)
			}
		}
	}
	visit("/redfish/v1")
	return seen
}

func TestOpenToAll(t *testing.T) {
	b := start(t, true)
	for _, path := range []string{"/redfish", "/redfish/", "/redfish/v1", "/redfish/v1/", "/redfish/v1/odata", "/redfish/v1/$metadata"} {
		if a := b.do("GET", path, "", "Anonymous", "1"); a.status != 200 {
			t.Errorf("%s: %d", path, a.status)
		}
	}
}

func TestSystem(t *testing.T) {
	a := start(t, false).do("GET", system, "")
	want := map[string]any{
		"SerialNumber": "SN-1", "UUID": "6e1c0f9a-3a0b-4d1c-9d7e-0123456789ab", "PowerState": "Off", "AssetTag": "A1",
		"MemorySummary/TotalSystemMemoryGiB": 1.5, "ProcessorSummary/Count": 2.0, "Boot/BootSourceOverrideMode": "Legacy",
		"Boot/BootSourceOverrideEnabled": "Disabled", "Boot/BootSourceOverrideTarget": "None",
	}
	for path, v := range want {
		if diff := cmp.Diff(v, a.at(path)); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
	for _, v := range a.at("Boot/BootSourceOverrideTarget@Redfish.AllowableValues").([]any) {
		if v == redfish.DeviceHTTP {
			t.Error("a BIOS machine boots by UEFI HTTP")
		}
	}
}

func TestBootOverride(t *testing.T) {
	b := start(t, true)
	tag := b.do("GET", system, "").header.Get("ETag")
	a := b.do("PATCH", system, `{"Boot":{"BootSourceOverrideEnabled":"Once","BootSourceOverrideTarget":"Pxe","BootSourceOverrideMode":"UEFI"}}`, "If-Match", tag)
	if a.status != 200 || a.at("Boot/BootSourceOverrideTarget") != "Pxe" || a.at("Boot/BootSourceOverrideEnabled") != "Once" {
		t.Fatalf("%d %v", a.status, a.body)
	}
	if a.header.Get("ETag") == tag || a.header.Get("ETag") != a.at("@odata.etag") {
		t.Errorf("ETag %s after %s, in the body %v", a.header.Get("ETag"), tag, a.at("@odata.etag"))
	}
	if a := b.do("GET", system, "", "If-None-Match", a.header.Get("ETag")); a.status != 304 {
		t.Errorf("unchanged: %d", a.status)
	}
	b.reset(t, redfish.On)
	if a := b.do("GET", system, ""); a.at("Boot/BootSourceOverrideEnabled") != "Disabled" || a.at("PowerState") != "On" {
		t.Errorf("after the boot: %v, power %v", a.at("Boot"), a.at("PowerState"))
	}
	b.do("PATCH", system, `{"Boot":{"BootSourceOverrideEnabled":"Continuous","BootSourceOverrideTarget":"Hdd"}}`)
	b.reset(t, redfish.ForceRestart)
	b.do("PATCH", system, `{"Boot":{"BootSourceOverrideEnabled":"Disabled"}}`)
	b.reset(t, redfish.PowerCycle)
	if diff := cmp.Diff([]string{"Pxe", "Hdd", "None"}, b.vm.Booted()); diff != "" {
		t.Error(diff)
	}
}

func (b *bench) reset(t *testing.T, action string) {
	t.Helper()
	if a := b.do("POST", system+"/Actions/ComputerSystem.Reset", `{"ResetType":"`+action+`"}`); a.status != 204 {
		t.Fatalf("%s: %d %v", action, a.status, a.body)
	}
}

func TestResetConverges(t *testing.T) {
	b := start(t, true)
	for _, action := range []string{redfish.ForceOff, redfish.On, redfish.On, redfish.NMI, redfish.GracefulShutdown, redfish.GracefulShutdown} {
		b.reset(t, action)
	}
	if diff := cmp.Diff([]string{redfish.On, redfish.NMI, redfish.GracefulShutdown}, b.vm.Actions()); diff != "" {
		t.Error(diff)
	}
}

func TestSessions(t *testing.T) {
	b := start(t, true)
	login := func() answer {
		return b.do("POST", "/redfish/v1/SessionService/Sessions", `{"UserName":"admin","Password":"pw"}`, "Anonymous", "1")
	}
	a := login()
	token, at := a.header.Get("X-Auth-Token"), a.header.Get("Location")
	if a.status != 201 || token == "" || at == "" || a.at("Password") != nil {
		t.Fatalf("%d %v %v", a.status, a.header, a.body)
	}
	b.expect(t, 200, "GET", system, token)
	b.expect(t, 200, "GET", at, token)
	b.pass(29 * time.Minute)
	b.expect(t, 200, "GET", system, token) // each request keeps it alive
	b.pass(31 * time.Minute)
	b.expect(t, 401, "GET", system, token)

	a = login()
	token, at = a.header.Get("X-Auth-Token"), a.header.Get("Location")
	b.expect(t, 204, "DELETE", at, token)
	b.expect(t, 401, "GET", system, token)

	for range 16 {
		a = login()
	}
	if full := login(); full.status != 503 || full.messageID() != "SessionLimitExceeded" {
		t.Errorf("a session too many: %d %v", full.status, full.body)
	}
	b.do("POST", "/redfish/v1/Managers/1/Actions/Manager.Reset", `{"ResetType":"GracefulRestart"}`)
	b.pass(4 * time.Second) // it is away for three
	b.expect(t, 401, "GET", system, a.header.Get("X-Auth-Token"))
	if again := login(); again.status != 201 {
		t.Errorf("after the controller's restart: %d", again.status)
	}
}

func (b *bench) expect(t *testing.T, status int, method, path, token string) {
	t.Helper()
	if a := b.do(method, path, "", "X-Auth-Token", token); a.status != status {
		t.Errorf("%s %s: %d; want %d", method, path, a.status, status)
	}
}

// TestCurl has a foreign client log in, look, order and log out.
func TestCurl(t *testing.T) {
	b := start(t, true)
	curl := func(args ...string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), "curl", append([]string{"-sSk", "--fail-with-body", "--max-time", "5"}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("curl %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	head := curl("-D", "-", "-o", "/dev/null", "-H", "Content-Type: application/json", "-d", `{"UserName":"admin","Password":"pw"}`, b.url+"/redfish/v1/SessionService/Sessions")
	var token, at string
	for line := range strings.Lines(head) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch strings.ToLower(name) {
		case "x-auth-token":
			token = "X-Auth-Token: " + value
		case "location":
			at = value
		}
	}
	curl("-H", token, "-H", "Content-Type: application/json", "-d", `{"ResetType":"On"}`, b.url+system+"/Actions/ComputerSystem.Reset")
	if got := curl("-H", token, b.url+system); !strings.Contains(got, `"PowerState":"On"`) {
		t.Error(got)
	}
	curl("-H", token, "-X", "DELETE", b.url+at)
}
