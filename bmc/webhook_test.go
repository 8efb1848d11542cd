package bmc_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socle/bmc"
	"socle/internal/secret"
	"socle/inventory"
)

// hook is a webhook as somebody would write it: it checks the signature, and has one server.
type hook struct {
	*httptest.Server
	mu     sync.Mutex
	on     bool
	did    []string
	broken http.HandlerFunc // instead of all; nil: it works
}

func startHook(t *testing.T) *hook {
	h := &hook{}
	h.Server = httptest.NewTLSServer(h)
	h.Config.ErrorLog = nil
	t.Cleanup(h.Close)
	return h
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case err != nil || !signed(r, body):
		w.WriteHeader(http.StatusUnauthorized)
		return
	case h.broken != nil:
		h.broken(w, r)
		return
	case r.URL.Path != "/power/hv01":
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if r.Method == http.MethodPost {
		var order struct{ Machine, Action string }
		if err := json.Unmarshal(body, &order); err != nil || order.Machine != "hv01" || order.Action != r.URL.Query().Get("do") {
			w.WriteHeader(http.StatusUnprocessableEntity)
			return
		}
		h.on = order.Action == "on"
		h.did = append(h.did, order.Action)
		w.WriteHeader(http.StatusAccepted)
		return
	}
	_, _ = fmt.Fprintf(w, `{"power": %q, "since": "2026"}`, map[bool]string{true: "on", false: "off"}[h.on])
}

// signed is how a receiver checks a call.
func signed(r *http.Request, body []byte) bool {
	at, proof, _ := strings.Cut(strings.TrimPrefix(r.Header.Get(bmc.SignatureHeader), "t="), ",v1=")
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil || time.Since(time.Unix(seconds, 0)).Abs() > 5*time.Minute {
		return false
	}
	mac := hmac.New(sha256.New, []byte(password))
	_, _ = mac.Write([]byte(at + "\n" + r.Method + "\n" + r.URL.RequestURI() + "\n" + string(body)))
	return hmac.Equal([]byte(proof), []byte(hex.EncodeToString(mac.Sum(nil))))
}

func (h *hook) target() bmc.Target {
	return bmc.Target{Machine: "hv01", Protocol: inventory.Webhook, Address: h.URL + "/power/{machine}?do={action}", User: "hook", Password: secret.New(password)}
}

// trusting are bounds of a driver that trusts the webhook's certificate.
func (h *hook) trusting(o bmc.Options) *bmc.Driver {
	o.WebhookRoots = x509.NewCertPool()
	o.WebhookRoots.AddCert(h.Certificate())
	return bmc.New(o)
}

func TestWebhook(t *testing.T) {
	h := startHook(t)
	d, p := h.trusting(unhurried), &peer{target: h.target()}
	setPower(t, d, p, bmc.Off, inventory.PowerOff)
	setPower(t, d, p, bmc.On, inventory.PowerOn)
	setPower(t, d, p, bmc.On, inventory.PowerOn)
	setPower(t, d, p, bmc.Cycle, inventory.PowerOn)
	setPower(t, d, p, bmc.Off, inventory.PowerOff)
	if diff := cmp.Diff([]string{"on", "off", "on", "off"}, h.did); diff != "" {
		t.Error(diff)
	}
	if v, err := d.Vitals(t.Context(), p.target, inventory.LogMark{}); err != nil || v.Power != inventory.PowerOff || len(v.Notes) > 0 {
		t.Errorf("%+v, %v", v, err)
	}
}

