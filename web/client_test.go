package web_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socle/api"
	"socle/inventory"
	"socle/web/webtest"
)

func client(t *testing.T, server, token string) *api.Client {
	t.Helper()
	c, err := api.NewClient(api.ClientOptions{Server: server, Token: token})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestClient speaks every call of the client to the real handler.
func TestClient(t *testing.T) {
	world, srv := start(t)
	c, ctx := client(t, srv.URL, webtest.AdminToken), t.Context()
	list, err := c.Machines(ctx, "deploying", "")
	if err != nil || len(list) != 2 || list[0].Name != "hv02" || list[0].Progress == nil || list[0].Facts != nil {
		t.Fatalf("machines: %+v, %v", list, err)
	}
	m, err := c.Machine(ctx, "SMC-2041-0007")
	if err != nil || m.Name != "hv01" || m.Facts == nil || m.Facts.NICs[0].LLDP[0].SystemName != "leaf01" {
		t.Fatalf("machine: %+v, %v", m, err)
	}
	var names []string
	for _, p := range m.Timing {
		names = append(names, p.Name)
	}
	if diff := cmp.Diff([]string{"expected", "discovered", "inspecting", "ready", "deploying"}, names); diff != "" {
		t.Errorf("timing:\n%s", diff)
	}
	if last := m.Timing[4]; last.Wire != 312<<20 || last.Seconds < 378 || last.Seconds > 380 {
		t.Errorf("timing of deploying: %+v", last)
	}
	if orders, err := c.Orders(ctx, "hv01"); err != nil || len(orders) != 4 || orders[0].Kind != api.OrderReboot {
		t.Errorf("orders: %+v, %v", orders, err)
	}
	if ev, err := c.Evidence(ctx, "hv01", 2); err != nil || len(ev) != 2 || ev[1].Source != "agent" {
		t.Errorf("evidence: %+v, %v", ev, err)
	}
	w, err := c.Why(ctx, "hv01")
	if err != nil || w.Verdict.ID != "agent-speaks" || w.Verdict.Standing != api.StandingBoots || len(w.Story) != 5 || len(w.Evidence) != 5 || w.Evidence[3].Total != 21<<20 {
		t.Errorf("why: %+v, %v", w, err)
	}
	if w, err := c.Why(ctx, "st02"); err != nil || w.Verdict.ID != "never-seen" || w.Since != nil {
		t.Errorf("why of a machine that was not booted: %+v, %v", w, err)
	}
	if _, err := c.Why(ctx, "nobody"); !errors.As(err, new(*api.Problem)) {
		t.Errorf("why of nobody: %v", err)
	}
	if p, err := c.Power(ctx, "hv01", "off"); err != nil || p != "off" {
		t.Errorf("power: %q, %v", p, err)
	}
	if m, err := c.Hold(ctx, "hv01", "new fan"); err != nil || m.Hold == nil || m.Hold.Actor != "token:admin" {
		t.Errorf("hold: %+v, %v", m, err)
	}
	if m, err := c.Release(ctx, "hv01"); err != nil || m.Hold != nil {
		t.Errorf("release: %+v, %v", m, err)
	}
	if _, err := c.Inspect(ctx, "hv01", api.InspectRequest{}); err != nil {
		t.Errorf("inspect: %v", err)
	}
	if m, err := c.Deploy(ctx, "st02", api.DeployRequest{Serial: "SMC-6029-0102"}); err != nil || m.Intent != "active" {
		t.Errorf("deploy: %+v, %v", m, err)
	}
	if r, err := c.BuildOut(ctx, "st02", "stray-9f31"); err != nil || len(r.Started) != 1 || len(r.Skipped) != 1 {
		t.Errorf("build-out: %+v, %v", r, err)
	}
	if r, err := c.Import(ctx, strings.NewReader("name\nhv09\n"), true); err != nil || !r.DryRun || len(r.Added) != 1 {
		t.Errorf("import: %+v, %v", r, err)
	}
	if r, err := c.Roles(ctx); err != nil || len(r) != 2 || r[1].DataDisks["label"] != "d" {
		t.Errorf("roles: %+v, %v", r, err)
	}
	if r, err := c.Images(ctx); err != nil || len(r) != 1 || r[0].Stored != 312<<20 {
		t.Errorf("images: %+v, %v", r, err)
	}
	if r, err := c.Subnets(ctx); err != nil || len(r) != 1 || r[0].Prefix != "198.18.0.0/24" || r[0].LeaseSeconds != 3600 || r[0].Mode != "full" {
		t.Errorf("subnets: %+v, %v", r, err)
	}
	if l, err := c.Events(ctx, api.EventQuery{Latest: true, Limit: 1, Machine: "st02"}); err != nil || len(l.Events) != 1 || l.Events[0].Machine != "st02" || l.Next != l.Events[0].Seq {
		t.Errorf("events: %+v, %v", l, err)
	}
	if len(world.Calls()) != 6 {
		t.Errorf("calls: %q", world.Calls())
	}
}

func TestClientErrors(t *testing.T) {
	_, srv := start(t)
	ctx := t.Context()
	var p *api.Problem
	if _, err := client(t, srv.URL, "wrong").Machines(ctx, "", ""); !errors.As(err, &p) || p.Status != http.StatusUnauthorized {
		t.Errorf("wrong token: %v", err)
	}
	if _, err := client(t, srv.URL, webtest.AdminToken).Machine(ctx, "../events"); !errors.As(err, &p) || p.Code != api.ErrNotFound || !strings.Contains(p.Detail, "../events") {
		t.Errorf("a name like a path: %v", err)
	}
	_, err := client(t, srv.URL, webtest.AdminToken).Import(ctx, strings.NewReader("name\nbad\n"), false)
	if err == nil || !strings.Contains(err.Error(), "line 2, column serial") {
		t.Errorf("a bad manifest: %v", err)
	}
	if _, err := client(t, "http://127.0.0.1:1", "x").Machines(ctx, "", ""); !errors.Is(err, api.ErrUnreachable) {
		t.Errorf("no server: %v", err)
	}
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusBadGateway) }))
	defer other.Close()
	if _, err := client(t, other.URL, "x").Machines(ctx, "", ""); !errors.As(err, &p) || p.Status != http.StatusBadGateway {
		t.Errorf("a proxy's page: %v", err)
	}
	away := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusFound))
	defer away.Close()
	if _, err := client(t, away.URL, "secret").Machines(ctx, "", ""); err == nil {
		t.Error("the client followed a redirect with its token")
	}
}

