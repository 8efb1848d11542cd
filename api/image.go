package api

import "time"

// Index describes a disk image in the content-addressed store: which chunks make it, in order. Its own
// SHA-256, over the exact bytes served, is the image's digest.
type Index struct {
	Name      string      `json:"name"`
	Kind      string      `json:"kind"` // "disk": raw bytes for a whole disk
	Arch      string      `json:"arch,omitempty"`
	Size      int64       `json:"size"`       // bytes of the raw image
	ChunkSize int64       `json:"chunk_size"` // bytes of every chunk but the last
	Chunks    []Chunk     `json:"chunks"`
	Firmware  []string    `json:"firmware,omitempty"` // "bios", "uefi"
	Loader    string      `json:"loader,omitempty"`   // UEFI loader path on the ESP
	Created   time.Time   `json:"created,omitzero"`
	Recipe    *RecipeInfo `json:"recipe,omitempty"`
}

// Chunk is one piece of an image; a zero chunk has no digest and is not stored.
type Chunk struct {
	SHA256 string `json:"sha256,omitempty"` // of the raw bytes, hexadecimal; the name under which it is served
	Stored int64  `json:"stored,omitempty"` // bytes of its zstd frame, as served
	Zero   bool   `json:"zero,omitempty"`
}

// RecipeInfo says what an image was built from.
type RecipeInfo struct {
	Name     string            `json:"name"`
	Digest   string            `json:"digest,omitempty"`   // of the recipe itself; it changes when the recipe does
	Packages map[string]string `json:"packages,omitempty"` // Debian package → version
}
