package web

import (
	"context"

	"socle/inventory"
	"socle/web/ui"
)

// pageMoves bounds the moves of parts on a machine's page: where each went is a question of its own.
const pageMoves = 20

// moves are the parts that came to a machine after its first inspection or left it, the newest first, with where each is
// otherwise.
func (s *Server) moves(ctx context.Context, m inventory.Machine) ([]ui.Move, error) {
	all, err := s.o.Parts.Stays(ctx, inventory.StayFilter{Machine: m.ID})
	if err != nil || len(all) == 0 {
		return nil, err
	}
	first := all[len(all)-1].FirstSeen
	var moves []ui.Move
	for _, stay := range all {
		if stay.Gone.IsZero() && !stay.FirstSeen.After(first) {
			continue
		}
		if len(moves) == pageMoves {
			break
		}
		others, err := s.o.Parts.Stays(ctx, inventory.StayFilter{Serial: stay.Serial})
		if err != nil {
			return nil, err
		}
		moves = append(moves, ui.NewMove(stay, others))
	}
	return moves, nil
}
