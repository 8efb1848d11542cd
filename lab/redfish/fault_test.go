package redfish_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socle/lab/redfish"
)

const (
	pxeOnce  = `{"Boot":{"BootSourceOverrideEnabled":"Once","BootSourceOverrideTarget":"Pxe"}}`
	sessions = "/redfish/v1/SessionService/Sessions"
	power    = system + "/Actions/ComputerSystem.Reset"
)

func TestFaults(t *testing.T) {
	for _, c := range []struct {
		kind redfish.Kind
		see  func(t *testing.T, b *bench)
	}{
		{redfish.Unauthorized, func(t *testing.T, b *bench) {
			b.want(401, "NoValidSession", "GET", system, "")
			b.want(401, "ResourceAtUriUnauthorized", "POST", sessions, `{"UserName":"admin","Password":"pw"}`, "Anonymous", "1")
		}},
		{redfish.Conflict, func(t *testing.T, b *bench) {
			b.want(409, "ResourceInUse", "PATCH", system, pxeOnce)
			b.want(409, "ResourceInUse", "POST", power, `{"ResetType":"On"}`)
			b.want(200, "", "GET", system, "")
			b.want(201, "", "POST", sessions, `{"UserName":"admin","Password":"pw"}`, "Anonymous", "1")
		}},
		{redfish.ForgetBoot, func(t *testing.T, b *bench) {
			if a := b.want(200, "", "PATCH", system, pxeOnce); a.at("Boot/BootSourceOverrideTarget") != "None" {
				t.Error(a.at("Boot"))
			}
		}},
		{redfish.WrongBoot, func(t *testing.T, b *bench) {
			b.want(200, "", "PATCH", system, pxeOnce)
			if a := b.want(200, "", "GET", system, ""); a.at("Boot/BootSourceOverrideTarget") != "Hdd" {
				t.Error(a.at("Boot"))
			}
			b.reset(t, redfish.On)
			if diff := cmp.Diff([]string{"Pxe"}, b.vm.Booted()); diff != "" {
				t.Error(diff)
			}
		}},
		{redfish.Ignore, func(t *testing.T, b *bench) {
			b.reset(t, redfish.On)
			a := b.want(200, "", "PATCH", system, pxeOnce)
			if a.at("PowerState") != "Off" || a.at("Boot/BootSourceOverrideTarget") != "None" || len(b.vm.Actions()) != 0 {
				t.Error(a.body, b.vm.Actions())
			}
		}},
		{redfish.Lie, func(t *testing.T, b *bench) {
			b.reset(t, redfish.On)
			if a := b.want(200, "", "GET", system, ""); a.at("PowerState") != "On" || len(b.vm.Actions()) != 0 {
				t.Error(a.at("PowerState"), b.vm.Actions())
			}
		}},
		{redfish.Broken, func(t *testing.T, b *bench) {
			if a := b.do("GET", system, ""); a.status != 200 || a.body != nil {
				t.Error(a)
			}
		}},
		{redfish.Unavailable, func(t *testing.T, b *bench) {
			if a := b.want(503, "ServiceTemporarilyUnavailable", "GET", system, ""); a.header.Get("Retry-After") == "" {
				t.Error(a.header)
			}
		}},
		{redfish.Error, func(t *testing.T, b *bench) { b.want(500, "InternalError", "GET", system, "") }},
		{redfish.WrongETag, func(t *testing.T, b *bench) {
			tag := b.want(200, "", "GET", system, "").header.Get("ETag")
			b.want(412, "PreconditionFailed", "PATCH", system, pxeOnce, "If-Match", tag)
			b.faults.Clear()
			tag = b.want(200, "", "GET", system, "").header.Get("ETag")
			b.want(200, "", "PATCH", system, pxeOnce, "If-Match", tag)
		}},
		{redfish.Disconnect, func(t *testing.T, b *bench) { b.silent(t, system) }},
	} {
		t.Run(string(c.kind), func(t *testing.T) {
			b := start(t, true)
			b.faults.Add(redfish.Fault{Kind: c.kind})
			c.see(t, b)
			b.faults.Clear()
			b.want(200, "", "GET", system, "")
		})
	}
}

