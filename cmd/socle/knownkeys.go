package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"socle/inventory/signing"
)

// knownKeys are the public keys of installations that this computer trusts, one a line: the server's URL and the key in
// base64. The first key that a server shows is pinned, as SSH does; another one later is refused.
type knownKeys struct {
	path string
	keys []knownKey
}

type knownKey struct {
	server string
	key    []byte
}

func addKeysFlag(cmd *cobra.Command) *string {
	path := cmd.PersistentFlags().String("known-keys", os.Getenv("SOCLE_KNOWN_KEYS"), "file with the keys of installations that are trusted (SOCLE_KNOWN_KEYS; default: socle/known-keys among the user's settings)")
	return path
}

func readKnownKeys(path string) (*knownKeys, error) {
	if path == "" {
		dir, err := os.UserConfigDir()
		if err != nil {
			return nil, fmt.Errorf("finding the known keys: %w: name their file with --known-keys", err)
		}
		path = filepath.Join(dir, "socle", "known-keys")
	}
	k := &knownKeys{path: path}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return k, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the known keys: %w", err)
	}
	for n, line := range strings.Split(string(text), "\n") {
		fields := strings.Fields(line)
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		if len(fields) != 2 {
			return nil, fmt.Errorf("reading the known keys: %s, line %d: it is to be a server's URL and a key", path, n+1)
		}
		key, err := base64.StdEncoding.DecodeString(fields[1])
		if err != nil {
			return nil, fmt.Errorf("reading the known keys: %s, line %d: the key is no base64", path, n+1)
		}
		k.keys = append(k.keys, knownKey{fields[0], key})
	}
	return k, nil
}

// knows tells whether a key is one of a trusted installation.
func (k *knownKeys) knows(key []byte) bool {
	for _, one := range k.keys {
		if bytes.Equal(one.key, key) {
			return true
		}
	}
	return false
}

// pin trusts the key of a server. One that shows another key than before is refused.
func (k *knownKeys) pin(server string, key []byte) (fresh bool, err error) {
	for _, one := range k.keys {
		if one.server == server && !bytes.Equal(one.key, key) && !k.knows(key) {
			return false, fmt.Errorf("%s signs with the key %s, and is known with %s: if the key was changed on purpose, take the server's line out of %s, else somebody is between you and it",
				server, signing.Fingerprint(key), signing.Fingerprint(one.key), k.path)
		}
		if one.server == server {
			return false, nil
		}
	}
	if err := os.MkdirAll(filepath.Dir(k.path), 0o700); err != nil {
		return false, fmt.Errorf("keeping the server's key: %w", err)
	}
	f, err := os.OpenFile(k.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return false, fmt.Errorf("keeping the server's key: %w", err)
	}
	_, err = fmt.Fprintf(f, "%s %s\n", server, base64.StdEncoding.EncodeToString(key))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return false, fmt.Errorf("keeping the server's key: %w", err)
	}
	k.keys = append(k.keys, knownKey{server, key})
	return true, nil
}
