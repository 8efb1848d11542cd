package provision_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"socle/api"
	"socle/inventory"
)

func TestMediumLetsItsOwnServerInUntilItIsReplaced(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rack) {
		r.add("hv01", 1)
		ctx := t.Context()
		want := api.MediumRequest{Address: "198.18.0.50/24", Gateway: "198.18.0.1", MAC: "52-54-00-00-00-01"}
		made, err := r.engine.Medium(ctx, "person", "hv01", want)
		must(t, err)
		for _, w := range []string{"socle.server=https://socle.test", "socle.ca=00", "socle.name=hv01", "socle.addr=198.18.0.50/24,198.18.0.1", "BOOTIF=01-52-54-00-00-00-01"} {
			if !slices.Contains(made.Params, w) {
				t.Errorf("no %q among %q", w, made.Params)
			}
		}
		open := func(m api.MediumReply, boot, serial string) string {
			i := slices.IndexFunc(m.Params, func(p string) bool { return strings.HasPrefix(p, api.ParamToken+"=") })
			_, err := r.engine.OpenSession(ctx, api.SessionRequest{Token: m.Params[i][len(api.ParamToken)+1:], BootID: boot, Serial: serial}, here)
			var p *api.Problem
			if errors.As(err, &p) {
				return p.Code
			}
			must(t, err)
			return ""
		}
		for _, tt := range []struct{ boot, serial, code string }{
			{"a", "SN-hv01", ""}, {"b", "SN-hv01", ""}, // it stays in the drive over a restart
			{"c", "SN-other", api.ErrSerial}, {"d", "", api.ErrSerial},
		} {
			if code := open(made, tt.boot, tt.serial); code != tt.code {
				t.Errorf("boot %s of serial %q: %q, want %q", tt.boot, tt.serial, code, tt.code)
			}
		}
		newer, err := r.engine.Medium(ctx, "person", "hv01", api.MediumRequest{})
		must(t, err)
		if code := open(made, "e", "SN-hv01"); code != api.ErrUnauthorized {
			t.Errorf("the older medium after a newer one: %q", code)
		}
		m, err := r.store.Machine(ctx, "hv01")
		must(t, err)
		_, err = r.store.Change(ctx, m.ID, "test", func(m *inventory.Machine) (inventory.Note, error) {
			m.Boot = inventory.BootDisk
			return inventory.Note{Kind: "test"}, nil
		})
		must(t, err)
		if code := open(newer, "f", "SN-hv01"); code != api.ErrConflict {
			t.Errorf("a medium left in a server that shall boot its disk: %q", code)
		}
	})
}

func TestMediumRefusesWhatCannotWork(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rack) {
		r.add("hv01", 1)
		for _, tt := range []struct {
			req  api.MediumRequest
			says string
		}{
			{api.MediumRequest{Address: "198.18.0.50"}, "198.18.0.50/24"},
			{api.MediumRequest{Address: "198.18.0.0/24"}, "the server's own address"},
			{api.MediumRequest{Address: "198.18.0.50/24", Gateway: "198.19.0.1"}, "within 198.18.0.0/24"},
			{api.MediumRequest{Gateway: "198.18.0.1"}, "a gateway without an address"},
			{api.MediumRequest{MAC: "it's"}, "MAC address"},
			{api.MediumRequest{ValidFor: "9000h"}, "168h"},
			{api.MediumRequest{ValidFor: "soon"}, `"soon"`},
		} {
			if _, err := r.engine.Medium(t.Context(), "person", "hv01", tt.req); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%+v: error %v, want %q in it", tt.req, err, tt.says)
			}
		}
	})
}
