package main

import (
	"errors"
	"net/http"
	"testing"

	"socle/api"
)

// TestAlike: what is said of several machines alike is said once, and the exit code is that of the first failure.
func TestAlike(t *testing.T) {
	none := func(name string) error {
		return api.NewProblem(http.StatusNotFound, api.ErrNotFound, `no machine has the name "`+name+`"`)
	}
	names := []string{"hv01", "hv02", "hv03", "st1", "hv04"}
	err := alike(names, []error{none("hv01"), none("hv02"), errors.New("it burns"), none("st1"), none("hv04")})
	want := `hv[01-02,04],st1: Not Found: no machine has the name "hv[01-02,04],st1"` + "\nhv03: it burns"
	if err == nil || err.Error() != want {
		t.Errorf("%v\nwant\n%s", err, want)
	}
	if code := exitCode(err); code != exitNotFound {
		t.Errorf("exit code %d", code)
	}
	if err := alike(nil, nil); err != nil {
		t.Error(err)
	}
}
