package web

import (
	"cmp"
	"context"
	"encoding/json"
	"net/netip"

	"github.com/danielgtaylor/huma/v2"

	"socle/api"
	"socle/inventory"
)

func (s *Server) restCatalogue(a huma.API) {
	register(s, a, get("list-roles", api.PathRoles, "List the roles and their rules", "catalogue"),
		func(context.Context, *none) (*body[api.RoleList], error) {
			list := api.RoleList{Roles: []api.Role{}}
			for _, r := range s.o.Roles {
				list.Roles = append(list.Roles, roleOut(r))
			}
			return &body[api.RoleList]{list}, nil
		})
	register(s, a, get("list-images", api.PathImages, "List the images of the store", "catalogue"),
		func(ctx context.Context, _ *none) (*body[api.ImageList], error) {
			images, err := s.o.Catalogue.Images(ctx)
			if err != nil {
				return nil, err
			}
			return &body[api.ImageList]{api.ImageList{Images: append([]api.Image{}, images...)}}, nil
		})
	register(s, a, get("list-subnets", api.PathSubnets, "List the networks on which DHCP is answered", "catalogue"),
		func(context.Context, *none) (*body[api.SubnetList], error) {
			list := api.SubnetList{Subnets: []api.Subnet{}}
			for _, n := range s.o.Subnets {
				list.Subnets = append(list.Subnets, subnetOut(n))
			}
			return &body[api.SubnetList]{list}, nil
		})
}

func roleOut(r inventory.Role) api.Role {
	out := api.Role{Name: r.Name, Image: r.Image, Priority: r.Priority, Verify: r.Verify, Match: fields(r.Match), SystemDisk: fields(r.SystemDisk)}
	if r.DataDisks != nil {
		out.DataDisks = fields(r.DataDisks)
	}
	return out
}

// fields are the parts of a rule that are set, by their JSON names.
func fields(rule any) map[string]any {
	text, err := json.Marshal(rule)
	if err != nil {
		return nil // rules are numbers and texts; this cannot fail
	}
	var m map[string]any
	if json.Unmarshal(text, &m) != nil {
		return nil
	}
	return m
}

func subnetOut(n inventory.Subnet) api.Subnet {
	out := api.Subnet{
		Name: n.Name, Interface: n.Interface, Prefix: n.Prefix.String(), Gateway: addrOut(n.Gateway),
		DNS: addrsOut(n.DNS), NTP: addrsOut(n.NTP), Domain: n.Domain,
		PoolFirst: addrOut(n.PoolFirst), PoolLast: addrOut(n.PoolLast), LeaseSeconds: int64(n.LeaseTime.Seconds()),
		Mode: string(cmp.Or(n.Mode, inventory.SubnetFull)), Shared: n.Shared, Reservations: len(n.Reservations),
	}
	for _, p := range n.Pools {
		out.Pools = append(out.Pools, api.AddressRange{First: addrOut(p.First), Last: addrOut(p.Last)})
	}
	return out
}

// addrOut is an address as text, and "" for none.
func addrOut(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

func addrsOut(list []netip.Addr) []string {
	out := make([]string, 0, len(list))
	for _, a := range list {
		out = append(out, addrOut(a))
	}
	return out
}
