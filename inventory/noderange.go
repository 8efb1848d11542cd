package inventory

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// maxRange bounds how many names a range may stand for.
const maxRange = 100_000

// ExpandRange turns a range of names into the names: "r[01-04]u[1-40]", "hv01,hv03", "st[1-3,7]". A part that begins
// with "-" takes names away again: "r1u[1-40],-r1u[7,9]". Numbers keep the width of their first: [01-10] is 01, 02, …
// A name without brackets stands for itself, whatever else is in it. The names come in the order of the text, each once.
func ExpandRange(text string) ([]string, error) {
	var names []string
	work := 0 // names made, those that are taken away included
	for _, part := range splitOutside(text) {
		part = strings.TrimSpace(part)
		rest, without := strings.CutPrefix(part, "-")
		if rest == "" {
			return nil, fmt.Errorf("range %q: a part of it is empty", text)
		}
		some, err := expandPart(rest)
		if err != nil {
			return nil, fmt.Errorf("range %q: %w", text, err)
		}
		if work += len(some); work > maxRange {
			return nil, fmt.Errorf("range %q: it stands for more than %d names", text, maxRange)
		}
		if without {
			gone := make(map[string]bool, len(some))
			for _, n := range some {
				gone[n] = true
			}
			names = slices.DeleteFunc(names, func(n string) bool { return gone[n] })
			continue
		}
		names = append(names, some...)
	}
	seen := make(map[string]bool, len(names))
	return slices.DeleteFunc(names, func(n string) bool {
		again := seen[n]
		seen[n] = true
		return again
	}), nil
}

// splitOutside parts a text at the commas that are in no brackets.
func splitOutside(text string) []string {
	var parts []string
	depth, from := 0, 0
	for i, r := range text {
		switch {
		case r == '[':
			depth++
		case r == ']':
			depth--
		case r == ',' && depth == 0:
			parts = append(parts, text[from:i])
			from = i + 1
		}
	}
	return append(parts, text[from:])
}

// expandPart expands the brackets of one name, from the left to the right.
func expandPart(text string) ([]string, error) {
	names := []string{""}
	for text != "" {
		open := strings.IndexAny(text, "[]")
		if open < 0 {
			open = len(text)
		}
		for i := range names {
			names[i] += text[:open]
		}
		if text = text[open:]; text == "" {
			break
		}
		end := strings.IndexByte(text, ']')
		if text[0] == ']' || end < 0 || strings.ContainsRune(text[1:end], '[') {
			return nil, errors.New("its brackets do not match")
		}
		words, err := numbers(text[1:end])
		if err != nil {
			return nil, err
		}
		if len(names)*len(words) > maxRange {
			return nil, fmt.Errorf("it stands for more than %d names", maxRange)
		}
		next := make([]string, 0, len(names)*len(words))
		for _, n := range names {
			for _, w := range words {
				next = append(next, n+w)
			}
		}
		names, text = next, text[end+1:]
	}
	return names, nil
}

// numbers expands what stands in brackets: "1-3,7".
func numbers(text string) ([]string, error) {
	var all []string
	for _, part := range strings.Split(text, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		a, errA := parseNumber(first)
		b, errB := parseNumber(last)
		switch {
		case errA != nil || errB != nil:
			return nil, fmt.Errorf("[%s] is no list of numbers such as [1-3,7]", text)
		case b < a:
			return nil, fmt.Errorf("[%s] goes from %d down to %d: write the smaller number first", text, a, b)
		case len(all)+b-a >= maxRange:
			return nil, fmt.Errorf("it stands for more than %d names", maxRange)
		}
		for n := a; n <= b; n++ {
			all = append(all, fmt.Sprintf("%0*d", len(first), n))
		}
	}
	return all, nil
}

func parseNumber(s string) (int, error) {
	if len(s) == 0 || len(s) > 9 || strings.Trim(s, "0123456789") != "" {
		return 0, strconv.ErrSyntax
	}
	return strconv.Atoi(s)
}

// FoldNames writes names as briefly as ExpandRange can read it: hv01, hv02 and hv04 become "hv[01-02,04]". Names that
// differ in several numbers are folded by the last one in which they differ.
func FoldNames(names []string) string {
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	type family struct {
		head, tail string
		numbers    []string
	}
	var families []family
	index := map[string]int{}
	var alone []string
	for _, n := range names {
		head, number, tail := lastNumber(n)
		if number == "" || strings.ContainsAny(n, "[],") {
			alone = append(alone, n)
			continue
		}
		key := head + "\x00" + tail
		i, known := index[key]
		if !known {
			i = len(families)
			index[key] = i
			families = append(families, family{head: head, tail: tail})
		}
		families[i].numbers = append(families[i].numbers, number)
	}
	out := alone
	for _, f := range families {
		out = append(out, f.head+foldNumbers(f.numbers)+f.tail)
	}
	slices.Sort(out)
	return strings.Join(out, ",")
}

// lastNumber parts a name around its last number.
func lastNumber(n string) (head, number, tail string) {
	end := strings.LastIndexAny(n, "0123456789") + 1
	start := end
	for start > 0 && n[start-1] >= '0' && n[start-1] <= '9' && end-start < 9 {
		start--
	}
	return n[:start], n[start:end], n[end:]
}

// foldNumbers makes "[01-03,7]" of numbers; only those of one width stand in one range.
func foldNumbers(all []string) string {
	slices.SortFunc(all, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
	})
	if len(all) == 1 {
		return all[0]
	}
	var parts []string
	for i := 0; i < len(all); {
		j := i
		for j+1 < len(all) && follows(all[j], all[j+1]) {
			j++
		}
		part := all[i]
		if j > i {
			part += "-" + all[j]
		}
		parts = append(parts, part)
		i = j + 1
	}
	return "[" + strings.Join(parts, ",") + "]"
}

// follows tells whether b is the number after a, written the same way: 9 and 10 are, 09 and 10 are, 9 and 010 are not.
func follows(a, b string) bool {
	x, errX := strconv.Atoi(a)
	y, errY := strconv.Atoi(b)
	return errX == nil && errY == nil && y == x+1 && fmt.Sprintf("%0*d", len(a), y) == b
}
