package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"socle/hardware"
	"socle/images"
)

// Folders below the data directory.
const (
	imageStoreDir   = "images"         // images.Store
	imageBootDir    = "boot"           // boot files; the ramdisk is in ramdisk/ below
	imageBuildDir   = "build"          // where recipes work
	imagePackageDir = "cache/packages" // Debian packages of the ramdisk and the boot files
	imageRecipeDir  = "cache/recipes"  // what recipes keep between builds
)

// imageFlags are those of all image commands.
type imageFlags struct {
	dataDir string
	output  string
}

func (f *imageFlags) open() (*images.Store, error) {
	if f.output != "table" && f.output != "json" {
		return nil, usageError{fmt.Errorf("unknown output %q: use table or json", f.output)}
	}
	return images.Open(filepath.Join(f.dataDir, imageStoreDir))
}

func (f *imageFlags) path(name string) string { return filepath.Join(f.dataDir, name) }

// print shows v as JSON, or the rows as a table.
func (f *imageFlags) print(cmd *cobra.Command, v any, rows [][]string) error {
	if f.output == "json" {
		enc := json.NewEncoder(cmd.OutOrStdout())
		enc.SetIndent("", "  ")
		return enc.Encode(v)
	}
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	for _, row := range rows {
		if _, err := fmt.Fprintln(w, strings.Join(row, "\t")); err != nil {
			return err
		}
	}
	return w.Flush()
}

// tarBuilder makes a disk, in outDir, of a tar archive of a root file system.
type tarBuilder func(ctx context.Context, archive io.Reader, outDir string, log *slog.Logger) (images.Built, error)

// newImageCmd makes "socle image". builders are the recipes of operating systems, by name.
func newImageCmd(builders map[string]imageBuilder, fromTar tarBuilder) *cobra.Command {
	f := &imageFlags{}
	cmd := &cobra.Command{
		Use:   "image",
		Short: "Build, import and keep what is put on servers",
		Long: `Build, import and keep what is put on servers.

These commands work on the data directory of a server on this host, also while it runs.`,
	}
	dataDir := os.Getenv("SOCLE_DATA_DIR")
	if dataDir == "" {
		dataDir = "/var/lib/socle"
	}
	cmd.PersistentFlags().StringVar(&f.dataDir, "data-dir", dataDir, "data directory (SOCLE_DATA_DIR)")
	cmd.PersistentFlags().StringVarP(&f.output, "output", "o", "table", "table or json")
	cmd.AddCommand(imageListCmd(f), imageImportCmd(f, fromTar), imageRemoveCmd(f), imageGCCmd(f), imageVerifyCmd(f), imageBuildCmd(f, builders))
	return cmd
}

// imageLine is an image as "list -o json" shows it.
type imageLine struct {
	images.Image
	Size     int64    `json:"size"`
	Chunks   int      `json:"chunks"`
	Arch     string   `json:"arch,omitempty"`
	Firmware []string `json:"firmware,omitempty"`
	Recipe   string   `json:"recipe,omitempty"`
}

func imageListCmd(f *imageFlags) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the images", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			store, err := f.open()
			if err != nil {
				return err
			}
			// Images that cannot be read are in the error; the others are shown all the same.
			list, listErr := store.List()
			lines := make([]imageLine, len(list))
			rows := [][]string{{"NAME", "DIGEST", "SIZE", "STORED", "FIRMWARE", "RECIPE", "ADDED"}}
			for i, im := range list {
				l := imageLine{Image: im, Size: im.Index.Size, Chunks: len(im.Index.Chunks), Arch: im.Index.Arch, Firmware: im.Index.Firmware}
				if im.Index.Recipe != nil {
					l.Recipe = im.Index.Recipe.Name
				}
				lines[i] = l
				rows = append(rows, []string{
					dash(im.Name), shortDigest(im.Digest), hardware.Size(uint64(l.Size)), hardware.Size(uint64(im.Stored)),
					dash(strings.Join(l.Firmware, ",")), dash(l.Recipe), im.Added.Local().Format(time.DateTime),
				})
			}
			return errors.Join(f.print(cmd, lines, rows), listErr)
		},
	}
}

func imageImportCmd(f *imageFlags, fromTar tarBuilder) *cobra.Command {
	o := images.ImportOptions{}
	cmd := &cobra.Command{
		Use: "import SOURCE", Short: "Import a disk image or a root file system from a file or a URL", Args: cobra.ExactArgs(1),
		Long: `Import a disk image, raw or qcow2, from a file or an http(s) URL. It may be packed with gzip, xz or zstd.
A download that was cut goes on where it stopped when the command is given again.

From a tar archive of a root file system, as mmdebstrap and "docker export" write it, a disk is made that boots by
BIOS and by UEFI. The archive needs a kernel, an initrd and an init, and should have cloud-init. This takes root.`,
		Example: `  socle image import --name debian12 --sha256 6a5e… https://mirror.example/debian-12-generic-amd64.qcow2
  socle image import --name mine rootfs.tar.zst`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkImport(o); err != nil {
				return err
			}
			store, err := f.open()
			if err != nil {
				return err
			}
			o.Source, o.Log, o.Progress = args[0], imageLog(cmd.ErrOrStderr()), importProgress(cmd.ErrOrStderr())
			o.FromTar = func(ctx context.Context, archive io.Reader) (images.Built, error) {
				return fromTar(ctx, archive, f.path(imageBuildDir), o.Log)
			}
			digest, err := store.Import(cmd.Context(), o)
			if err != nil {
				return err
			}
			_, ix, err := store.Resolve(digest)
			if err != nil {
				return err
			}
			return f.print(cmd, map[string]any{"name": o.Name, "digest": digest, "size": ix.Size, "firmware": ix.Firmware},
				[][]string{{"NAME", "DIGEST", "SIZE", "FIRMWARE"}, {o.Name, digest, hardware.Size(uint64(ix.Size)), dash(strings.Join(ix.Firmware, ","))}})
		},
	}
	cmd.Flags().StringVar(&o.Name, "name", "", "name of the image; must be given")
	cmd.Flags().StringVar(&o.SHA256, "sha256", "", "SHA-256 of the source as it is published; strongly advised for URLs")
	cmd.Flags().StringVar(&o.Format, "format", "", "raw, qcow2 or tar; found out when not given")
	cmd.Flags().StringVar(&o.Arch, "arch", "amd64", "architecture")
	cmd.Flags().StringSliceVar(&o.Firmware, "firmware", nil, "bios, uefi or both; found out when not given")
	cmd.Flags().StringVar(&o.Loader, "loader", "", `UEFI loader on the disk, when it is not \EFI\BOOT\BOOTX64.EFI`)
	return cmd
}

