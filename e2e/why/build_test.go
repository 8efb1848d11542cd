//go:build !e2e

package why

// build has nothing to do: only tests that boot kernels need the ramdisk.
func build() error { return nil }
