package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"socle/api"
)

type (
	mediaInput struct {
		MachineRef
		Body api.MediaRequest
	}
	bootInput struct {
		MachineRef
		Body api.BootRequest
	}
)

func (s *Server) restMedia(a huma.API) {
	const media, boot = api.PathMachines + "/{ref}/bmc/media", api.PathMachines + "/{ref}/boot"
	register(s, a, get("list-media", media, "List the drives of a BMC's virtual media, and what is in them", "bmc"),
		func(ctx context.Context, in *MachineRef) (*body[api.MediaList], error) {
			return drives(ctx, func(ctx context.Context) ([]api.MediaSlot, error) { return s.o.Drives.Media(ctx, in.Ref) })
		})
	register(s, a, post("insert-medium", media, "Put the image of a URL into a virtual drive for CDs, and read back that it is there", "bmc"),
		func(ctx context.Context, in *mediaInput) (*body[api.MediaList], error) {
			return drives(ctx, func(ctx context.Context) ([]api.MediaSlot, error) {
				return s.o.Drives.InsertMedia(ctx, actor(ctx), in.Ref, in.Body.URL)
			})
		})
	eject := get("eject-medium", media, "Empty the virtual drives for CDs, and read back that nothing is in them", "bmc")
	eject.Method = http.MethodDelete
	register(s, a, eject, func(ctx context.Context, in *MachineRef) (*body[api.MediaList], error) {
		return drives(ctx, func(ctx context.Context) ([]api.MediaSlot, error) {
			return s.o.Drives.EjectMedia(ctx, actor(ctx), in.Ref)
		})
	})
	register(s, a, get("get-boot-device", boot, "Ask a BMC what its server boots from before its usual order", "bmc"), s.getBoot)
	set := post("set-boot-device", boot, "Choose what a machine boots from, once or always, and read it back", "bmc")
	set.Method = http.MethodPut
	register(s, a, set, s.setBoot)
}

// drives answers with drives, within the time for a BMC.
func drives(ctx context.Context, f func(context.Context) ([]api.MediaSlot, error)) (*body[api.MediaList], error) {
	ctx, cancel := context.WithTimeout(ctx, bmcTimeout)
	defer cancel()
	all, err := f(ctx)
	if all == nil {
		all = []api.MediaSlot{}
	}
	return &body[api.MediaList]{api.MediaList{Slots: all}}, err
}

func (s *Server) getBoot(ctx context.Context, in *MachineRef) (*body[api.BootOverride], error) {
	ctx, cancel := context.WithTimeout(ctx, bmcTimeout)
	defer cancel()
	o, err := s.o.Drives.BootOverride(ctx, in.Ref)
	return &body[api.BootOverride]{o}, err
}

func (s *Server) setBoot(ctx context.Context, in *bootInput) (*body[api.BootOverride], error) {
	ctx, cancel := context.WithTimeout(ctx, bmcTimeout)
	defer cancel()
	o, err := s.o.Drives.SetBootOverride(ctx, actor(ctx), in.Ref, in.Body)
	return &body[api.BootOverride]{o}, err
}
