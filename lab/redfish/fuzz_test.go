package redfish_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"socle/internal/secret"
	"socle/lab/redfish"
	"socle/lab/redfish/redfishtest"
)

// FuzzRequest: whatever a client that is let in asks, the controller answers in JSON, with a status that says whether
// it was done, and goes on.
func FuzzRequest(f *testing.F) {
	f.Add("GET", "/redfish/v1/Systems/1", "", uint8(0))
	f.Add("PATCH", "/redfish/v1/Systems/1", pxeOnce, uint8(1))
	f.Add("PATCH", "/redfish/v1/Systems/System.Embedded.1/Bios/Settings", `{"Attributes":{"AcPwrRcvryDelay":1e99,"AssetTag":null}}`, uint8(1))
	f.Add("POST", power, `{"ResetType":"On"}`, uint8(3))
	f.Add("POST", accounts, `{"UserName":"x","Password":"12345678","RoleId":"Operator"}`, uint8(0))
	f.Add("PATCH", accounts+"/3", `{"UserName":"","Locked":false,"Enabled":true}`, uint8(1))
	f.Add("POST", "/redfish/v1/Systems/1/Storage/RAID1/Volumes", `{"RAIDType":"RAID0","Drives":["/redfish/v1/Systems/1/Storage/RAID1/Drives/Disk0",{}]}`, uint8(0))
	f.Add("POST", "/redfish/v1/CertificateService/Actions/CertificateService.ReplaceCertificate",
		`{"CertificateString":"-----BEGIN CERTIFICATE-----","CertificateType":"PEM","CertificateUri":"/redfish/v1/Managers/1/NetworkProtocol/HTTPS/Certificates/1"}`, uint8(0))
	f.Add("POST", "/redfish/v1/Managers/1/VirtualMedia/CD/Actions/VirtualMedia.InsertMedia", `{"Image":"http://[::1]/%zz"}`, uint8(0))
	f.Add("POST", "/redfish/v1/EventService/Actions/EventService.SubmitTestEvent", `{"EventGroupId":[]}`, uint8(2))
	f.Add("DELETE", "/redfish/v1/TaskService/Tasks/1", "", uint8(0))
	f.Add("PATCH", "/redfish/v1/Managers/1/EthernetInterfaces/1", `{"IPv4StaticAddresses":[{"Address":"1.2.3.4"}],"DHCPv4":null}`, uint8(0))
	f.Fuzz(func(t *testing.T, method, path, body string, n uint8) {
		u := &url.URL{Path: path}
		if strings.Contains(body, "://") && strings.Contains(path, "SimpleUpdate") || strings.HasSuffix(path, "/SSE") ||
			strings.Contains(path, "Subscriptions") || !validMethod(method) {
			return // it would speak to somebody, or never end
		}
		shape, err := redfish.ShapeByName(redfish.Shapes()[int(n)%len(redfish.Shapes())])
		if err != nil {
			t.Fatal(err)
		}
		vm := redfishtest.NewVM(redfish.Description{Name: "n1", Serial: "SN1", UEFI: n%2 == 0, CPUs: 1, MemoryMiB: 1024, MACs: []string{"52:54:00:00:00:01"}})
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		b := redfish.New(redfish.Options{Machine: vm, User: "admin", Password: secret.New("pw"), Shape: shape, Now: func() time.Time { return now }})
		defer b.Close()
		do := func(method string, u *url.URL, body string) *httptest.ResponseRecorder {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", strings.NewReader(body))
			r.Method, r.URL = method, u
			r.SetBasicAuth("admin", "pw")
			w := httptest.NewRecorder()
			b.ServeHTTP(w, r)
			return w
		}
		w := do(method, u, body)
		if text := w.Body.Bytes(); len(text) > 0 && strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") && !json.Valid(text) {
			t.Errorf("%s %q: no JSON: %q", method, path, text)
		}
		if w.Code == http.StatusInternalServerError {
			t.Errorf("%s %q %q: %s", method, path, body, w.Body)
		}
		now = now.Add(time.Minute)
		w = do(http.MethodGet, &url.URL{Path: "/redfish/v1/"}, "")
		if w.Code != http.StatusOK {
			t.Errorf("after %s %q %q: %d", method, path, body, w.Code)
		}
	})
}

func validMethod(m string) bool {
	return m == http.MethodGet || m == http.MethodHead || m == http.MethodPost || m == http.MethodPatch || m == http.MethodDelete || m == http.MethodPut
}
