package app

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"socle/api"
	"socle/internal/config"
	"socle/inventory"
	"socle/inventory/offline"
	"socle/inventory/signing"
)

// TestAisleServed takes a snapshot from a real server, and brings back what two people did meanwhile.
func TestAisleServed(t *testing.T) {
	c := config.Default()
	c.DataDir, c.Listen = t.TempDir(), freeAddr(t)
	client, stop := serve(t, c)
	ctx := t.Context()
	plan := func(u string) {
		t.Helper()
		_, err := client.Import(ctx, strings.NewReader("name,serial,site,rack,u,bmc_protocol,bmc_address,bmc_user,bmc_password\n"+
			"n1,S1,ams,r1,4,redfish,127.0.0.1:1,root,hunter2\nn2,S2,ams,r1,"+u+",redfish,127.0.0.1:2,root,hunter2\n"), false)
		must(t, err)
	}
	plan("6")
	_, err := client.ImportPlaces(ctx, strings.NewReader("kind,name,site,rack,u,height\nrack,r1,ams,,,24\nswitch,leaf-a,ams,r1,24,1\n"), false)
	must(t, err)
	file, err := client.TakeSnapshot(ctx, api.SnapshotRequest{Racks: []string{"r1"}})
	must(t, err)
	snap, err := offline.File(file).Open(func(key, p, s []byte) error { return signing.Verify(key, signing.Snapshot, p, s) })
	must(t, err)
	if len(snap.Servers) != 2 || len(snap.Fixtures) != 2 || snap.Servers[0].Wrong[0].What != "it was neither racked nor seen" || snap.Servers[0].Then[0].What != "it was racked, and not seen yet" {
		t.Fatalf("%+v", snap)
	}
	stop() // the key is the same after a restart
	client, _ = serve(t, c)

	chain := offline.NewChain(snap.ID)
	var journal []byte
	for _, x := range snap.Servers {
		line, err := chain.Add(offline.Entry{Kind: offline.ActRacked, Time: time.Now(), Actor: "anna", Rack: "ams/r1", Machine: x.ID, Name: x.Name, Code: x.Serial, Place: x.Place})
		must(t, err)
		journal = append(journal, line...)
	}
	plan("8") // n2 moves meanwhile
	req := api.SyncRequest{Snapshot: file, Journal: journal, Clock: time.Now().Add(-time.Hour)}
	r, err := client.Sync(ctx, req)
	must(t, err)
	if len(r.Acts) != 2 || r.Acts[0].Outcome != "applied" || r.Acts[1].Outcome != "conflict" || r.Acts[1].Change == nil || !strings.Contains(r.Acts[1].Change.What, "manifest") || !strings.HasSuffix(r.Clock, "behind") {
		t.Fatalf("%+v", r)
	}
	if r, err := client.Sync(ctx, req); err != nil || !r.Acts[0].Again || !r.Acts[1].Again {
		t.Errorf("sent again: %+v, %v", r, err)
	}
	e, err := client.Elevation(ctx, "r1")
	must(t, err)
	if e.Items[0].Racked == nil || e.Items[1].Racked != nil || e.Items[1].Place.U != 8 {
		t.Errorf("%+v", e.Items)
	}
	l, err := client.Conflicts(ctx)
	if err != nil || len(l.Open) != 1 || l.Open[0].Machine != "n2" {
		t.Fatalf("%+v, %v", l, err)
	}
	_, err = client.Decide(ctx, l.Open[0].ID, api.Decision{Take: "mine", Reason: "the rails are there"})
	must(t, err)
	if e, err = client.Elevation(ctx, "r1"); err != nil || e.Items[1].Place.U != 6 || e.Items[1].Racked == nil {
		t.Errorf("%+v, %v", e.Items, err)
	}
	status := func(err error) int {
		var p *api.Problem
		errors.As(err, &p)
		if p == nil {
			return 0
		}
		return p.Status
	}
	bad := req
	bad.Journal = journal[1:]
	foreign := req
	foreign.Snapshot.Signature = append([]byte{1}, file.Signature[1:]...)
	for name, want := range map[string]struct {
		err    error
		status int
	}{
		"decided twice":    {second(client.Decide(ctx, l.Open[0].ID, api.Decision{Take: "theirs"})), http.StatusConflict},
		"no such conflict": {second(client.Decide(ctx, "none", api.Decision{Take: "theirs"})), http.StatusNotFound},
		"no side":          {second(client.Decide(ctx, l.Open[0].ID, api.Decision{Take: "both"})), http.StatusUnprocessableEntity},
		"damaged journal":  {second(client.Sync(ctx, bad)), http.StatusUnprocessableEntity},
		"wrong signature":  {second(client.Sync(ctx, foreign)), http.StatusUnprocessableEntity},
		"no such rack":     {second(client.TakeSnapshot(ctx, api.SnapshotRequest{Racks: []string{"r9"}})), http.StatusNotFound},
		"nothing":          {second(client.TakeSnapshot(ctx, api.SnapshotRequest{})), http.StatusUnprocessableEntity},
	} {
		if got := status(want.err); got != want.status {
			t.Errorf("%s: %d %v, want %d", name, got, want.err, want.status)
		}
	}
	var told []string
	events, err := client.Events(ctx, api.EventQuery{Machine: "n2", Limit: 50, Latest: true})
	must(t, err)
	for _, e := range events.Events {
		told = append(told, e.Kind)
	}
	if got := strings.Join(told, " "); !strings.HasSuffix(got, "aisle-conflict place aisle-decision") {
		t.Errorf("the history: %s", got)
	}
	if m, err := client.Machine(ctx, "n2"); err != nil || m.State != string(inventory.Expected) {
		t.Errorf("%+v, %v", m, err)
	}
}

func second[T any](_ T, err error) error { return err }
