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

type (
	settingsInput struct {
		MachineRef
		Body api.SettingsRequest
	}
	secureBootInput struct {
		MachineRef
		Body api.SecureBootRequest
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

// slowly answers with what takes many words with a BMC.
func slowly[T any](ctx context.Context, f func(context.Context) (T, error)) (*body[T], error) {
	ctx, cancel := context.WithTimeout(ctx, settingsTimeout)
	defer cancel()
	v, err := f(ctx)
	return &body[T]{v}, err
}