// TestFollow breaks the connection after every event: none is lost, none comes twice.
func TestFollow(t *testing.T) {
	world, srv := start(t)
	var streams atomic.Int32
	cutter := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		if r.URL.Path == api.PathStream {
			streams.Add(1)
			w = &cutting{ResponseWriter: w, cut: cancel}
		}
		srv.Config.Handler.ServeHTTP(w, r.WithContext(ctx))
	}))
	defer cutter.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var seqs []int64
	done := errors.New("seen enough")
	err := client(t, cutter.URL, webtest.AdminToken).Follow(ctx, 14, "", func(e api.Event) error {
		seqs = append(seqs, e.Seq)
		if e.Seq == 16 {
			world.Append(inventory.Event{Kind: "test"})
		}
		if e.Seq == 17 {
			return done
		}
		return nil
	})
	if !errors.Is(err, done) || streams.Load() < 2 {
		t.Errorf("Follow ended with %v after %d streams", err, streams.Load())
	}
	if diff := cmp.Diff([]int64{15, 16, 17}, seqs); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// cutting ends the request after the first event went out.
type cutting struct {
	http.ResponseWriter
	cut  func()
	gone bool
}

func (c *cutting) Write(b []byte) (int, error) {
	if c.gone {
		return 0, io.ErrClosedPipe
	}
	n, err := c.ResponseWriter.Write(b)
	if strings.HasPrefix(string(b), "id:") {
		c.gone = true
		c.cut()
	}
	return n, err
}

func (c *cutting) Unwrap() http.ResponseWriter { return c.ResponseWriter }
func (c *cutting) Flush()                      { c.ResponseWriter.(http.Flusher).Flush() } //nolint:forcetypeassert // net/http's is one

// TestClientDeliveries: an order, what came of it, and the number of the first page.
func TestClientDeliveries(t *testing.T) {
	world, srv := start(t)
	c := client(t, srv.URL, webtest.AdminToken)
	if _, err := c.ImportOrders(t.Context(), strings.NewReader("model\nr650\nr650\nr650\n"), api.OrderImport{Number: "PO-7", Vendor: "<Dell>"}); err != nil {
		t.Fatal(err)
	}
	before, err := c.Deliveries(t.Context())
	if err != nil || len(before.Deliveries) != 1 || before.Deliveries[0].NotSeen != 3 {
		t.Fatalf("%+v, %v", before, err)
	}
	world.Put(inventory.Machine{ID: "r1", Name: "r1", State: inventory.Discovered, InPlan: true, Delivery: "PO-7", Model: "r650", Identity: inventory.Identity{Serial: "R1"}})
	world.Put(inventory.Machine{ID: "x1", Name: "x1", State: inventory.Expected, InPlan: true, Delivery: "PO-7", Model: "x12", Identity: inventory.Identity{Serial: "X1"}})
	d, err := c.Delivery(t.Context(), "po-7")
	if err != nil || d.NotSeen != 2 || d.Lines[0].Announced != 1 || d.Lines[0].Detected != 1 || d.Lines[0].Racked != 0 || len(d.Extra) != 1 || d.Lines[0].UnitPrice != "1234.50" {
		t.Errorf("%+v, %v", d, err)
	}
	after, err := c.Deliveries(t.Context())
	if err != nil || after.NotSeen != before.NotSeen {
		t.Errorf("not seen: %d, then %d", before.NotSeen, after.NotSeen) // one was seen, and one more was announced
	}
	if m, err := c.Machine(t.Context(), "x1"); err != nil || strings.Join(m.Lacks, ", ") != "place, BMC address" {
		t.Errorf("it lacks %q, %v", m.Lacks, err)
	}
	who := login(t, srv)
	if _, text := page(t, who, srv.URL+"/"); !strings.Contains(text, fmt.Sprintf("<b>%d</b><span>ordered, not seen</span>", after.NotSeen)) {
		t.Error("the first page does not say how many were not seen")
	}
	if _, text := page(t, who, srv.URL+"/deliveries"); !strings.Contains(text, "&lt;Dell&gt;") || !strings.Contains(text, "PO-7") || !strings.Contains(text, `<a href="/machines/x1">x1</a>`) {
		t.Errorf("the page of deliveries is\n%s", text)
	}
}
