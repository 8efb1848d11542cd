package outlier

import (
	"math"
	"strconv"
	"strings"
)

// Words says a metric as a person would: "disk.write.random" is "random write".
func Words(metric string) string {
	name, all := strings.CutSuffix(metric, ".all")
	parts := strings.Split(name, ".")
	var words string
	switch {
	case len(parts) == 3 && parts[0] == "disk":
		words = parts[2] + " " + parts[1]
	case len(parts) == 3 && parts[1] == "bandwidth":
		words = "bandwidth over " + parts[2]
	case len(parts) > 1:
		words = strings.Join(parts[1:], " ")
	default:
		words = name
	}
	if all {
		words += " with all at once"
	}
	return words
}

// domain is the first word of a metric: what kind of part it measures.
func domain(metric string) string {
	first, _, _ := strings.Cut(metric, ".")
	return first
}

// partOf names the part that a measurement is about; all measurements of one part make one finding. Cores are not parts:
// nobody can replace one.
func partOf(metric, subject string) string {
	kind := domain(metric)
	if subject == "" || isCore(subject) || subject == "all" {
		switch kind {
		case "cpu":
			return "CPUs"
		case "disk":
			return "disks"
		}
		return kind
	}
	switch kind {
	case "cpu":
		return "CPU " + strings.TrimPrefix(subject, "cpu")
	case "memory":
		return "memory of " + subject
	case "network":
		return "port " + subject
	}
	return kind + " " + subject
}

// isCore tells whether a subject is one core, thread or logical CPU rather than a part.
func isCore(subject string) bool {
	for _, word := range []string{"core", "thread", "logical"} {
		if rest, ok := strings.CutPrefix(subject, word); ok && strings.Trim(rest, "0123456789 _-") == "" {
			return true
		}
	}
	return false
}

// percent says a fraction: 0.384 is "38 %"; below ten percent with a digit behind the point.
func percent(f float64) string {
	f = math.Abs(f) * 100
	if f < 9.95 {
		return strconv.FormatFloat(f, 'f', 1, 64) + " %"
	}
	return strconv.FormatFloat(f, 'f', 0, 64) + " %"
}

// number says a measured value with four digits at most, and its unit.
func number(v float64, unit string) string {
	digits := 0
	for limit := 1000.0; digits < 3 && math.Abs(v) < limit; limit /= 10 {
		digits++
	}
	text := strconv.FormatFloat(v, 'f', digits, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	if unit == "" {
		return text
	}
	return text + " " + unit
}

// side says on which side of its peers a worse value lies.
func side(lowerIsBetter bool) string {
	if lowerIsBetter {
		return "above"
	}
	return "below"
}
