package provision

import (
	"context"
	"net/http"
	"strings"

	"socle/api"
	"socle/inventory"
)

// maxLinks bounds the ports of one server.
const maxLinks = 256

// PostLinks takes in what is plugged into the ports of a machine, which changes while people work at the rack. Before its first
// facts there is nothing to add it to, and these tell it.
func (e *Engine) PostLinks(ctx context.Context, s inventory.Session, p api.LinksPost) error {
	if len(p.Links) > maxLinks {
		return problem(http.StatusUnprocessableEntity, api.ErrInvalid, "a server with %d interfaces: %d at most are taken", len(p.Links), maxLinks)
	}
	if err := e.touch(ctx, s); err != nil {
		return err
	}
	_, err := e.Store.Change(ctx, s.Machine, inventory.ActorAgent, func(m *inventory.Machine) (inventory.Note, error) {
		if m.Facts == nil {
			return inventory.Note{}, nil
		}
		var said []string
		for _, l := range m.Facts.SetLinks(p.Links, e.Now()) {
			said = append(said, l.Words())
		}
		if said == nil {
			return inventory.Note{}, nil
		}
		return inventory.Note{Kind: "cables", Reason: strings.Join(said, "; ")}, nil
	})
	return err
}
