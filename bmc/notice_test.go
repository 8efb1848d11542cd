package bmc

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"socle/inventory"
)

const failed = `{"@odata.type":"#Event.v1_7_0.Event","Context":"x","Events":[{"EventType":"Alert","Severity":"Critical","Message":"PSU1 has \u001b[2J failed.","MessageId":"R.1"},{"MessageSeverity":"Warning","Severity":"OK","MessageId":"R.2"}]}`

func TestParseNotices(t *testing.T) {
	got, err := ParseNotices([]byte(failed))
	if err != nil {
		t.Fatal(err)
	}
	want := []Notice{{Health: inventory.HealthCritical, Text: "PSU1 has [2J failed."}, {Health: inventory.HealthWarning, Text: "R.2"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for text, want := range map[string]string{
		"": "reading an event", "{}": "no records", `{"Events":7}`: "reading an event", `{"Events":[` + strings.Repeat(" ", MaxNotice) + `]}`: "at most",
	} {
		if _, err := ParseNotices([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: %v; want %q", text, err, want)
		}
	}
	many := `{"Events":[{"Message":"` + strings.Repeat("é", 2000) + `"}` + strings.Repeat(`,{"Message":"x"}`, 200) + `]}`
	if all, err := ParseNotices([]byte(many)); err != nil || len(all) != maxRecords || len(all[0].Text) > maxText+4 {
		t.Errorf("%d records, %v", len(all), err)
	}
}

func TestReadNotices(t *testing.T) {
	half := len(failed) / 2
	stream := ": hello\nid: 1\ndata: " + failed + "\n\n" + // in one line
		"data: nonsense\n\n" +
		"data:" + failed[:half-half%2] + "\ndata:" + failed[half-half%2:] + "\n\n" + // a line break within a text is no JSON
		"event: x\r\ndata: {\"Events\":\r\ndata: [{\"Message\":\"two lines\"}]}\r\n\r\n" +
		"data: {\"Events\":[{\"Message\":\"" + strings.Repeat("x", 2*MaxNotice) + "\"}]}\ndata: more of it\n\n" +
		strings.Repeat("y", 3*MaxNotice) + "\n\n" +
		"data: {\"Events\":[{\"Message\":\"last\"}]}\n\n" + "data: {\"Events\":[{\"Message\":\"cut off"
	for name, in := range map[string]io.Reader{"whole": strings.NewReader(stream), "byte by byte": iotest.OneByteReader(strings.NewReader(stream))} {
		var got []string
		if err := readNotices(in, func(n Notice) { got = append(got, n.Text) }); !errors.Is(err, io.EOF) {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff([]string{"PSU1 has [2J failed.", "R.2", "two lines", "last"}, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func FuzzNotices(f *testing.F) {
	f.Add([]byte(failed))
	f.Add([]byte("id: 1\ndata: " + failed + "\n\ndata: " + failed + "\n\n"))
	f.Add([]byte("data:\n\n\r\n:\ndata: {\"Events\":[{}]}\n\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		check := func(n Notice) {
			if !utf8.ValidString(n.Text) || len(n.Text) > maxText+4 || strings.ContainsAny(n.Text, "\n\x1b\x00") {
				t.Errorf("%q", n.Text)
			}
		}
		all, err := ParseNotices(text)
		if err == nil && (len(all) == 0 || len(all) > maxRecords) {
			t.Errorf("%d notices", len(all))
		}
		for _, n := range all {
			check(n)
		}
		_ = readNotices(strings.NewReader(string(text)), check)
	})
}
