package lab

import (
	"strings"
	"testing"
	"testing/iotest"
)

func TestReadUntil(t *testing.T) {
	if !readUntil(iotest.OneByteReader(strings.NewReader("noise BdsBdsDxe: loading")), "BdsDxe") {
		t.Error("a sign that came byte by byte was not seen")
	}
	if readUntil(strings.NewReader("BdsDx"), "BdsDxe") {
		t.Error("half a sign was taken for one")
	}
}

func TestChooseAccelObeys(t *testing.T) {
	for _, want := range []string{AccelTCG, AccelKVM} {
		if got := chooseAccel(t.Context(), want, testLog(t)); got != want {
			t.Errorf("asked for %s, got %s", want, got)
		}
	}
}
