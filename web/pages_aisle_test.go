package web_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"socle/inventory"
	"socle/inventory/offline"
	"socle/web/webtest"
)

// conflict makes one of a machine that the plan moved while somebody racked it.
func conflict(t *testing.T, world *webtest.World, name string) offline.Act {
	t.Helper()
	m := inventory.Machine{ID: "id-" + name, Name: name, State: inventory.Expected, Place: inventory.Place{Site: "lab", Rack: "r7", U: 3}}
	snap := offline.Snapshot{ID: "SNAP", Taken: time.Now(), Servers: []offline.Server{{ID: m.ID, Name: name, Place: m.Place}}}
	c := offline.NewChain("SNAP")
	if _, err := c.Add(offline.Entry{Kind: offline.ActRacked, Time: time.Now(), Actor: "anna <b>", Rack: "lab/r7", Machine: m.ID, Name: name, Place: m.Place}); err != nil {
		t.Fatal(err)
	}
	m.Place.U = 9
	world.Put(m)
	acts, err := world.SyncActs(t.Context(), offline.Batch{Snapshot: snap, Entries: c.Entries, SentBy: "token:admin", Skew: 2 * time.Hour}, false)
	if err != nil || acts[0].Outcome != offline.Conflict {
		t.Fatalf("%+v, %v", acts, err)
	}
	return acts[0]
}

// TestConflictsPage shows both sides of a conflict and decides it, once.
func TestConflictsPage(t *testing.T) {
	world, srv := start(t)
	one, two := conflict(t, world, "n1"), conflict(t, world, "n2")
	c := login(t, srv)
	_, body := page(t, c, srv.URL+"/conflicts")
	has(t, body, "n1 into rack lab/r7, U 3", "anna &lt;b&gt; in the aisle at", "by a clock that was 2h0m0s ahead", "sent by token:admin", "n1 goes into rack lab/r7, U 9", "token:bob at",
		"it was to go into rack lab/r7, U 3, and is to go into rack lab/r7, U 9 now")
	_, rack := page(t, c, srv.URL+"/places/rack?rack=r7")
	has(t, rack, `<a href="/conflicts"><b>n1</b></a>`, "done in the aisle, and known otherwise: it was to go into rack lab/r7, U 3")
	csrf := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(body)[1]
	for _, x := range []struct {
		id, take string
		status   int
		has      string
	}{
		{one.ID, "both", http.StatusUnprocessableEntity, "take mine or theirs"}, {"nothing", "mine", http.StatusNotFound, "not found"},
		{one.ID, "mine", http.StatusSeeOther, ""}, {one.ID, "theirs", http.StatusConflict, "<b>Not decided.</b> it was decided already"}, {two.ID, "theirs", http.StatusSeeOther, ""},
	} {
		res, body := do(t, c, form(t, srv.URL+"/conflicts", url.Values{"csrf": {csrf}, "id": {x.id}, "take": {x.take}, "reason": {"I looked"}}))
		if res.StatusCode != x.status || !strings.Contains(body, x.has) {
			t.Errorf("%s: %d, and no %q in %s", x.take, res.StatusCode, x.has, body)
		}
	}
	if res, _ := do(t, c, form(t, srv.URL+"/conflicts", url.Values{"id": {one.ID}, "take": {"mine"}})); res.StatusCode != http.StatusForbidden {
		t.Errorf("without the session's secret: %d", res.StatusCode)
	}
	_, body = page(t, c, srv.URL+"/conflicts")
	has(t, body, "Nothing waits for a decision.", "I looked", ">mine<", ">theirs<")
	if calls := strings.Join(world.Calls(), "\n"); strings.Count(calls, " took ") != 2 {
		t.Errorf("calls %s", calls)
	}
	_, body = page(t, c, srv.URL+"/places")
	has(t, body, `href="/conflicts"`)
}
