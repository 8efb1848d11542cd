package main

import (
	"errors"
	"strings"

	"socle/inventory"
)

// alike joins the failures of machines, in the order of the first of a kind. Of those that say the same but for the name one is told, for
// all their names, folded: an order for a whole rack that is refused is one line and not forty.
func alike(names []string, errs []error) error {
	const name = "\x00"
	var kinds []string
	of, all := map[string][]string{}, map[string][]error{}
	for i, err := range errs {
		kind := strings.ReplaceAll(err.Error(), names[i], name)
		if of[kind] == nil {
			kinds = append(kinds, kind)
		}
		of[kind], all[kind] = append(of[kind], names[i]), append(all[kind], err)
	}
	joined := make([]error, 0, len(kinds))
	for _, kind := range kinds {
		folded := inventory.FoldNames(of[kind])
		joined = append(joined, &fleetError{text: folded + ": " + strings.ReplaceAll(kind, name, folded), errs: all[kind]})
	}
	return errors.Join(joined...)
}
