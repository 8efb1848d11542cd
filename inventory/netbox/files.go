package netbox

import (
	"archive/zip"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// Bounds of what is read, in bytes.
const (
	maxFile  = 64 << 20
	maxAll   = 256 << 20
	maxFiles = 10_000
)

// File is one file, CSV or JSON.
type File struct {
	Name string
	Body []byte
}

// Unpack takes a zip archive apart, within bounds; anything else is one file.
func Unpack(body []byte) ([]File, error) {
	if !bytes.HasPrefix(body, []byte("PK\x03\x04")) {
		return []File{{"the file", body}}, nil
	}
	z, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		return nil, Problems{{"the archive", "it is no zip archive: " + err.Error()}}
	}
	if len(z.File) > maxFiles {
		return nil, Problems{{"the archive", fmt.Sprintf("it has %d files, more than %d", len(z.File), maxFiles)}}
	}
	var all []File
	left := int64(maxAll)
	for _, f := range z.File {
		if f.FileInfo().IsDir() {
			continue
		}
		text, err := unpackFile(f, min(left, maxFile))
		if err != nil {
			return nil, Problems{{f.Name, err.Error()}}
		}
		left -= int64(len(text))
		all = append(all, File{f.Name, text})
	}
	slices.SortStableFunc(all, func(a, b File) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

// errTooLarge says that a file goes beyond the bounds.
var errTooLarge = fmt.Errorf("it is larger than %d MiB, or all files together than %d MiB", maxFile>>20, maxAll>>20)

func unpackFile(f *zip.File, most int64) (text []byte, err error) {
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("opening it: %w", err)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	text, err = io.ReadAll(io.LimitReader(r, most+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("unpacking it: %w", err)
	case int64(len(text)) > most:
		return nil, errTooLarge
	}
	return text, nil
}

// Pack makes a zip archive of files.
func Pack(files []File) ([]byte, error) {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, f := range files {
		w, err := z.Create(f.Name)
		if err == nil {
			_, err = w.Write(f.Body)
		}
		if err != nil {
			return nil, fmt.Errorf("packing %s: %w", f.Name, err)
		}
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("packing: %w", err)
	}
	return out.Bytes(), nil
}

// Read reads files in any order: of each, what it has says what it is. The error is of type Problems and has
// everything that is wrong.
func Read(files []File) (Data, error) {
	var d Data
	var bad Problems
	used := 0
	for _, f := range files {
		name := path.Base(f.Name)
		text := bytes.TrimPrefix(f.Body, []byte("\xef\xbb\xbf"))
		switch trimmed := bytes.TrimSpace(text); {
		case len(trimmed) == 0:
			d.note("%s is empty", name)
		case trimmed[0] == '{' || trimmed[0] == '[':
			if readJSON(&d, &bad, name, trimmed) {
				used++
			}
		case strings.HasPrefix(name, ".") || strings.EqualFold(path.Ext(name), ".md") || strings.EqualFold(path.Ext(name), ".txt"):
		default:
			if readCSV(&d, &bad, name, text) {
				used++
			}
		}
	}
	if used == 0 && len(bad) == 0 {
		bad.add("the files", "there is nothing in them that Socle knows: it reads locations, racks, device types, devices, interfaces, MAC addresses, cables and power feeds, as NetBox's bulk import or its REST API have them")
	}
	if len(bad) > 0 {
		return Data{}, bad
	}
	return d, nil
}
