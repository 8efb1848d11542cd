package web

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"socle/api"
	"socle/inventory"
	"socle/inventory/elevation"
)

type (
	elevationInput struct {
		Rack string `query:"rack" required:"true" maxLength:"300" doc:"full name, or one that only one rack has"`
	}
	rackingInput struct{ Body api.RackingRequest }
)

func (s *Server) restPlaces(a huma.API) {
	register(s, a, get("list-places", api.PathPlaces, "List racks and the devices besides servers", "places"), s.listPlaces)
	op := post("import-places", api.PathPlaces, "Import a floor plan (CSV or XLSX): racks and devices, all of it, or nothing and every error with its line", "places")
	op.MaxBodyBytes = maxManifest
	register(s, a, op, func(ctx context.Context, in *manifestInput) (*body[api.ImportReply], error) {
		reply, err := s.o.Places.ImportFixtures(ctx, actor(ctx), in.RawBody, in.DryRun)
		if err != nil {
			return nil, err
		}
		return &body[api.ImportReply]{reply}, nil
	})
	register(s, a, get("get-elevation", api.PathElevation, "Show what stands where in a rack, and what is still wrong there", "places"),
		func(ctx context.Context, in *elevationInput) (*body[api.Elevation], error) {
			out, _, err := s.elevation(ctx, in.Rack)
			if err != nil {
				return nil, err
			}
			return &body[api.Elevation]{out}, nil
		})
	register(s, a, post("rack-machine", api.PathRacking, "Say that a server was put into its rack, or ask where it goes", "places"),
		func(ctx context.Context, in *rackingInput) (*body[api.RackingReply], error) {
			out, err := s.rackMachine(ctx, in.Body)
			if err != nil {
				return nil, err
			}
			return &body[api.RackingReply]{out}, nil
		})
}

