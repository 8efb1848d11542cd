package console

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// kind is what a record of a recording holds.
type kind byte

const (
	kindOutput kind = 'o' // of the server, as it came
	kindInput  kind = 'i' // what was typed
	kindMark   kind = 'm' // a remark of ours
	kindSize   kind = 'r' // of the holder's terminal, as "80x24"
)

// magic begins every file; the start follows, in nanoseconds of Unix time, big endian. A record is its kind, the
// microseconds since the one before and the number of its bytes, both as varints (encoding/binary), and its bytes.
const magic = "socle console 1\n"

// maxRecord bounds the bytes of a record.
const maxRecord = 64 << 10

// Record is something that happened at a console.
type Record struct {
	Time time.Time
	Kind string // "o": output, "i": input, "m": a remark, "r": a terminal's size
	Data []byte
}

// appendRecord encodes a record.
func appendRecord(b []byte, since time.Duration, k kind, p []byte) []byte {
	b = append(b, byte(k))
	b = binary.AppendUvarint(b, uint64(max(since.Microseconds(), 0))) //nolint:gosec // it is not negative
	b = binary.AppendUvarint(b, uint64(len(p)))
	return append(b, p...)
}

// Reader reads a recording.
type Reader struct {
	file  io.ReadCloser
	b     *bufio.Reader
	at    time.Time
	Start time.Time
}

// ErrNotRecording says that a file is something else.
var ErrNotRecording = errors.New("this is no recording of a console")

func newReader(f io.ReadCloser) (*Reader, error) {
	r := &Reader{file: f, b: bufio.NewReader(f)}
	head := make([]byte, len(magic)+8)
	if _, err := io.ReadFull(r.b, head); err != nil || string(head[:len(magic)]) != magic {
		return nil, errors.Join(ErrNotRecording, f.Close())
	}
	r.Start = time.Unix(0, int64(binary.BigEndian.Uint64(head[len(magic):]))).UTC() //nolint:gosec // any number is a time
	r.at = r.Start
	return r, nil
}

// Next returns the record that follows. io.EOF is the end, also when the last record is not whole: the process that
// wrote it may have been killed, or be writing it.
func (r *Reader) Next() (Record, error) {
	k, err := r.b.ReadByte()
	if err != nil {
		return Record{}, io.EOF
	}
	since, err1 := binary.ReadUvarint(r.b)
	n, err2 := binary.ReadUvarint(r.b)
	if err1 != nil || err2 != nil {
		return Record{}, io.EOF
	}
	const longest = uint64(100 * 365 * 24 * time.Hour / time.Microsecond)
	if n > maxRecord || since > longest || !strings.ContainsRune("oimr", rune(k)) {
		return Record{}, fmt.Errorf("%w: a record of kind %q with %d bytes", ErrNotRecording, k, n)
	}
	data := make([]byte, n)
	if _, err := io.ReadFull(r.b, data); err != nil {
		return Record{}, io.EOF
	}
	r.at = r.at.Add(time.Duration(since) * time.Microsecond) //nolint:gosec // bounded above
	return Record{Time: r.at, Kind: string(rune(k)), Data: data}, nil
}

// Close closes the file.
func (r *Reader) Close() error { return r.file.Close() }

// tape writes the recording of one console: a file, and the next one when it is full.
type tape struct {
	archive *Archive
	machine string
	id      string // of the current file; empty before the first output
	file    *os.File
	size    int64
	last    time.Time
	waiting []Record // remarks from before the first output, which makes the file
}

// maxWaiting bounds the remarks that wait for output.
const maxWaiting = 32

func (t *tape) write(now time.Time, k kind, p []byte) error {
	if t.file == nil && k != kindOutput {
		if len(t.waiting) >= maxWaiting {
			t.waiting = t.waiting[1:]
		}
		t.waiting = append(t.waiting, Record{Time: now, Kind: string(rune(k)), Data: append([]byte(nil), p...)})
		return nil
	}
	if t.file != nil && t.size >= t.archive.fileSize() {
		if err := t.close(); err != nil {
			return err
		}
	}
	if t.file == nil {
		if err := t.begin(now); err != nil {
			return err
		}
	}
	for len(p) > 0 {
		part := p[:min(len(p), maxRecord)]
		p = p[len(part):]
		n, err := t.file.Write(appendRecord(nil, now.Sub(t.last), k, part))
		t.size += int64(n)
		if err != nil {
			return err
		}
		t.last = now
	}
	return nil
}

func (t *tape) begin(now time.Time) error {
	start := now
	if len(t.waiting) > 0 {
		start = t.waiting[0].Time
	}
	head := binary.BigEndian.AppendUint64([]byte(magic), uint64(start.UnixNano())) //nolint:gosec // after 1970
	var err error
	if t.id, t.file, err = t.archive.create(t.machine, start); err != nil {
		return err
	}
	t.last = start
	for _, w := range t.waiting {
		head = appendRecord(head, w.Time.Sub(t.last), kind(w.Kind[0]), w.Data)
		t.last = w.Time
	}
	t.waiting = nil
	n, err := t.file.Write(head)
	t.size = int64(n)
	return err
}

func (t *tape) close() error {
	if t.file == nil {
		return nil
	}
	f := t.file
	t.file, t.id = nil, ""
	return f.Close()
}

// sizeText is a terminal's size as it is recorded; nil when it is not known.
func sizeText(cols, rows int) []byte {
	if cols < 1 || rows < 1 || cols > 1000 || rows > 1000 {
		return nil
	}
	return []byte(strconv.Itoa(cols) + "x" + strconv.Itoa(rows))
}
