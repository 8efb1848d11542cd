package recipe

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

//go:embed all:overlay
var overlay embed.FS

// file is one file that is laid over the packages.
type file struct {
	path string // relative to the root
	data []byte
	mode fs.FileMode
}

// overlayFiles collects the files of the folders, in order.
func overlayFiles(folders []string) (files []file, err error) {
	for _, folder := range folders {
		top := "overlay/" + folder
		err := fs.WalkDir(overlay, top, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := overlay.ReadFile(path)
			if err != nil {
				return err
			}
			f := file{path: strings.TrimPrefix(path, top+"/"), data: data, mode: 0o644}
			// Embedding loses modes; a program is what says how it is to be run.
			if strings.HasPrefix(string(data), "#!") {
				f.mode = 0o755
			}
			files = append(files, f)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("reading the files of %s: %w", folder, err)
		}
	}
	return files, nil
}

// writeFiles writes files under dir.
func writeFiles(dir string, files []file) error {
	for _, f := range files {
		path := filepath.Join(dir, f.path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // a system's own folders
			return err
		}
		if err := os.WriteFile(path, f.data, f.mode); err != nil {
			return err
		}
	}
	return nil
}
