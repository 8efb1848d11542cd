package recipe

import (
	"errors"
	"io/fs"
	"os"
	"path"
)

// placeFiles writes files into a tree whose links nobody vouches for: what has the name of one is removed,
// not written through, and folders are not sought outside of the tree.
func placeFiles(root *os.Root, files []file) error {
	for _, f := range files {
		if err := root.MkdirAll(path.Dir(f.path), 0o755); err != nil {
			return err
		}
		if err := remove(root, f.path); err != nil {
			return err
		}
		w, err := root.OpenFile(f.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, f.mode)
		if err != nil {
			return err
		}
		_, err = w.Write(f.data)
		if err = errors.Join(err, w.Chmod(f.mode), w.Close()); err != nil {
			return err
		}
	}
	return nil
}

// remove removes a file or link, if there is one.
func remove(root *os.Root, name string) error {
	if err := root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
