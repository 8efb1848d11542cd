package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"socle/hardware"
	"socle/images"
	"socle/images/bootfile"
	"socle/images/ramdisk"
)

// imageBuilder is one recipe of an operating system.
type imageBuilder struct {
	// Digest changes when the recipe does; empty: unknown, build every time.
	Digest string
	Build  func(ctx context.Context, outDir, cacheDir string, again bool, log *slog.Logger) (imageBuilt, error)
}

// imageBuilt is what a recipe made: a disk, which goes into the store, or a folder, which stays where it is.
type imageBuilt struct {
	images.Built
	Dir  string
	Kept bool // the folder was there already
}

// imageMade is one line of the result of "socle image build".
type imageMade struct {
	Name   string `json:"name"`
	Digest string `json:"digest,omitempty"`
	Bytes  int64  `json:"bytes"`
	Place  string `json:"place"`
	Fresh  bool   `json:"fresh"`
}

// imageBuild is one run of the command.
type imageBuild struct {
	*imageFlags
	builders map[string]imageBuilder
	agent    string
	again    bool
	log      *slog.Logger
}

func imageBuildCmd(f *imageFlags, builders map[string]imageBuilder) *cobra.Command {
	b := &imageBuild{imageFlags: f, builders: builders}
	names := append([]string{"ramdisk", "ramdisk-arm64", "boot-files", "boot-files-arm64"}, slices.Sorted(maps.Keys(builders))...)
	cmd := &cobra.Command{
		Use: "build " + strings.Join(names, "|"), Short: "Build the ramdisk, the boot files or an operating system from Debian's packages",
		Args: cobra.MinimumNArgs(1), ValidArgs: names,
		Long: `Build from Debian's packages:

  ramdisk      the kernel and the small system that servers boot over the network
  boot-files   iPXE and the signed loaders that firmware fetches first
  …-arm64      the same for arm64 servers
  others       disk images of operating systems; they go into the image store

What is there already and would come out the same is not built again.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, name := range args {
				if !slices.Contains(names, name) {
					return usageError{fmt.Errorf("there is nothing called %q to build: choose from %s", name, strings.Join(names, ", "))}
				}
			}
			b.log = imageLog(cmd.ErrOrStderr())
			return b.run(cmd, args)
		},
	}
	cmd.AddCommand(imageISOCmd(f))
	cmd.Flags().StringVar(&b.agent, "agent", "", "the agent's executable for the ramdisk (default: socle-agent, or socle-agent-arm64, beside this program)")
	cmd.Flags().BoolVar(&b.again, "again", false, "build operating systems again, with the newest packages")
	return cmd
}

func (b *imageBuild) run(cmd *cobra.Command, names []string) error {
	store, err := b.open()
	if err != nil {
		return err
	}
	var made []imageMade
	rows := [][]string{{"NAME", "DIGEST", "SIZE", "BUILT", "PLACE"}}
	for _, name := range names {
		m, err := b.one(cmd.Context(), store, name)
		if err != nil {
			return err
		}
		made = append(made, m)
		built := "no, up to date"
		if m.Fresh {
			built = "yes"
		}
		rows = append(rows, []string{name, dash(shortDigest(m.Digest)), hardware.Size(uint64(m.Bytes)), built, m.Place})
	}
	return b.print(cmd, made, rows)
}

func (b *imageBuild) one(ctx context.Context, store *images.Store, name string) (imageMade, error) {
	switch name {
	case "ramdisk", "ramdisk-arm64":
		return b.ramdisk(ctx, name)
	case "boot-files", "boot-files-arm64":
		return b.bootFiles(ctx, name)
	}
	return b.system(ctx, store, name)
}

// archOf is the architecture that the name of what is built ends with.
func archOf(name string) string {
	if strings.HasSuffix(name, "-arm64") {
		return "arm64"
	}
	return "amd64"
}

func (b *imageBuild) ramdisk(ctx context.Context, name string) (imageMade, error) {
	agent := b.agent
	if agent == "" {
		self, err := os.Executable()
		if err != nil {
			return imageMade{}, fmt.Errorf("looking for the agent: %w", err)
		}
		agent = filepath.Join(filepath.Dir(self), "socle-agent"+strings.TrimPrefix(name, "ramdisk"))
	}
	dir := b.path(filepath.Join(imageBootDir, name))
	before, _ := ramdisk.Open(dir) // an error means that there is none
	rd, err := ramdisk.Build(ctx, ramdisk.Options{OutDir: dir, AgentBinary: agent, Arch: archOf(name), CacheDir: b.path(imagePackageDir), Log: b.log})
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) && !exists(agent) {
			err = fmt.Errorf("%w; build it with \"make build\", or name it with --agent", err)
		}
		return imageMade{}, err
	}
	return imageMade{Name: name, Digest: rd.Digest, Bytes: rd.Bytes, Place: dir, Fresh: rd != before}, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func (b *imageBuild) bootFiles(ctx context.Context, name string) (imageMade, error) {
	dir := b.path(imageBootDir)
	manifest := filepath.Join(dir, bootfile.ManifestFile(archOf(name)))
	before, _ := os.ReadFile(manifest) // an error means that there is none
	m, err := bootfile.Fetch(ctx, bootfile.Options{OutDir: dir, Arch: archOf(name), CacheDir: b.path(imagePackageDir), Log: b.log})
	if err != nil {
		return imageMade{}, err
	}
	after, err := os.ReadFile(manifest)
	if err != nil {
		return imageMade{}, err
	}
	made := imageMade{Name: name, Place: dir, Fresh: !bytes.Equal(before, after)}
	for _, f := range m.Files {
		made.Bytes += f.Size
	}
	return made, nil
}

// errFolder stops images.Store.Build for a recipe that makes no disk.
var errFolder = errors.New("the recipe makes a folder")

// system builds an operating system.
func (b *imageBuild) system(ctx context.Context, store *images.Store, name string) (imageMade, error) {
	builder := b.builders[name]
	var built imageBuilt
	digest, fresh, err := store.Build(ctx, images.Recipe{Name: name, Digest: builder.Digest, Build: func(ctx context.Context) (images.Built, error) {
		var err error
		built, err = builder.Build(ctx, b.path(imageBuildDir), b.path(imageRecipeDir), b.again, b.log)
		if err == nil && built.Dir != "" {
			err = errFolder
		}
		return built.Built, err
	}}, b.again)
	if errors.Is(err, errFolder) {
		return imageMade{Name: name, Place: built.Dir, Fresh: !built.Kept}, nil
	}
	if err != nil {
		return imageMade{}, err
	}
	_, ix, err := store.Resolve(digest)
	if err != nil {
		return imageMade{}, err
	}
	return imageMade{Name: name, Digest: digest, Bytes: ix.Size, Place: "image store", Fresh: fresh}, nil
}