// want does a request and checks status and message.
func (b *bench) want(status int, id, method, path, body string, headers ...string) answer {
	b.t.Helper()
	a := b.do(method, path, body, headers...)
	if a.status != status || a.messageID() != id {
		b.t.Errorf("%s %s %.80s: %d %s; want %d %s\n%v", method, path, body, a.status, a.messageID(), status, id, a.body)
	}
	return a
}

// silent makes a request that must get no answer.
func (b *bench) silent(t *testing.T, path string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("admin", "pw")
	if resp, err := b.client.Do(req); err == nil {
		_ = resp.Body.Close()
		t.Errorf("%s was answered: %s", path, resp.Status)
	}
}

func (b *bench) login() string {
	b.t.Helper()
	return b.want(201, "", "POST", sessions, `{"UserName":"admin","Password":"pw"}`, "Anonymous", "1").header.Get("X-Auth-Token")
}

func TestSlowAndHang(t *testing.T) {
	b := start(t, true)
	remove := b.faults.Add(redfish.Fault{Kind: redfish.Slow, For: 200 * time.Millisecond})
	begin := time.Now()
	if b.want(200, "", "GET", system, ""); time.Since(begin) < 200*time.Millisecond {
		t.Errorf("slow: answered after %v", time.Since(begin))
	}
	remove()
	b.faults.Add(redfish.Fault{Kind: redfish.Hang, Path: system})
	b.silent(t, system)
	b.want(200, "", "GET", "/redfish/v1/Chassis/1", "") // others are served meanwhile
}

func TestDropSession(t *testing.T) {
	b := start(t, true)
	token, other := b.login(), b.login()
	b.faults.Add(redfish.Fault{Kind: redfish.DropSession, After: 2, Times: 1})
	for _, status := range []int{200, 200, 401, 401} {
		b.expect(t, status, "GET", system, token)
	}
	b.expect(t, 200, "GET", system, other)
	if n := b.faults.Happened(redfish.DropSession); n != 1 {
		t.Errorf("happened %d times", n)
	}
}

func TestRestartsItself(t *testing.T) {
	b := start(t, true)
	token := b.login()
	b.faults.Add(redfish.Fault{Kind: redfish.Restarts, Times: 1, For: 10 * time.Second})
	b.silent(t, system)
	b.pass(9 * time.Second)
	b.silent(t, system)
	b.pass(2 * time.Second)
	b.want(200, "", "GET", system, "")
	b.expect(t, 401, "GET", system, token)
}

// TestChance: what happens by chance happens again with the same seed, and about as often as was ordered.
func TestChance(t *testing.T) {
	run := func(seed uint64) string {
		b := start(t, true, func(o *redfish.Options) { o.Seed = seed })
		b.faults.Add(redfish.Fault{Kind: redfish.Unavailable, Chance: 0.25})
		var all strings.Builder
		for range 100 {
			all.WriteByte("_x"[b.do("GET", system, "").status/503])
		}
		return all.String()
	}
	one, again, other := run(7), run(7), run(8)
	if one != again || one == other {
		t.Errorf("seed 7: %s\nagain:  %s\nseed 8: %s", one, again, other)
	}
	if n := strings.Count(one, "x"); n < 12 || n > 40 {
		t.Errorf("%d of 100 for a chance of 0.25", n)
	}
}

