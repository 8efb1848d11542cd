package web

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"socle/api"
	"socle/inventory"
)

// maxMapping bounds a mapping, in bytes.
const maxMapping = 64 << 10

type (
	mappingInput struct {
		RawBody []byte `contentType:"application/yaml"`
	}
	namedMapping struct {
		Name string `path:"name" maxLength:"64"`
	}
	ordersInput struct {
		DryRun   bool   `query:"dry_run" doc:"check everything and change nothing"`
		Mapping  string `query:"mapping" maxLength:"64" doc:"name of the mapping that says what the file's columns are; empty: they are ours"`
		Number   string `query:"number" maxLength:"64" doc:"of the order, where the file does not say it"`
		Vendor   string `query:"vendor" maxLength:"64" doc:"likewise"`
		Ordered  string `query:"ordered" maxLength:"10" doc:"likewise, 2026-11-26"`
		Expected string `query:"expected" maxLength:"10" doc:"likewise"`
		RawBody  []byte `contentType:"text/csv"`
	}
	numberedDelivery struct {
		Number string `path:"number" maxLength:"64"`
	}
)

func (s *Server) restDeliveries(a huma.API) {
	put := post("put-mapping", api.PathMappings, "Store a mapping of a vendor's columns to ours (YAML), or every error", "manifests")
	put.MaxBodyBytes = maxMapping
	register(s, a, put, func(ctx context.Context, in *mappingInput) (*body[api.Mapping], error) {
		m, err := s.o.Mappings.PutMapping(ctx, actor(ctx), in.RawBody)
		return &body[api.Mapping]{mappingOut(m)}, err
	})
	register(s, a, get("list-mappings", api.PathMappings, "List the mappings by name, without their texts", "manifests"), func(ctx context.Context, _ *none) (*body[api.MappingList], error) {
		all, err := s.o.Mappings.Mappings(ctx)
		out := api.MappingList{Mappings: []api.Mapping{}}
		for _, m := range all {
			m.Text = ""
			out.Mappings = append(out.Mappings, mappingOut(m))
		}
		return &body[api.MappingList]{out}, err
	})
	register(s, a, get("get-mapping", api.PathMappings+"/{name}", "Read a mapping as it was put", "manifests"), func(ctx context.Context, in *namedMapping) (*body[api.Mapping], error) {
		m, err := s.o.Mappings.Mapping(ctx, in.Name)
		return &body[api.Mapping]{mappingOut(m)}, err
	})
	remove := get("delete-mapping", api.PathMappings+"/{name}", "Delete a mapping", "manifests")
	remove.Method, remove.DefaultStatus = http.MethodDelete, http.StatusNoContent
	register(s, a, remove, func(ctx context.Context, in *namedMapping) (*none, error) {
		return &none{}, s.o.Mappings.DeleteMapping(ctx, actor(ctx), in.Name)
	})
	op := post("import-orders", api.PathDeliveries, "Import the lines of purchase orders (CSV or XLSX, by its content): all, or nothing and every error with its line", "deliveries")
	op.MaxBodyBytes, op.BodyReadTimeout = maxManifest, importTimeout+10*time.Second
	register(s, a, op, func(ctx context.Context, in *ordersInput) (*body[api.ImportReply], error) {
		ctx, cancel := context.WithTimeout(ctx, importTimeout)
		defer cancel()
		reply, err := s.o.Deliveries.ImportOrders(ctx, actor(ctx), in.RawBody, api.OrderImport{
			ImportOptions: api.ImportOptions{DryRun: in.DryRun, Mapping: in.Mapping}, Number: in.Number, Vendor: in.Vendor, Ordered: in.Ordered, Expected: in.Expected,
		})
		return &body[api.ImportReply]{reply}, err
	})
	register(s, a, get("list-deliveries", api.PathDeliveries, "List what was ordered, and how much of it was announced, racked and seen", "deliveries"),
		func(ctx context.Context, _ *none) (*body[api.DeliveryList], error) {
			all, notSeen, err := s.deliveries(ctx)
			out := api.DeliveryList{Deliveries: []api.Delivery{}, NotSeen: notSeen}
			for _, p := range all {
				out.Deliveries = append(out.Deliveries, deliveryOut(p))
			}
			return &body[api.DeliveryList]{out}, err
		})
	register(s, a, get("get-delivery", api.PathDeliveries+"/{number}", "Read one delivery, by its number", "deliveries"), func(ctx context.Context, in *numberedDelivery) (*body[api.Delivery], error) {
		all, _, err := s.deliveries(ctx)
		if err != nil {
			return nil, err
		}
		for _, p := range all {
			if strings.EqualFold(p.Number, in.Number) {
				return &body[api.Delivery]{deliveryOut(p)}, nil
			}
		}
		return nil, newProblem(http.StatusNotFound, "there is no delivery of this number")
	})
}

// deliveries are all orders with what came of them, and how many servers are still to be seen.
func (s *Server) deliveries(ctx context.Context) ([]inventory.Progress, int, error) {
	all, err := s.o.Deliveries.Deliveries(ctx)
	if err != nil {
		return nil, 0, err
	}
	machines, err := s.o.Inventory.Roster(ctx)
	if err != nil {
		return nil, 0, err
	}
	progress, notSeen := inventory.Follow(all, machines)
	return progress, notSeen, nil
}

func mappingOut(m inventory.Mapping) api.Mapping {
	return api.Mapping{Name: m.Name, Text: m.Text, Actor: m.Actor, Time: m.Time}
}

func deliveryOut(p inventory.Progress) api.Delivery {
	out := api.Delivery{Number: p.Number, Vendor: p.Vendor, Ordered: dayOut(p.Ordered), Expected: dayOut(p.Expected), NotSeen: p.NotSeen(), Extra: p.Extra,
		Actor: p.Actor, Time: p.Time, Lines: []api.OrderLine{}, Other: []api.OrderLine{}}
	for _, l := range p.Lines {
		o := lineOut(l.OrderLine)
		o.Announced, o.Racked, o.Detected, o.Missing, o.NotSeen = l.Announced, l.Racked, l.Detected, l.Missing(), l.NotSeen()
		out.Lines = append(out.Lines, o)
	}
	for _, l := range p.Other {
		out.Other = append(out.Other, lineOut(l))
	}
	return out
}

func lineOut(l inventory.OrderLine) api.OrderLine {
	out := api.OrderLine{Line: l.Line, PartNumber: l.PartNumber, Model: l.Model, Description: l.Description, Quantity: l.Quantity, Currency: l.Currency}
	if l.Currency != "" {
		out.UnitPrice = l.UnitPrice.String()
	}
	return out
}

func dayOut(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}
