package tftp

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func rrq(fields ...string) []byte { return []byte("\x00\x01" + strings.Join(fields, "\x00") + "\x00") }

func TestParseRequest(t *testing.T) {
	block := func(n int64) []option { return []option{{optBlock, "blksize", n}} }
	for _, tc := range []struct {
		name string
		in   []byte
		want request
		err  error
	}{
		{"plain", rrq("a", "octet"), request{name: "a"}, nil},
		{"mode in any case", rrq("a", "NetASCII"), request{name: "a", netascii: true}, nil},
		{"write", []byte("\x00\x02a\x00octet\x00"), request{name: "a", write: true}, nil},
		{"mail", rrq("a", "mail"), request{name: "a"}, errMode},
		{"option in any case keeps its spelling", rrq("a", "octet", "BlkSize", "1428"), request{name: "a", extended: true, options: []option{{optBlock, "BlkSize", 1428}}}, nil},
		{"all, in the order asked", rrq("a", "octet", "windowsize", "16", "tsize", "0", "timeout", "3", "blksize", "8"),
			request{name: "a", extended: true, options: []option{{optWindow, "windowsize", 16}, {optSize, "tsize", 0}, {optTimeout, "timeout", 3}, {optBlock, "blksize", 8}}}, nil},
		{"an option counts once", rrq("a", "octet", "blksize", "512", "blksize", "1024"), request{name: "a", extended: true, options: block(512)}, nil},
		{"values that mean nothing", rrq("a", "octet", "blksize", "7", "timeout", "256", "windowsize", "0", "tsize", "-1", "blksize", "x"), request{name: "a", extended: true}, nil},
		{"unknown option", rrq("a", "octet", "multicast", ""), request{name: "a", extended: true}, nil},
		{"option without value", rrq("a", "octet", "blksize"), request{name: "a"}, nil},
		{"no end of the name", []byte("\x00\x01abc"), request{}, errMalformed},
		{"no name", rrq("", "octet"), request{}, errMalformed},
		{"no mode", rrq("a"), request{name: "a"}, errMalformed},
		{"an acknowledgement", []byte{0, 4, 0, 1}, request{}, errNotRequest},
		{"nothing", nil, request{}, errNotRequest},
		{"too long", append(rrq("a", "octet"), make([]byte, 2000)...), request{}, errNotRequest},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := parseRequest(tc.in)
			if !errors.Is(err, tc.err) {
				t.Fatalf("error %v, not %v", err, tc.err)
			}
			if d := cmp.Diff(tc.want, got, cmp.AllowUnexported(request{}, option{})); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestNegotiate(t *testing.T) {
	for _, tc := range []struct {
		name          string
		asked         []string
		block, window int
		timeout       int64
		oack          string
	}{
		{"nothing", nil, 512, 1, 0, ""},
		{"only what we do not know", []string{"multicast", ""}, 512, 1, 0, ""},
		{"within the limits", []string{"blksize", "1024", "windowsize", "4"}, 1024, 4, 0, "blksize\x001024\x00windowsize\x004\x00"},
		{"beyond the limits", []string{"blksize", "65464", "windowsize", "65535"}, 1468, 64, 0, "blksize\x001468\x00windowsize\x0064\x00"},
		{"beyond the RFC", []string{"blksize", "100000"}, 1468, 1, 0, "blksize\x001468\x00"},
		{"size and time", []string{"TSIZE", "0", "timeout", "7"}, 512, 1, 7, "TSIZE\x00990688\x00timeout\x007\x00"},
		{"less than RFC 1350", []string{"blksize", "8"}, 8, 1, 0, "blksize\x008\x00"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r, err := parseRequest(rrq(append([]string{"a", "octet"}, tc.asked...)...))
			if err != nil {
				t.Fatal(err)
			}
			got := negotiate(r, 990688, Limit{Block: 1468, Window: MaxWindow})
			want := terms{block: tc.block, window: tc.window, timeout: tc.timeout}
			if tc.oack != "" {
				want.oack = []byte("\x00\x06" + tc.oack)
			}
			if d := cmp.Diff(want, got, cmp.AllowUnexported(terms{})); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestPolicy(t *testing.T) {
	rules := []Rule{
		{MAC: "00:15:5D", Block: 1024, Why: "for this test"},
		{File: ".efi", Window: 4},
		{MAC: "52:54:00", Block: 8192},
	}
	for _, tc := range []struct {
		mac, file string
		want      Limit
	}{
		{"", "undionly.kpxe", Limit{1468, MaxWindow}},
		{"00:15:5d:01:02:03", "snponly.efi", Limit{1024, MaxWindow}}, // the first that matches, and no other
		{"", "snponly.efi", Limit{1468, 4}},
		{"52:54:00:01:02:03", "undionly.kpxe", Limit{8192, MaxWindow}}, // more than the path carries, because somebody said so
	} {
		if got := limitFor(rules, tc.mac, tc.file, 1468); got != tc.want {
			t.Errorf("%q asking for %q gets %+v, not %+v", tc.mac, tc.file, got, tc.want)
		}
	}
}

// FuzzParseRequest wants that what is answered is never more than was asked for, and fits a datagram.
func FuzzParseRequest(f *testing.F) {
	for _, s := range [][]byte{rrq("undionly.kpxe", "octet"), rrq("a", "octet", "blksize", "1428", "tsize", "0", "timeout", "6"), rrq("a", "netascii", "windowsize", "16"),
		{0, 1, 0, 0}, {0, 1}, {0, 2, 'x', 0}, {0, 5, 0, 0, 'x', 0}, rrq("../../etc/passwd", "octet", "blksize", "-1")} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := parseRequest(b)
		if err != nil {
			return
		}
		got := negotiate(r, 1<<40, Limit{Block: 1468, Window: 64})
		if asked, ok := r.value(optBlock); ok && int64(got.block) > asked || got.block > 1468 || got.block < minBlock {
			t.Errorf("blocks of %d for %q", got.block, b)
		}
		if got.window < 1 || got.window > 64 || len(got.oack) > 2+len(b)+64 {
			t.Errorf("window %d, OACK of %d bytes for %q", got.window, len(got.oack), b)
		}
		if len(got.oack) > 0 && bytes.Count(got.oack[2:], []byte{0}) != 2*len(r.options) {
			t.Errorf("OACK %q for %q", got.oack, b)
		}
	})
}

// FuzzParseReply wants texts that can be shown.
func FuzzParseReply(f *testing.F) {
	f.Add([]byte{0, 4, 0, 1})
	f.Add([]byte("\x00\x05\x00\x08User aborted the transfer\x00"))
	f.Add([]byte("\x00\x05\x00\x00\xff\xfe"))
	f.Fuzz(func(t *testing.T, b []byte) {
		op, _, text, ok := parseReply(b)
		if ok && op != opAck && op != opError || !ok && (op != 0 || text != "") || len(text) > 3*128 || strings.ContainsRune(text, 0) {
			t.Errorf("%q is %d %q %t", b, op, text, ok)
		}
	})
}