// TestFaultsCompose: several faults hold at a time, each for its own path and method.
func TestFaultsCompose(t *testing.T) {
	b := start(t, true)
	b.faults.Add(redfish.Fault{Kind: redfish.Conflict, Path: "/redfish/v1/Systems/*/Actions/*", Times: 2})
	b.faults.Add(redfish.Fault{Kind: redfish.Unavailable, Methods: []string{"GET"}, Path: "/redfish/v1/Managers/**"})
	b.faults.Add(redfish.Fault{Kind: redfish.ForgetBoot})
	for _, status := range []int{409, 409, 204} {
		if a := b.do("POST", power, `{"ResetType":"On"}`); a.status != status {
			t.Errorf("%d; want %d", a.status, status)
		}
	}
	b.want(503, "ServiceTemporarilyUnavailable", "GET", "/redfish/v1/Managers/1/VirtualMedia", "")
	b.want(200, "", "GET", system, "")
	if a := b.want(200, "", "PATCH", system, pxeOnce); a.at("Boot/BootSourceOverrideTarget") != "None" {
		t.Error(a.at("Boot"))
	}
	var seen []redfish.Kind
	for _, r := range b.bmc.Requests() {
		seen = append(seen, r.Faults...)
	}
	if diff := cmp.Diff([]redfish.Kind{redfish.Conflict, redfish.Conflict, redfish.Unavailable, redfish.ForgetBoot}, seen); diff != "" {
		t.Error(diff)
	}
}

func TestJournal(t *testing.T) {
	b := start(t, true)
	b.do("PATCH", system, pxeOnce)
	b.do("GET", system, "", "Anonymous", "1")
	got := b.bmc.Requests()
	if len(got) != 2 || got[0].Method != "PATCH" || got[0].User != "admin" || string(got[0].Body) != pxeOnce || got[0].Status != 200 ||
		got[1].Path != system || got[1].User != "" || got[1].Status != 401 {
		t.Errorf("%+v", got)
	}
	for range 300 {
		b.do("GET", "/redfish/v1", "")
	}
	if n, all := len(b.bmc.Requests()), b.bmc.Asked(); n != 256 || all != 302 {
		t.Errorf("%d of %d requests are remembered", n, all)
	}
}

func TestParseFault(t *testing.T) {
	for text, want := range map[string]redfish.Fault{
		"hang": {Kind: redfish.Hang},
		"slow,for=2s,method=POST+PATCH,path=/redfish/v1/Systems/**,after=1,times=3,chance=0.05": {
			Kind: redfish.Slow, For: 2 * time.Second, Methods: []string{"POST", "PATCH"}, Path: "/redfish/v1/Systems/**", After: 1, Times: 3, Chance: 0.05,
		},
	} {
		got, err := redfish.ParseFault(text)
		if diff := cmp.Diff(want, got); err != nil || diff != "" || got.String() != text {
			t.Errorf("%s: %v, %s\n%s", text, err, got, diff)
		}
	}
	for text, words := range map[string]string{
		"": "use one of", "fire": "use one of", "slow": "needs for", "hang,": "use for, method", "hang,times=x": "times=x", "hang,times=-1": "not negative",
		"hang,chance=2": "between 0 and 1", "hang,chance=NaN": "between 0 and 1", "hang,method=get": "none of GET", "hang,path=[": "path", "hang,method=": "none of GET",
	} {
		if _, err := redfish.ParseFault(text); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%q: %v; want %q", text, err, words)
		}
	}
}

func FuzzParseFault(f *testing.F) {
	for _, seed := range []string{"hang", "slow,for=2s", "conflict,method=POST+PATCH,path=/redfish/v1/**,after=1,times=3,chance=0.05", "hang,,", "slow,for=-1s"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := redfish.ParseFault(text)
		if err != nil {
			return
		}
		again, err := redfish.ParseFault(got.String())
		if err != nil || !cmp.Equal(got, again) {
			t.Errorf("%q is %+v, which is written %q and read as %+v, %v", text, got, got, again, err)
		}
		if !slices.Contains(redfish.Kinds(), got.Kind) {
			t.Errorf("%q: kind %q", text, got.Kind)
		}
	})
}
