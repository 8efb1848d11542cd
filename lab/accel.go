package lab

import (
	"context"
	"log/slog"
)

// chooseAccel decides how guests run.
func chooseAccel(_ context.Context, want string, log *slog.Logger) string {
	if want == AccelKVM {
		return AccelKVM
	}
	log.Debug("guests run in emulation", "asked", want)
	return AccelTCG
}
