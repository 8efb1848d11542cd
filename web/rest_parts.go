package web

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"socle/api"
	"socle/inventory"
)

// Parts knows where parts sat, and when; the newest first.
type Parts interface {
	Stays(ctx context.Context, f inventory.StayFilter) ([]inventory.Stay, error)
}

type partsInput struct {
	Machine string `query:"machine" maxLength:"200" doc:"ID, name or serial; empty: all"`
	Serial  string `query:"serial" maxLength:"200" doc:"of the part, in any case; empty: all"`
	There   bool   `query:"there" doc:"only parts that are where they were seen, as far as known"`
}

func (s *Server) restParts(a huma.API) {
	register(s, a, get("list-parts", api.PathParts, "Where parts sat, and when", "parts"), func(ctx context.Context, in *partsInput) (*body[api.PartHistory], error) {
		f := inventory.StayFilter{Serial: in.Serial, There: in.There}
		if in.Machine != "" {
			m, err := s.o.Inventory.Machine(ctx, in.Machine)
			if err != nil {
				return nil, err
			}
			f.Machine = m.ID
		}
		all, err := s.o.Parts.Stays(ctx, f)
		out := api.PartHistory{Stays: make([]api.PartStay, 0, len(all))}
		for _, x := range all {
			one := api.PartStay{Machine: x.Name, Kind: x.Kind, Slot: x.Slot, Serial: x.Serial, Number: x.Number, Vendor: x.Vendor, Bytes: x.Size, FirstSeen: x.FirstSeen, LastSeen: x.LastSeen}
			if !x.Gone.IsZero() {
				one.Gone = &x.Gone
			}
			out.Stays = append(out.Stays, one)
		}
		return &body[api.PartHistory]{out}, err
	})
}
