package ipmi

import (
	"bytes"
	"strings"
	"testing"
)

// TestSuites: a channel on which no cipher suite of ours lets administrators in gets one that does, and no other one is
// changed.
func TestSuites(t *testing.T) {
	for _, tc := range []struct {
		name                string
		suites, now, set    []byte
		refuses, wantsNotes bool
	}{
		{"open", []byte{1, 3, 17}, []byte{0, 0x40, 0x00, 0, 0, 0, 0, 0, 0}, nil, false, false},
		{"closed", []byte{1, 3, 17}, []byte{0, 0x32, 0x02, 0, 0, 0, 0, 0, 0}, []byte{0, 0x32, 0x04, 0, 0, 0, 0, 0, 0}, false, false},
		{"closed, the older one", []byte{3, 8}, []byte{0, 0x41, 0, 0, 0, 0, 0, 0, 0}, []byte{0, 0x44, 0, 0, 0, 0, 0, 0, 0}, false, false},
		{"locked", []byte{3}, []byte{0, 0x01, 0, 0, 0, 0, 0, 0, 0}, []byte{0, 0x04, 0, 0, 0, 0, 0, 0, 0}, true, true},
		{"none of ours", []byte{1, 2}, []byte{0, 0x44, 0, 0, 0, 0, 0, 0, 0}, nil, false, true},
		{"it does not say", nil, nil, nil, false, false},
	} {
		var set []byte
		c := script(func(c Command, data []byte) ([]byte, error) {
			switch {
			case c == getLAN && data[1] == lanSuites && tc.suites != nil:
				return append([]byte{0x11, 0}, tc.suites...), nil
			case c == getLAN && data[1] == lanCeiling && tc.now != nil:
				return append([]byte{0x11}, tc.now...), nil
			case c == setLAN:
				set = bytes.Clone(data[2:])
				if !tc.refuses {
					return nil, nil
				}
			}
			return nil, &Refused{c, 0x80}
		})
		notes, err := openSuite(t.Context(), c, 1)
		if err != nil || !bytes.Equal(set, tc.set) || (len(notes) > 0) != tc.wantsNotes {
			t.Errorf("%s: set % x, want % x; %s, %v", tc.name, set, tc.set, strings.Join(notes, "; "), err)
		}
	}
}

// TestChannel: what does not let administrators in is opened, now and for ever, and its other settings stay.
func TestChannel(t *testing.T) {
	var set [][]byte
	c := script(func(c Command, data []byte) ([]byte, error) {
		switch {
		case c == setChannelAccess:
			set = append(set, bytes.Clone(data))
			return nil, nil
		case data[1] == 0x80: // in force: always there, for operators
			return []byte{0x22, 0x03}, nil
		default: // stored: switched off
			return []byte{0x20, 0x04}, nil
		}
	})
	notes, err := openChannel(t.Context(), c, 1)
	want := [][]byte{{1, 0x80 | 0x22, 0x84}, {1, 0x40 | 0x22, 0x44}}
	if err != nil || len(notes) > 0 || len(set) != 2 || !bytes.Equal(set[0], want[0]) || !bytes.Equal(set[1], want[1]) {
		t.Errorf("set % x, want % x; %v, %v", set, want, notes, err)
	}
}
