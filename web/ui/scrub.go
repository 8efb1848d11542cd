package ui

import (
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds on what one machine can put on a page.
const (
	maxText  = 400
	maxItems = 256
)

// scrub returns a copy of v in which every string is short, valid and without characters that would break a
// line, move the cursor or turn the direction of reading, and every list is short.
func scrub[T any](v T) T {
	in := reflect.ValueOf(&v).Elem()
	out := reflect.New(in.Type()).Elem()
	copyClean(out, in)
	return out.Interface().(T) // it was made from T's type
}

func copyClean(out, in reflect.Value) {
	switch in.Kind() {
	case reflect.String:
		out.SetString(clean(in.String()))
	case reflect.Pointer:
		if !in.IsNil() {
			out.Set(reflect.New(in.Type().Elem()))
			copyClean(out.Elem(), in.Elem())
		}
	case reflect.Slice:
		if in.IsNil() || in.Type().Elem().Kind() == reflect.Uint8 {
			out.Set(in)
			return
		}
		n := min(in.Len(), maxItems)
		out.Set(reflect.MakeSlice(in.Type(), n, n))
		for i := range n {
			copyClean(out.Index(i), in.Index(i))
		}
	case reflect.Struct:
		out.Set(in) // unexported parts, as those of time.Time, stay as they are
		for i := range in.NumField() {
			if in.Type().Field(i).IsExported() {
				copyClean(out.Field(i), in.Field(i))
			}
		}
	default:
		out.Set(in)
	}
}

// clean makes one text fit to be shown.
func clean(s string) string {
	if len(s) > maxText {
		cut := maxText
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t', r == '\r':
			return ' '
		case !unicode.IsPrint(r):
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(s, string(unicode.ReplacementChar)))
}
