package provision

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"socle/api"
	"socle/inventory"
)

// The time for which a medium may be used.
const (
	mediumTTL    = 24 * time.Hour // when nobody says otherwise
	maxMediumTTL = 7 * 24 * time.Hour
)

// Medium says what stands on the kernel's command line of a medium that boots one machine without network boot.
// Unlike a boot script's token, that of a medium lets several boots in until it expires, because a medium stays in
// the drive over restarts; it lets in the server with the machine's serial number only. A new medium makes the
// machine's older ones useless.
func (e *Engine) Medium(ctx context.Context, actor, ref string, r api.MediumRequest) (api.MediumReply, error) {
	m, err := e.find(ctx, ref)
	if err != nil {
		return api.MediumReply{}, err
	}
	if m.Held() {
		return api.MediumReply{}, held(&m)
	}
	if m.Serial() == "" {
		return api.MediumReply{}, problem(http.StatusConflict, api.ErrSerial,
			"%s has no serial number, and a medium is bound to one: name it in the manifest and import it again", m.Name)
	}
	words, ttl, err := mediumParams(r)
	if err != nil {
		return api.MediumReply{}, problem(http.StatusUnprocessableEntity, api.ErrInvalid, "%v", err)
	}
	params, err := e.mediumToken(ctx, &m, words, ttl)
	if err != nil {
		return api.MediumReply{}, err
	}
	expires := e.Now().Add(ttl)
	_, err = e.Store.Change(ctx, m.ID, actor, func(*inventory.Machine) (inventory.Note, error) {
		return inventory.Note{Kind: "medium", Reason: fmt.Sprintf("boot medium made, with address %s, valid until %s", r.Address, expires.UTC().Format(time.RFC3339))}, nil
	})
	return api.MediumReply{Machine: m.Name, Expires: expires, Params: params}, err
}

// mediumToken makes the token of a medium, in place of older ones, and returns all that stands on its command line.
func (e *Engine) mediumToken(ctx context.Context, m *inventory.Machine, words []string, ttl time.Duration) ([]string, error) {
	if err := e.Store.RevokeTokens(ctx, inventory.TokenMedium, m.ID); err != nil {
		return nil, err
	}
	token, err := e.Store.NewToken(ctx, inventory.TokenSpec{Kind: inventory.TokenMedium, Machine: m.ID, Subject: m.Name, TTL: ttl})
	if err != nil {
		return nil, fmt.Errorf("making the token of a medium for %s: %w", m.Name, err)
	}
	return append([]string{
		api.ParamServer + "=" + e.ServerURL, api.ParamCA + "=" + e.CAFingerprint, api.ParamToken + "=" + token.Reveal(),
		api.ParamName + "=" + m.Name,
	}, words...), nil
}

// mediumParams checks what was asked for; the words are the network's part of the command line.
func mediumParams(r api.MediumRequest) (words []string, ttl time.Duration, err error) {
	ttl = mediumTTL
	if r.ValidFor != "" {
		if ttl, err = time.ParseDuration(r.ValidFor); err != nil || ttl < time.Minute || ttl > maxMediumTTL {
			return nil, 0, fmt.Errorf("a medium is valid for 1m to %s, not for %q", maxMediumTTL, r.ValidFor)
		}
	}
	if r.Address == "" && r.Gateway != "" {
		return nil, 0, errors.New("a gateway without an address: give both, or neither for DHCP")
	}
	if r.Address != "" {
		addr, err := netip.ParsePrefix(r.Address)
		if err != nil || addr.Addr() == addr.Masked().Addr() && addr.Bits() < addr.Addr().BitLen()-1 {
			return nil, 0, fmt.Errorf("address %q: give the server's own address with the length of its network, such as 198.18.0.50/24", r.Address)
		}
		word := api.ParamAddr + "=" + addr.String()
		if r.Gateway != "" {
			gw, err := netip.ParseAddr(r.Gateway)
			if err != nil || !addr.Contains(gw) {
				return nil, 0, fmt.Errorf("gateway %q: give an address within %s", r.Gateway, addr.Masked())
			}
			word += "," + gw.String()
		}
		words = append(words, word)
	}
	if r.MAC != "" {
		mac := inventory.NormalizeMAC(r.MAC)
		if mac == "" {
			return nil, 0, fmt.Errorf("mac %q: give the MAC address of the interface to use, such as 52:54:00:aa:bb:cc", r.MAC)
		}
		words = append(words, api.ParamMAC+"=01-"+strings.ReplaceAll(mac, ":", "-"))
	}
	return words, ttl, nil
}

// isMedium tells a medium's token from a boot script's by the word that all tokens begin with.
func isMedium(token string) bool { return strings.HasPrefix(token, "socle-"+inventory.TokenMedium+"-") }

func (e *Engine) checkMedium(ctx context.Context, text string) (inventory.Token, error) {
	token, err := e.Store.Token(ctx, inventory.TokenMedium, text)
	if errors.Is(err, inventory.ErrNoToken) {
		return token, problem(http.StatusUnauthorized, api.ErrUnauthorized,
			"this boot medium is out of date: its time is over, or a newer one was made; make one with \"socle image build iso\"")
	}
	return token, err
}

// mediumFits refuses a medium in another server, and one that is left in a server which shall boot its disk.
func mediumFits(m *inventory.Machine, seen inventory.Identity) error {
	if seen.Serial == "" {
		return problem(http.StatusForbidden, api.ErrSerial, "this server tells no serial number, and the medium was made for %q", m.Serial())
	}
	if m.Boot == inventory.BootDisk {
		return problem(http.StatusConflict, api.ErrConflict, "%s shall boot its own disk now: take the boot medium out and restart the server", m.Name)
	}
	return nil
}
