package main

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"socle/lab"
)

// runLab runs the lab command as a person would, without touching the host.
func runLab(t *testing.T, args ...string) (string, error) {
	t.Helper()
	cmd := newLabCmd()
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(io.Discard)
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

func TestLabManifest(t *testing.T) {
	got, err := runLab(t, "manifest", "--subnet", "198.18.6.0/24")
	if err != nil || !strings.Contains(got, "hv01,SCL-HV-0001,") || !strings.Contains(got, ",198.18.7.11,") {
		t.Errorf("error %v, manifest:\n%s", err, got)
	}
	if strings.Contains(got, "stray") {
		t.Error("the stray is in the manifest")
	}
	file, err := runLab(t, "manifest", "--spec", "../../lab/testdata/rack.yaml")
	if err != nil || file != string(lab.Manifest(lab.Default())) {
		t.Errorf("the reference file's manifest: %v\n%s", err, file)
	}
}

func TestLabErrorsSayWhatToDo(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"power hv01 explode", "use one of [on off"},
		{"fault hv01 no-link maybe", "say on or off"},
		{"manifest --subnet 10.0.0.0/8", "198.18.2.0/24"},
		{"manifest --subnet x", "--subnet"},
		{"manifest --name much-too-long", "1 to 9"},
		{"manifest --spec does-not-exist.yaml", "does-not-exist.yaml"},
		{"status --name nolab", "socle lab up --name nolab"},
		{"down --name ../../etc", "lab name"},
	} {
		if _, err := runLab(t, strings.Fields(tt.args)...); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("lab %s: error %v, want one with %q", tt.args, err, tt.want)
		}
	}
}

func TestUntilEscape(t *testing.T) {
	in := untilEscape{strings.NewReader("ls\r\x1dmore")}
	buf := make([]byte, 64)
	n, err := in.Read(buf)
	if string(buf[:n]) != "ls\r" || !errors.Is(err, io.EOF) {
		t.Errorf("read %q, %v", buf[:n], err)
	}
}