// checkImport finds what is wrong with the flags of an import before anything is fetched.
func checkImport(o images.ImportOptions) error {
	if o.Name == "" {
		return usageError{errors.New("an image needs a name: give it with --name")}
	}
	for _, f := range o.Firmware {
		if f != "bios" && f != "uefi" {
			return usageError{fmt.Errorf("--firmware %q: say bios, uefi, or bios,uefi", f)}
		}
	}
	return nil
}

func imageRemoveCmd(f *imageFlags) *cobra.Command {
	return &cobra.Command{
		Use: "remove NAME…", Short: "Take names away; gc frees the space a day later", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			store, err := f.open()
			if err != nil {
				return err
			}
			var failed []error
			for _, name := range args {
				failed = append(failed, absent(store.Remove(name)))
			}
			return errors.Join(failed...)
		},
	}
}

func imageGCCmd(f *imageFlags) *cobra.Command {
	o := images.CollectOptions{}
	var keep []string
	cmd := &cobra.Command{
		Use: "gc", Short: "Free the space of what no name leads to", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.Grace < 0 {
				return usageError{fmt.Errorf("--grace %s lies in the future: give 0s to free all at once", o.Grace)}
			}
			store, err := f.open()
			if err != nil {
				return err
			}
			if o.Keep, err = digests(store, keep); err != nil {
				return err
			}
			c, err := store.Collect(cmd.Context(), o)
			return errors.Join(err, f.print(cmd, c, [][]string{
				{"IMAGES", "CHUNKS", "FREED"}, {fmt.Sprint(c.Images), fmt.Sprint(c.Chunks), hardware.Size(uint64(c.Bytes))},
			}))
		},
	}
	cmd.Flags().DurationVar(&o.Grace, "grace", images.Grace, "leave what lost its name less than this ago: a server may be writing it")
	cmd.Flags().StringSliceVar(&keep, "keep", nil, "digests of images that stay without a name")
	return cmd
}

// digests resolves what is to be kept: a digest that is mistyped would be freed.
func digests(store *images.Store, keep []string) (list []string, err error) {
	for _, name := range keep {
		digest, _, err := store.Resolve(name)
		if err != nil {
			return nil, fmt.Errorf("--keep: %w", absent(err))
		}
		list = append(list, digest)
	}
	return list, nil
}

// absent says where to look for an image that the store does not have.
func absent(err error) error {
	if errors.Is(err, images.ErrNotFound) {
		return fmt.Errorf("%w; see: socle image list", err)
	}
	return err
}

func imageVerifyCmd(f *imageFlags) *cobra.Command {
	return &cobra.Command{
		Use: "verify [NAME…]", Short: "Read all chunks of images and compare them with their digests",
		RunE: func(cmd *cobra.Command, args []string) error {
			store, err := f.open()
			if err != nil {
				return err
			}
			if len(args) == 0 {
				list, err := store.List()
				if err != nil {
					return err
				}
				for _, im := range list {
					args = append(args, im.Digest)
				}
			}
			return verifyImages(cmd.Context(), cmd.OutOrStdout(), store, args)
		},
	}
}

func verifyImages(ctx context.Context, w io.Writer, store *images.Store, names []string) error {
	var bad []error
	for _, name := range names {
		err := store.Verify(ctx, name)
		if ctx.Err() != nil {
			return err
		}
		err = absent(err)
		if err == nil {
			_, err = fmt.Fprintln(w, shortDigest(name), "is sound")
		}
		bad = append(bad, err)
	}
	return errors.Join(bad...)
}

// importProgress writes over one line of a terminal, and nothing to a file.
func importProgress(w io.Writer) func(done, total int64) {
	f, ok := w.(*os.File)
	if !ok {
		return nil
	}
	if info, err := f.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return nil
	}
	return func(done, total int64) {
		of := ""
		if total > 0 {
			of = fmt.Sprintf(" of %s", hardware.Size(uint64(total)))
		}
		end := "\r"
		if done == total {
			end = "\n"
		}
		_, _ = fmt.Fprintf(w, "\x1b[Kdownloaded %s%s%s", hardware.Size(uint64(done)), of, end) // only a show
	}
}

func imageLog(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, nil))
}

// shortDigest is enough of a digest to tell images apart.
func shortDigest(digest string) string {
	hex, ok := strings.CutPrefix(digest, "sha256:")
	if !ok || len(hex) < 12 {
		return digest
	}
	return hex[:12]
}