// standing is all racks with the servers and devices in them, the machines by name, and the devices.
func (s *Server) standing(ctx context.Context) (racks []elevation.Rack, machines map[string]inventory.Machine, devices []inventory.Fixture, err error) {
	fixtures, err := s.o.Places.Fixtures(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	roster, err := s.o.Inventory.Roster(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	machines = make(map[string]inventory.Machine, len(roster))
	var items []elevation.Item
	for _, m := range roster {
		if m.State != inventory.Retired {
			machines[m.Name] = m
			items = append(items, elevation.Server(m))
		}
	}
	for _, f := range fixtures {
		if !f.IsRack() {
			devices = append(devices, f)
			items = append(items, elevation.Device(f))
		}
	}
	return elevation.Racks(fixtures, items), machines, devices, nil
}

func (s *Server) listPlaces(ctx context.Context, _ *none) (*body[api.Places], error) {
	racks, _, devices, err := s.standing(ctx)
	if err != nil {
		return nil, err
	}
	out := api.Places{Racks: []api.RackSummary{}, Devices: []api.Device{}}
	for _, r := range racks {
		if r.Place.Rack != "" {
			out.Racks = append(out.Racks, rackOut(r))
		}
	}
	for _, f := range devices {
		out.Devices = append(out.Devices, api.Device{Kind: string(f.Kind), Name: f.Name, Model: f.Model, Serial: f.Serial, AssetTag: f.AssetTag, Place: api.Place(f.Place)})
	}
	return &body[api.Places]{out}, nil
}

func rackOut(r elevation.Rack) api.RackSummary {
	out := api.RackSummary{Name: r.Name(), Place: api.Place(r.Place), Height: r.Height, Known: r.Known, Free: r.FreeUnits(),
		FreeFront: unitsOut(r.Free(inventory.Front)), FreeRear: unitsOut(r.Free(inventory.Rear)), FreeBoth: unitsOut(r.Free(""))}
	for _, f := range r.Feeds {
		out.Feeds = append(out.Feeds, api.Feed(f))
	}
	out.Servers, out.Faults, out.Devices = r.Count()
	return out
}

// elevation is a rack with everything that is known of what stands in it, and as it is drawn.
func (s *Server) elevation(ctx context.Context, ref string) (api.Elevation, elevation.Rack, error) {
	racks, machines, devices, err := s.standing(ctx)
	if err != nil {
		return api.Elevation{}, elevation.Rack{}, err
	}
	r, err := elevation.Find(racks, ref)
	if err != nil {
		return api.Elevation{}, elevation.Rack{}, err
	}
	t, err := s.tidings(ctx)
	if err != nil {
		return api.Elevation{}, elevation.Rack{}, err
	}
	tags := map[string]string{}
	for _, d := range devices {
		tags[string(d.Kind)+d.Name] = d.AssetTag
	}
	item := func(i elevation.Item) api.ElevationItem {
		out := api.ElevationItem{Name: i.Name, Kind: i.Kind, Place: api.Place(i.Place), Serial: i.Serial, AssetTag: tags[i.Kind+i.Name],
			State: i.State, Power: i.Power, Fault: i.Fault, Held: i.Held}
		m, server := machines[i.Name]
		if !server || i.Kind != elevation.ServerKind {
			return out
		}
		out.Trouble, out.AssetTag = i.Text, m.Identity.AssetTag
		racking, racked := t.racked(m)
		if racked {
			out.Racked = timeOut(racking.Time)
		}
		for _, u := range m.Undone(racked, t.found[m.ID]) {
			out.Wrong = append(out.Wrong, api.Wrong(u))
		}
		return out
	}
	out := ElevationOf(r, item)
	open, err := s.o.Aisle.Acts(ctx, inventory.ActFilter{Open: true, Limit: maxConflicts})
	for _, a := range open {
		if strings.EqualFold(a.Rack, r.Name()) {
			out.Conflicts = append(out.Conflicts, actOut(a))
		}
	}
	return out, r, err
}

// ElevationOf is a rack as it is sent; item says what is known of each that stands in it.
func ElevationOf(r elevation.Rack, item func(elevation.Item) api.ElevationItem) api.Elevation {
	out := api.Elevation{RackSummary: rackOut(r), Items: []api.ElevationItem{}, Problems: r.Problems()}
	for _, i := range r.Items {
		out.Items = append(out.Items, item(i))
	}
	for _, i := range r.Loose {
		out.Loose = append(out.Loose, item(i))
	}
	return out
}

// tidings is what was found of machines and who racked them, by their IDs.
type tidings struct {
	found    map[string][]inventory.Findings
	rackings map[string]inventory.Racking
}

func (s *Server) tidings(ctx context.Context) (t tidings, err error) {
	found, err := s.o.Findings.Findings(ctx, "")
	if err != nil {
		return t, err
	}
	t.found = map[string][]inventory.Findings{}
	for _, f := range found {
		t.found[f.Machine] = append(t.found[f.Machine], f)
	}
	t.rackings, err = s.o.Places.Rackings(ctx)
	return t, err
}

// racked is who put a machine to its place; one that the plan moved since is not racked.
func (t tidings) racked(m inventory.Machine) (inventory.Racking, bool) {
	r, known := t.rackings[m.ID]
	return r, known && r.Place == m.Place
}

func unitsOut(all []elevation.Span) []api.Units {
	out := []api.Units{}
	for _, s := range all {
		out = append(out, api.Units(s))
	}
	return out
}

// rackMachine finds the server that a person holds in the hands, says where it goes, and writes down that it is there.
func (s *Server) rackMachine(ctx context.Context, r api.RackingRequest) (api.RackingReply, error) {
	racks, machines, _, err := s.standing(ctx)
	if err != nil {
		return api.RackingReply{}, err
	}
	rack, err := elevation.Find(racks, r.Rack)
	if err != nil {
		return api.RackingReply{}, err
	}
	candidates := func(yield func(inventory.Candidate) bool) {
		for _, m := range machines {
			if !yield(inventory.Candidate{ID: m.ID, Name: m.Name, Serial: m.Serial(), AssetTag: m.Identity.AssetTag, Place: m.Place}) {
				return
			}
		}
	}
	m, err := inventory.Scanned(candidates, r.Code, rack.Name())
	if err != nil {
		return api.RackingReply{}, refused(err)
	}
	out := api.RackingReply{Machine: m.Name, Serial: m.Serial, Place: api.Place(m.Place)}
	if r.Look {
		return out, nil
	}
	racking, err := s.o.Places.SaveRacking(ctx, m.ID, actor(ctx))
	if errors.Is(err, inventory.ErrRacked) {
		return api.RackingReply{}, refused(inventory.AlreadyRacked(m, racking))
	}
	out.Racked = timeOut(racking.Time)
	return out, err
}

// refused is a Refusal as it is sent; any other error stays what it is.
func refused(err error) error {
	var r inventory.Refusal
	switch {
	case !errors.As(err, &r):
		return err
	case r.Unknown:
		return newProblem(http.StatusNotFound, r.Text)
	}
	return newProblem(http.StatusConflict, r.Text)
}
