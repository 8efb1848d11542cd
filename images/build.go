package images

import (
	"context"
	"errors"
	"fmt"
	"os"

	"socle/api"
)

// Recipe makes a disk image; package images/recipe has those of Socle.
type Recipe struct {
	Name   string // of the recipe and of the image
	Digest string // changes when the recipe does
	// Build writes the disk to a file that belongs to the store from then on.
	Build func(ctx context.Context) (Built, error)
}

// Built is what a recipe made.
type Built struct {
	Raw      string // path of the raw disk, sparse; it is deleted when it is in the store
	Arch     string
	Firmware []string
	Loader   string
	Packages map[string]string // Debian package → version
}

// Build makes the image of a recipe and stores it. When the store has one of the same recipe, that is
// returned and fresh is false, unless again is set: distributions move on while a recipe stays.
func (s *Store) Build(ctx context.Context, r Recipe, again bool) (digest string, fresh bool, err error) {
	if err := CheckName(r.Name); err != nil {
		return "", false, err
	}
	if !again {
		digest, ix, err := s.Resolve(r.Name)
		if err == nil && ix.Recipe != nil && r.Digest != "" && ix.Recipe.Digest == r.Digest && s.complete(ix) {
			return digest, false, nil
		}
	}
	built, err := r.Build(ctx)
	if err != nil {
		return "", false, fmt.Errorf("building image %q: %w", r.Name, err)
	}
	raw, err := os.Open(built.Raw)
	if err != nil {
		return "", false, fmt.Errorf("building image %q: %w", r.Name, err)
	}
	defer func() {
		_ = raw.Close()
		err = errors.Join(err, os.Remove(built.Raw))
	}()
	digest, _, err = s.Add(ctx, api.Index{
		Name: r.Name, Kind: "disk", Arch: built.Arch, Firmware: built.Firmware, Loader: built.Loader,
		Recipe: &api.RecipeInfo{Name: r.Name, Digest: r.Digest, Packages: built.Packages},
	}, raw)
	return digest, true, err
}

// complete tells whether all chunks of an image are there; it does not read them.
func (s *Store) complete(ix api.Index) bool {
	for _, c := range ix.Chunks {
		if c.Zero {
			continue
		}
		if info, err := os.Stat(s.chunkPath(c.SHA256)); err != nil || info.Size() != c.Stored {
			return false
		}
	}
	return true
}
