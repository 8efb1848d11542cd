package config

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"socle/inventory"
)

// Reference is the configuration's page of the documentation: every value with its default, its meaning and
// its environment variable.
func Reference() string {
	var b strings.Builder
	b.WriteString(`# Configuration

Generated from the types of internal/config; do not edit. Socle needs no configuration file: these are the defaults.
A file is named with ` + "`socle serve --config FILE`" + `. Unknown keys are errors. The environment wins over the file, flags win over both.

| key | default | environment | meaning |
|---|---|---|---|
`)
	d := Default()
	rows(&b, reflect.ValueOf(d), nil)
	b.WriteString("\n## A plan of burnin\n\nWhat the tests do: [burn-in.md](burn-in.md).\n\n| key | meaning |\n|---|---|\n")
	fields(&b, reflect.TypeFor[inventory.BurnInPlan]())
	b.WriteString("\n## A rule of outliers\n\nHow values are judged: [outliers.md](outliers.md).\n\n| key | meaning |\n|---|---|\n")
	fields(&b, reflect.TypeFor[OutlierRule]())
	b.WriteString("\n## A rule of TFTP\n\n| key | meaning |\n|---|---|\n")
	fields(&b, reflect.TypeFor[TFTPRule]())
	b.WriteString("\n## A subnet\n\n| key | meaning |\n|---|---|\n")
	fields(&b, reflect.TypeFor[Subnet]())
	b.WriteString("\nWhat the modes, pools and reservations do: [dhcp.md](dhcp.md).\n\n### A pool\n\n| key | meaning |\n|---|---|\n")
	fields(&b, reflect.TypeFor[inventory.Pool]())
	b.WriteString("\n### match of a pool\n\n| key | meaning |\n|---|---|\n")
	fields(&b, reflect.TypeFor[inventory.ClientRule]())
	b.WriteString("\n### A reservation\n\n| key | meaning |\n|---|---|\n")
	fields(&b, reflect.TypeFor[inventory.Reservation]())
	b.WriteString("\n## An IPv6 subnet\n\n| key | meaning |\n|---|---|\n")
	fields(&b, reflect.TypeFor[Subnet6]())
	b.WriteString("\n### A reservation of an IPv6 address\n\n| key | meaning |\n|---|---|\n")
	fields(&b, reflect.TypeFor[Reservation6]())
	return b.String()
}

func rows(b *strings.Builder, v reflect.Value, path []string) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		at := append(path[:len(path):len(path)], key(f))
		if section(f.Type) {
			rows(b, v.Field(i), at)
			continue
		}
		fmt.Fprintf(b, "| `%s` | %s | `%s` | %s |\n", strings.Join(at, "."), shown(v.Field(i)), envName(at), f.Tag.Get("doc"))
	}
}

func fields(b *strings.Builder, t reflect.Type) {
	for i := range t.NumField() {
		fmt.Fprintf(b, "| `%s` | %s |\n", key(t.Field(i)), t.Field(i).Tag.Get("doc"))
	}
}

// shown is a default as it would be written in the file.
func shown(v reflect.Value) string {
	if v.IsZero() {
		return ""
	}
	if d, ok := v.Interface().(time.Duration); ok {
		return "`" + d.String() + "`"
	}
	raw, err := yaml.Marshal(v.Interface())
	if err != nil {
		return err.Error()
	}
	text := strings.TrimSpace(string(raw))
	if v.Kind() == reflect.Slice {
		text = "[" + strings.ReplaceAll(strings.TrimPrefix(text, "- "), "\n- ", ", ") + "]"
	}
	return "`" + text + "`"
}
