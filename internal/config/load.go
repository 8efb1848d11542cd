package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

// Prefix is what every environment variable of the configuration starts with.
const Prefix = "SOCLE_"

// Load reads file (none when empty) over the defaults, and the environment over both. lookup is os.LookupEnv.
func Load(file string, lookup func(string) (string, bool)) (Config, error) {
	c := Default()
	if file != "" {
		raw, err := os.ReadFile(file)
		if err != nil {
			return c, fmt.Errorf("reading the configuration: %w", err)
		}
		dec := yaml.NewDecoder(bytes.NewReader(raw))
		dec.KnownFields(true)
		if err := dec.Decode(&c); err != nil && !errors.Is(err, io.EOF) {
			return c, fmt.Errorf("reading the configuration %s: %w", file, plain(err))
		}
	}
	if url, ok := lookup("DATABASE_URL"); ok && url != "" {
		c.Database.URL = url
	}
	if err := fromEnv(reflect.ValueOf(&c).Elem(), nil, lookup); err != nil {
		return c, err
	}
	return c, c.Validate()
}

// fromEnv sets the leaves of v whose variables are set; lists are given as YAML.
func fromEnv(v reflect.Value, path []string, lookup func(string) (string, bool)) error {
	for i := range v.NumField() {
		at := append(path[:len(path):len(path)], key(v.Type().Field(i)))
		field := v.Field(i)
		if section(field.Type()) {
			if err := fromEnv(field, at, lookup); err != nil {
				return err
			}
			continue
		}
		name := envName(at)
		text, ok := lookup(name)
		if !ok {
			continue
		}
		if err := decode(text, field); err != nil {
			return fmt.Errorf("reading the environment variable %s: %w", name, plain(err))
		}
	}
	return nil
}

// decode reads one value: a text as it is, anything else as YAML.
func decode(text string, field reflect.Value) error {
	if field.Kind() == reflect.String {
		field.SetString(text)
		return nil
	}
	dec := yaml.NewDecoder(strings.NewReader(text))
	dec.KnownFields(true)
	return dec.Decode(field.Addr().Interface())
}

var unknownField = regexp.MustCompile(`field (\S+) not found in type \S+`)

// plain takes our types out of the decoder's errors, which people read.
func plain(err error) error {
	var t *yaml.TypeError
	if !errors.As(err, &t) {
		return err
	}
	lines := make([]string, len(t.Errors))
	for i, e := range t.Errors {
		lines[i] = unknownField.ReplaceAllString(e, `there is no setting "$1" here, see docs/configuration.md`)
	}
	return errors.New(strings.Join(lines, "; "))
}

// section tells whether a type is a part of the configuration rather than a value.
func section(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t.PkgPath() == reflect.TypeFor[Config]().PkgPath()
}

func key(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return name
}

func envName(path []string) string { return Prefix + strings.ToUpper(strings.Join(path, "_")) }
