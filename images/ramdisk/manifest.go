package ramdisk

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"socle/images/debian"
)

// builderVersion is raised when this package builds other bytes from the same inputs.
const builderVersion = 1

// Names in the output folder.
const (
	kernelFile   = "vmlinuz"
	initrdFile   = "initrd"
	manifestFile = "ramdisk.json"
)

// inputs decide the output.
type inputs struct {
	Builder int            `json:"builder"`
	Package debian.Package `json:"package"`
	Agent   string         `json:"agent_sha256"`
	Modules string         `json:"module_list_sha256"`
}

func (in inputs) key() string {
	return fmt.Sprint(in.Builder, in.Package.SHA256, in.Agent, in.Modules)
}

// manifest is ramdisk.json: what was built, from what.
type manifest struct {
	Ramdisk
	KernelSHA256 string `json:"kernel_sha256"`
	InitrdSHA256 string `json:"initrd_sha256"`
	ModuleCount  int    `json:"module_count"`
	// FirmwareAbsent lists, by module, the firmware files that it may ask for: the ramdisk holds none, because
	// Debian's main archive has none. Some of these drivers work without, bnx2, bnx2x and qed do not.
	FirmwareAbsent map[string][]string `json:"firmware_absent,omitempty"`
	Inputs         inputs              `json:"inputs"`
}

// open reads the manifest of a folder and checks that the files are the ones it names.
func open(dir string) (Ramdisk, manifest, error) {
	text, err := os.ReadFile(filepath.Join(dir, manifestFile))
	if err != nil {
		return Ramdisk{}, manifest{}, err
	}
	var m manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return Ramdisk{}, manifest{}, fmt.Errorf("reading %s: %w", manifestFile, err)
	}
	kernel, err := os.ReadFile(filepath.Join(dir, kernelFile))
	if err != nil {
		return Ramdisk{}, manifest{}, err
	}
	initrd, err := os.ReadFile(filepath.Join(dir, initrdFile))
	if err != nil {
		return Ramdisk{}, manifest{}, err
	}
	rd := describe(dir, m.KernelVersion, kernel, initrd)
	if rd.Digest != m.Digest {
		return Ramdisk{}, manifest{}, errors.New("its files are not the ones that were built")
	}
	return rd, m, nil
}

// save writes the files, the manifest last: whoever finds the manifest finds what it names.
func save(dir string, rd Ramdisk, in inputs, kernel, initrd []byte, modules []*module) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the output folder: %w", err)
	}
	text, err := json.MarshalIndent(manifest{
		Ramdisk: rd, KernelSHA256: sha256Hex(kernel), InitrdSHA256: sha256Hex(initrd), ModuleCount: len(modules),
		FirmwareAbsent: firmwareOf(modules), Inputs: in,
	}, "", "  ")
	if err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(dir, manifestFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("removing the old manifest: %w", err)
	}
	for _, f := range []struct {
		name  string
		bytes []byte
	}{{kernelFile, kernel}, {initrdFile, initrd}, {manifestFile, append(text, '\n')}} {
		if err := replaceFile(filepath.Join(dir, f.name), f.bytes); err != nil {
			return fmt.Errorf("writing %s: %w", f.name, err)
		}
	}
	return nil
}

// firmwareOf lists what the modules may ask for.
func firmwareOf(modules []*module) map[string][]string {
	files := map[string][]string{}
	for _, m := range modules {
		if len(m.info.Firmware) > 0 {
			files[moduleName(m.path)] = m.info.Firmware
		}
	}
	return files
}

// replaceFile puts a new file in the place of an old one that somebody may be reading.
func replaceFile(path string, data []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	_, err = tmp.Write(data)
	err = errors.Join(err, tmp.Chmod(0o644), tmp.Sync(), tmp.Close())
	if err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
