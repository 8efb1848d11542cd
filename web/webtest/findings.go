package webtest

import (
	"context"

	"socle/inventory"
)

// Find sets what was found of machines.
func (w *World) Find(all ...inventory.Findings) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.findings = all
}

// Findings implements web.Findings.
func (w *World) Findings(_ context.Context, machineID string) (list []inventory.Findings, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.findings {
		if machineID == "" || f.Machine == machineID {
			list = append(list, f)
		}
	}
	return list, w.fail
}
