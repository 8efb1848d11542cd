package main

import (
	"context"
	"io"
	"log/slog"

	"socle/images"
	"socle/images/recipe"
)

// recipes are the operating systems that can be built.
func recipes() map[string]imageBuilder {
	all := map[string]imageBuilder{}
	for _, name := range recipe.Names() {
		digest, err := recipe.Digest(name)
		if err != nil {
			digest = "" // unknown: it is built every time
		}
		all[name] = imageBuilder{Digest: digest, Build: func(ctx context.Context, outDir, cacheDir string, again bool, log *slog.Logger) (imageBuilt, error) {
			r, err := recipe.Build(ctx, recipe.Options{Name: name, OutDir: outDir, CacheDir: cacheDir, Again: again, Log: log})
			return imageBuilt{Dir: r.Dir, Kept: r.Kept, Built: images.Built{Raw: r.Raw, Arch: "amd64", Packages: r.Packages, Firmware: r.Firmware, Loader: r.Loader}}, err
		}}
	}
	return all
}

// tarDisk makes a disk of an archive.
func tarDisk(ctx context.Context, archive io.Reader, outDir string, log *slog.Logger) (images.Built, error) {
	r, err := recipe.FromTar(ctx, archive, recipe.TarOptions{OutDir: outDir, Log: log})
	return images.Built{Raw: r.Raw, Arch: "amd64", Firmware: r.Firmware, Loader: r.Loader}, err
}
