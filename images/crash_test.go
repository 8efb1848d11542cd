package images

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"socle/api"
)

// TestMain lets the test run itself as the process that is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("SOCLE_TEST_ENDLESS_ADD"); dir != "" {
		endlessAdd(dir)
		return
	}
	os.Exit(m.Run())
}

// endlessAdd adds an image that does not end and says what it reads.
func endlessAdd(dir string) {
	s, err := Open(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	seed := uint64(0)
	_, ix, err := s.Add(context.Background(), api.Index{Name: "endless"}, readerFunc(func(p []byte) (int, error) {
		seed++
		fmt.Println("read", seed)
		return copy(p, random(seed, len(p))), nil
	}))
	fmt.Println(ix.Size, err)
}

// TestKilledAdd kills a process in the middle of an Add: the store is sound, the image is not there, and GC
// frees all that came.
func TestKilledAdd(t *testing.T) {
	s := openStore(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "SOCLE_TEST_ENDLESS_ADD="+s.dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	scan := bufio.NewScanner(out)
	for scan.Scan() && scan.Text() != "read 12" {
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed, as it should be

	if list, err := s.List(); err != nil || len(list) != 0 {
		t.Errorf("the killed image is listed: %v, %v", list, err)
	}
	chunks := 0
	for _, path := range files(t, filepath.Join(s.dir, "chunks")) {
		chunks++
		if _, err := s.chunk(strings.TrimSuffix(filepath.Base(path), ".zst"), nil); err != nil {
			t.Errorf("a chunk is there but not sound: %v", err)
		}
	}
	if chunks == 0 {
		t.Fatal("the process was killed before it stored anything; the test shows nothing")
	}
	// The lock of a killed process is gone with it.
	c, err := s.Collect(t.Context(), CollectOptions{})
	if err != nil || c.Chunks != chunks {
		t.Errorf("Collect freed %d of %d chunks, error %v", c.Chunks, chunks, err)
	}
	for _, path := range files(t, s.dir) {
		if filepath.Base(path) != "lock" {
			t.Errorf("Collect left %s", path)
		}
	}
}

// TestForeignTool unpacks the stored frames with the zstd program.
func TestForeignTool(t *testing.T) {
	s := openStore(t)
	data := random(1, 2*ChunkSize+100)
	_, ix, err := s.Add(t.Context(), api.Index{Name: "a"}, bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	var all []byte
	for _, c := range ix.Chunks {
		f, err := s.OpenChunk(c.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		info, err := f.Stat()
		if err != nil || info.Size() != c.Stored {
			t.Errorf("chunk %s has %d bytes, the index says %d (%v)", c.SHA256, info.Size(), c.Stored, err)
		}
		cmd := exec.Command("zstd", "-dc")
		cmd.Stdin = f
		raw, err := cmd.Output()
		_ = f.Close()
		if err != nil {
			t.Fatalf("zstd: %v", err)
		}
		all = append(all, raw...)
	}
	if string(all) != string(data) {
		t.Error("zstd unpacks other bytes")
	}
	if _, err := s.OpenChunk(strings.Repeat("0", 64)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a chunk that is not there: %v", err)
	}
}
