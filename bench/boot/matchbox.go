package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
)

// startMatchbox starts matchbox with a group and a profile for each machine, as it wants them where no machine's
// script is another's.
func startMatchbox(machines int) func(context.Context, *bed) (*server, error) {
	return func(ctx context.Context, b *bed) (*server, error) {
		dir, err := b.anew("matchbox")
		if err != nil {
			return nil, err
		}
		groups, profiles := filepath.Join(dir, "groups"), filepath.Join(dir, "profiles")
		if err := errors.Join(os.Mkdir(groups, 0o755), os.Mkdir(profiles, 0o755)); err != nil { //nolint:gosec // not secret
			return nil, err
		}
		for i := range machines {
			name := machineName(i)
			group, err1 := json.Marshal(map[string]any{"id": name, "profile": name, "selector": map[string]string{"mac": machineIdentity(i).NICMACs[0]}})
			profile, err2 := json.Marshal(map[string]any{"id": name, "boot": map[string]any{"kernel": ramdiskURL + "vmlinuz",
				"initrd": []string{ramdiskURL + "initrd"}, "args": []string{"initrd=initrd", "console=tty0", "console=ttyS0,115200n8", "machine=" + name}}})
			if err := errors.Join(err1, err2, write(filepath.Join(groups, name+".json"), string(group)), write(filepath.Join(profiles, name+".json"), string(profile))); err != nil {
				return nil, err
			}
		}
		b.asks = asking{machines: machines, path: "/ipxe", marked: "machine="}
		return b.start(ctx, filepath.Join(dir, "log"), []string{b.unpacked("matchbox"), "-log-level", "error", "-assets-path", "",
			"-data-path", dir, "-address", serverAddr + ":8080"}, answersTCP(httpPort))
	}
}
