package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"socle/images"
)

// runImage gives a command to "socle image" and returns what it prints.
func runImage(t *testing.T, dataDir string, builders map[string]imageBuilder, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd := newImageCmd(builders, tarDisk)
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.SetOut(&out)
	cmd.SetErr(&bytes.Buffer{})
	cmd.SetArgs(append(args, "--data-dir", dataDir))
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

func TestImageCommands(t *testing.T) {
	dir := t.TempDir()
	disk := filepath.Join(dir, "disk.raw")
	data := make([]byte, 9<<20)
	copy(data, "boot code")
	data[510], data[511] = 0x55, 0xaa
	if err := os.WriteFile(disk, data, 0o644); err != nil {
		t.Fatal(err)
	}
	must := func(args ...string) string {
		t.Helper()
		out, err := runImage(t, dir, nil, args...)
		if err != nil {
			t.Fatalf("%q: %v", args, err)
		}
		return out
	}
	if out := must("import", "--name", "debian12", disk); !strings.Contains(out, "debian12") || !strings.Contains(out, "9.0 MiB") {
		t.Errorf("import prints:\n%s", out)
	}
	var list []imageLine
	if err := json.Unmarshal([]byte(must("list", "-o", "json")), &list); err != nil {
		t.Fatal(err)
	}
	if len(list) != 1 || list[0].Name != "debian12" || list[0].Size != 9<<20 || list[0].Firmware[0] != "bios" || list[0].Chunks != 3 {
		t.Errorf("list -o json: %+v", list)
	}
	if out := must("list"); !strings.Contains(out, shortDigest(list[0].Digest)) || !strings.HasPrefix(out, "NAME") {
		t.Errorf("list prints:\n%s", out)
	}
	if out := must("verify"); !strings.Contains(out, "is sound") {
		t.Errorf("verify prints:\n%s", out)
	}
	must("remove", "debian12")
	if out := must("gc", "-o", "json"); !strings.Contains(out, `"images": 0`) {
		t.Errorf("gc within the time of grace prints:\n%s", out)
	}
	if out := must("gc", "--grace", "0s", "-o", "json"); !strings.Contains(out, `"images": 1`) || !strings.Contains(out, `"chunks": 1`) {
		t.Errorf("gc prints:\n%s", out)
	}
	// What "docker export" writes of a container that was never meant to boot.
	container := filepath.Join(dir, "container.tar")
	if out, err := exec.Command("tar", "-C", dir, "-cf", container, "disk.raw").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for want, args := range map[string][]string{
		"--include=linux-image-amd64": {"import", "--name", "a", container},
		"not in the image store":      {"remove", "debian12"},
		"--name":                      {"import", disk},
		"say bios, uefi":              {"import", "--name", "a", "--firmware", "coreboot", disk},
		"give 0s":                     {"gc", "--grace", "-1h"},
		"no digest of an image":       {"gc", "--keep", "sha256:0123"},
		"no such file":                {"import", "--name", "a", disk + "-absent"},
		"use table or json":           {"list", "-o", "xml"},
		"nothing called \"toaster\"":  {"build", "toaster"},
		"socle-agent":                 {"build", "ramdisk"},
	} {
		if _, err := runImage(t, dir, nil, args...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", args, err, want)
		}
	}
}

func TestImageBuildSystems(t *testing.T) {
	dir := t.TempDir()
	runs := 0
	builders := map[string]imageBuilder{
		"minimal": {Digest: "1", Build: func(_ context.Context, outDir, _ string, _ bool, _ *slog.Logger) (imageBuilt, error) {
			runs++
			raw := filepath.Join(outDir, "minimal.raw")
			err := errors.Join(os.MkdirAll(outDir, 0o755), os.WriteFile(raw, []byte("disk"), 0o644))
			return imageBuilt{Built: images.Built{Raw: raw, Firmware: []string{"uefi"}}}, err
		}},
		"controller": {Build: func(_ context.Context, outDir, _ string, _ bool, _ *slog.Logger) (imageBuilt, error) {
			return imageBuilt{Dir: filepath.Join(outDir, "controller")}, nil
		}},
	}
	for i, want := range []bool{true, false} {
		out, err := runImage(t, dir, builders, "build", "minimal", "controller", "-o", "json")
		if err != nil {
			t.Fatal(err)
		}
		var made []imageMade
		if err := json.Unmarshal([]byte(out), &made); err != nil {
			t.Fatal(err)
		}
		if made[0].Fresh != want || made[0].Bytes != 4 || made[1].Place != filepath.Join(dir, imageBuildDir, "controller") {
			t.Errorf("run %d: %+v", i, made)
		}
	}
	if _, err := runImage(t, dir, builders, "build", "minimal", "--again"); err != nil || runs != 2 {
		t.Errorf("build --again: %v, %d runs", err, runs)
	}
}