// TestWebhookFaults: whatever is wrong with a webhook is said, and nothing is taken for an answer that is none.
func TestWebhookFaults(t *testing.T) {
	h := startHook(t)
	elsewhere := startHook(t)
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		kind   error // nil: of none of the kinds
		says   string
	}{
		{"401", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }, bmc.ErrAuth, "401 Unauthorized"},
		{"404", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }, bmc.ErrUnsupported, "knows no such machine"},
		{"500", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "the relay is stuck", 500) }, nil, "500 Internal Server Error: the relay is stuck"},
		{"202 without an answer", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) }, nil, "202 Accepted"},
		{"redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		}, nil, "is not followed"},
		{"no JSON", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "on") }, nil, `its answer is not {"power": "on"}`},
		{"another power", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"power": "ON!"}`) }, nil, `the power is "ON!"`},
		{"no power", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{}`) }, nil, `the power is ""`},
		{"huge", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"power": "on", "x": "`+strings.Repeat("x", 1<<20)+`"}`)
		}, nil, "longer than 65536 bytes"},
		{"cut off", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"power":`)
		}, bmc.ErrUnreachable, "reading its answer"},
		{"hanging", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, bmc.ErrUnreachable, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := startHook(t)
			h.broken = c.answer
			o := unhurried
			if c.name == "hanging" {
				o.ReadTimeout = 500 * time.Millisecond
			}
			p, err := h.trusting(o).Power(t.Context(), h.target())
			if err == nil || p != inventory.PowerUnknown {
				t.Fatalf("power %q, %v", p, err)
			}
			if c.kind != nil {
				mustBe(t, err, c.kind, c.says)
				return
			}
			mustBe(t, err, err, c.says)
			for _, kind := range []error{bmc.ErrAuth, bmc.ErrUnreachable, bmc.ErrUnsupported} {
				if errors.Is(err, kind) {
					t.Errorf("it is %v: %v", kind, err)
				}
			}
		})
	}
	if len(elsewhere.did) > 0 {
		t.Error("a redirect was followed")
	}
	_, err := bmc.New(unhurried).Power(t.Context(), h.target()) // whose certificate nobody vouches for
	if mustBe(t, err, err, "power.webhook_ca"); errors.Is(err, bmc.ErrAuth) {
		t.Error("the password is not what is wrong")
	}
	to := h.target()
	to.Password = secret.New("not" + password)
	_, err = h.trusting(unhurried).Power(t.Context(), to)
	mustBe(t, err, bmc.ErrAuth, "401")
	for _, bad := range []string{"http://127.0.0.1/{machine}", "ftp://x/", "https:///x", "https://a:b@x/", "hook", "https://[::1"} {
		to := h.target()
		to.Address = bad
		_, err := h.trusting(unhurried).Power(t.Context(), to)
		mustBe(t, err, bmc.ErrUnsupported, "is no URL of a webhook")
	}
}

// TestOnlyPower: of all that a driver can do, a server without a BMC has its power; everything else is refused at once,
// with words, also what is yet to be thought of.
func TestOnlyPower(t *testing.T) {
	h := startHook(t)
	d := h.trusting(unhurried)
	can := map[string]bool{"Probe": true, "Power": true, "SetPower": true, "Vitals": true}
	of := reflect.TypeFor[bmc.Target]()
	tried, refused := 0, 0 // some look at their arguments first
	for i := range reflect.TypeOf(d).NumMethod() {
		m := reflect.TypeOf(d).Method(i)
		if m.Type.NumIn() < 3 || m.Type.In(2) != of {
			continue
		}
		in := []reflect.Value{reflect.ValueOf(d), reflect.ValueOf(t.Context()), reflect.ValueOf(h.target())}
		for n := 3; n < m.Type.NumIn() && (!m.Type.IsVariadic() || n < m.Type.NumIn()-1); n++ {
			in = append(in, reflect.Zero(m.Type.In(n)))
		}
		if m.Name == "SetPower" {
			in[3] = reflect.ValueOf(bmc.Off)
		}
		out := m.Func.Call(in)
		err, _ := out[len(out)-1].Interface().(error)
		switch {
		case can[m.Name] && err != nil:
			t.Errorf("%s: %v", m.Name, err)
		case !can[m.Name]:
			t.Run(m.Name, func(t *testing.T) { mustBe(t, err, bmc.ErrUnsupported, "") })
			if err != nil && strings.Contains(err.Error(), "the server has no BMC that could") {
				refused++
			}
		}
		tried++
	}
	if tried < 15 || refused < 15-len(can) {
		t.Errorf("only %d methods were tried, and %d refused", tried, refused)
	}
	setPower(t, d, &peer{target: h.target()}, bmc.On, inventory.PowerOn)
	for action, want := range map[bmc.Action]string{bmc.Reset: "use cycle", bmc.Soft: "shut down", bmc.NMI: "interrupt"} {
		_, err := d.SetPower(t.Context(), h.target(), action)
		mustBe(t, err, bmc.ErrUnsupported, want)
	}
}
