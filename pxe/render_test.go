package pxe

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// TestRenderIsItsTemplate compares what is put together from compiled parts with the template executed directly.
func TestRenderIsItsTemplate(t *testing.T) {
	names := []string{scriptStart, scriptRamdisk, scriptDisk, scriptNothing, scriptUnknown, scriptUnavailable, scriptAnonymous, scriptStranger}
	n := 0
	for _, name := range names {
		for bits := range 16 {
			has := func(bit int, word string) string {
				if bits&bit == 0 {
					return ""
				}
				return word
			}
			for round := range 2 { // the second time from the same parts, with other words
				s := script{Base: "http://h", UEFI: bits&1 != 0,
					MAC: has(2, fmt.Sprintf("52:54:00:00:00:0%d", round)), Name: has(4, fmt.Sprint("hv0", round)), Params: has(8, fmt.Sprint("a=b c=", round))}
				var want bytes.Buffer
				if err := scripts.ExecuteTemplate(&want, name+".ipxe.tmpl", s); err != nil {
					t.Fatal(err)
				}
				got, err := render(name, s)
				if err != nil || string(got) != want.String() {
					t.Errorf("%s of %+v, %v:\n%s\nwant\n%s", name, s, err, got, &want)
				}
				n++
			}
		}
	}
	if shapes := len(compiled.all); shapes > n/2+64 {
		t.Errorf("%d shapes are kept", shapes)
	}
	if _, err := render("none", script{}); err == nil {
		t.Error("a script that does not exist was rendered")
	}
}

// FuzzParam compares the check of kernel parameters with what it says in one expression.
func FuzzParam(f *testing.F) {
	name := regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}$`)
	param := regexp.MustCompile(`^[A-Za-z0-9_.\-]{1,64}(=[A-Za-z0-9_.:/,=+@%~\[\]\-]{0,512})?$`)
	for _, seed := range []string{"", "=", "a", "a=", "a=b=c", "a b", "a=${x}", "a\n", "_", "é", "a=\x00", strings.Repeat("a", 65), "a=" + strings.Repeat("b", 513)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if okParam(s) != param.MatchString(s) || okName(s) != name.MatchString(s) {
			t.Errorf("%q: parameter %v, name %v", s, okParam(s), okName(s))
		}
	})
}
