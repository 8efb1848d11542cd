package app

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// leastRoom is how much the data folder's disk must have left for work to begin or go on: enough for the embedded
// database to write down faults, reports and its log meanwhile.
const leastRoom = 64 << 20

// room tells when the disk of the embedded database is as good as full.
func (k *kit) room() error {
	if k.store.Dialect() != "sqlite" {
		return nil // it is another host's disk
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(k.config.DataDir, &fs); err != nil {
		return fmt.Errorf("looking how full the disk of the data folder %s is: %w", k.config.DataDir, err)
	}
	if free := fs.Bavail * uint64(fs.Bsize); free < leastRoom {
		return fmt.Errorf("the disk of Socle's own data folder %s is full: %d MiB are left, %d are needed", k.config.DataDir, free>>20, leastRoom>>20)
	}
	return nil
}
