package redfish_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	gofishredfish "github.com/stmcginnis/gofish/redfish"

	"socle/lab/redfish"
)

func TestEvents(t *testing.T) {
	b := start(t, true)
	got := make(chan map[string]any, 8)
	srv := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var e map[string]any
		if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
			t.Error(err)
		}
		got <- e
	}))
	defer srv.Close()
	svc := must[*gofishredfish.EventService](t)(b.gofish().EventService())
	at := must[string](t)(svc.CreateEventSubscription(srv.URL+"/events", []gofishredfish.EventType{"Alert"}, nil, "Redfish", "rack 1", nil)) //nolint:staticcheck // event types are what the field has
	check(t, svc.SubmitTestEvent("hello"))
	next := func() answer {
		t.Helper()
		select {
		case e := <-got:
			return answer{body: map[string]any{"Context": e["Context"], "Event": e["Events"].([]any)[0]}}
		case <-time.After(10 * time.Second):
			t.Fatal("no event came")
		}
		return answer{}
	}
	if e := next(); e.at("Context") != "rack 1" || e.at("Event/Message") != "hello" {
		t.Error(e.body)
	}
	b.reset(t, redfish.On) // a StatusChange, which was not asked for
	check(t, b.bmc.SetHealth("Fan1", redfish.Critical))
	if e := next(); e.at("Event/Message") != "Fan1 has failed." || e.at("Event/Severity") != "Critical" || e.at("Event/OriginOfCondition/@odata.id") != "/redfish/v1/Chassis/1" {
		t.Error(e.body)
	}
	b.faults.Add(redfish.Fault{Kind: redfish.LoseEvent, Times: 1})
	b.bmc.AddLog(redfish.Warning, "lost")
	b.bmc.AddLog(redfish.Warning, "not lost")
	if e := next(); e.at("Event/Message") != "not lost" {
		t.Error(e.body)
	}
	check(t, svc.DeleteEventSubscription(at))
	b.bmc.AddLog(redfish.Warning, "nobody hears")
	b.want(400, "PropertyValueNotInList", "POST", "/redfish/v1/EventService/Subscriptions", `{"Destination":"http://x/","Protocol":"SNMPv3"}`)
	b.want(400, "PropertyValueFormatError", "POST", "/redfish/v1/EventService/Subscriptions", `{"Destination":"x","Protocol":"Redfish"}`)
}

// TestEventStream reads server-sent events until the controller restarts.
func TestEventStream(t *testing.T) {
	b := start(t, true)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.url+"/redfish/v1/EventService/SSE", nil)
	check(t, err)
	req.SetBasicAuth("admin", "pw")
	resp := must[*http.Response](t)(b.client.Do(req))
	defer func() { _ = resp.Body.Close() }()
	b.bmc.AddLog(redfish.Warning, "first")
	b.bmc.AddLog(redfish.Warning, "second")
	b.bmc.Restart()
	text := string(must[[]byte](t)(io.ReadAll(resp.Body)))
	var seen []string
	for _, part := range splitEvents(text) {
		var e struct{ Events []struct{ Message string } }
		check(t, json.Unmarshal([]byte(part), &e))
		seen = append(seen, e.Events[0].Message)
	}
	if diff := cmp.Diff([]string{"first", "second"}, seen); diff != "" {
		t.Errorf("%s\n%s", diff, text)
	}
	b.pass(time.Minute)
	b.want(401, "NoValidSession", "GET", "/redfish/v1/EventService/SSE", "", "Anonymous", "1")
}
