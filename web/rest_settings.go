package web

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"socle/api"
)

// settingsTimeout bounds the reading of settings, their order, and the look whether it was taken.
const settingsTimeout = 4 * time.Minute

// Settings sees to the settings of machines' firmware by their BMCs.
type Settings interface {
	Settings(ctx context.Context, ref string) (api.SettingsList, error)
	Tune(ctx context.Context, actor, ref string, req api.SettingsRequest) (api.SettingsReply, error)
	SecureBoot(ctx context.Context, ref string) (api.SecureBoot, error)
	SetSecureBoot(ctx context.Context, actor, ref string, req api.SecureBootRequest) (api.SettingsReply, error)
}

// Disks sees to the drives and volumes of machines by their BMCs.
type Disks interface {
	Storage(ctx context.Context, ref string) (api.StorageList, error)
	StorageOrders(ctx context.Context, ref string) ([]api.StorageOrder, error)
	OrderStorage(ctx context.Context, actor, ref string, req api.StorageRequest) (api.StorageOrder, error)
}

type (
	settingsInput struct {
		MachineRef
		Body api.SettingsRequest
	}
	secureBootInput struct {
		MachineRef
		Body api.SecureBootRequest
	}
	storageInput struct {
		MachineRef
		Body api.StorageRequest
	}
)

func (s *Server) restSettings(a huma.API) {
	at := func(what string) string { return api.PathMachines + "/{ref}/bmc/" + what }
	register(s, a, get("list-settings", at("settings"), "Read the settings of a machine's firmware, and how they differ from what its role wants", "bmc"),
		func(ctx context.Context, in *MachineRef) (*body[api.SettingsList], error) {
			return slowly(ctx, func(ctx context.Context) (api.SettingsList, error) { return s.o.Settings.Settings(ctx, in.Ref) })
		})
	register(s, a, post("set-settings", at("settings"), "Order settings of a machine's firmware for its next boot", "bmc"),
		func(ctx context.Context, in *settingsInput) (*body[api.SettingsReply], error) {
			return slowly(ctx, func(ctx context.Context) (api.SettingsReply, error) {
				return s.o.Settings.Tune(ctx, actor(ctx), in.Ref, in.Body)
			})
		})
	register(s, a, get("get-secureboot", at("secureboot"), "Read the state of a machine's Secure Boot, and its keys where the BMC shows them", "bmc"),
		func(ctx context.Context, in *MachineRef) (*body[api.SecureBoot], error) {
			return slowly(ctx, func(ctx context.Context) (api.SecureBoot, error) { return s.o.Settings.SecureBoot(ctx, in.Ref) })
		})
	register(s, a, post("set-secureboot", at("secureboot"), "Order Secure Boot on or off, or a reset of its keys, for a machine's next boot", "bmc"),
		func(ctx context.Context, in *secureBootInput) (*body[api.SettingsReply], error) {
			return slowly(ctx, func(ctx context.Context) (api.SettingsReply, error) {
				return s.o.Settings.SetSecureBoot(ctx, actor(ctx), in.Ref, in.Body)
			})
		})
}

func (s *Server) restStorage(a huma.API) {
	const at, orders = api.PathMachines + "/{ref}/bmc/storage", api.PathMachines + "/{ref}/bmc/storage/orders"
	register(s, a, get("list-storage", at, "List what is behind a machine's storage controllers", "bmc"),
		func(ctx context.Context, in *MachineRef) (*body[api.StorageList], error) {
			return slowly(ctx, func(ctx context.Context) (api.StorageList, error) { return s.o.Disks.Storage(ctx, in.Ref) })
		})
	register(s, a, get("list-storage-orders", orders, "List the newest orders for a machine's drives", "bmc"),
		func(ctx context.Context, in *MachineRef) (*body[api.StorageOrders], error) {
			all, err := s.o.Disks.StorageOrders(ctx, in.Ref)
			return &body[api.StorageOrders]{api.StorageOrders{Orders: all}}, err
		})
	register(s, a, post("order-storage", orders, "Make or delete a volume, pass through or erase a drive: destroys what is on the drives, so it names the serials", "bmc"),
		func(ctx context.Context, in *storageInput) (*body[api.StorageOrder], error) {
			return slowly(ctx, func(ctx context.Context) (api.StorageOrder, error) {
				return s.o.Disks.OrderStorage(ctx, actor(ctx), in.Ref, in.Body)
			})
		})
}

// slowly answers with what takes many words with a BMC.
func slowly[T any](ctx context.Context, f func(context.Context) (T, error)) (*body[T], error) {
	ctx, cancel := context.WithTimeout(ctx, settingsTimeout)
	defer cancel()
	v, err := f(ctx)
	return &body[T]{v}, err
}
