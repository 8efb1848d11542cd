// Package images keeps the disk images that are put on servers, in a content-addressed store: an image is an
// index (api.Index) that lists chunks of 4 MiB by the SHA-256 of their raw bytes, and each chunk is stored
// once as a zstd frame, in the form in which the agent fetches it. A zero chunk is not stored at all.
//
// On disk, below the folder given to Open:
//
//	chunks/ab/<sha256 of the raw bytes>.zst
//	indexes/<sha256 of the file>.json
//	names/<name>          holds the digest that the name stands for, "sha256:…"
//	tmp/                  what is being written or downloaded
//	lock                  flock(2): shared while something is added, exclusive while something is deleted
//
// Nothing is ever half there: each file is written under tmp/, synced, read back and checked, and renamed;
// an index is written after its chunks, a name after its index. Several processes may use one store.
//
// The package knows nothing of machines, and does not build operating systems; images/recipe does.
package images
