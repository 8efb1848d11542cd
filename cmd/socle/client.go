package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"socle/api"
)

// defaultServer is where a server on the same host listens.
const defaultServer = "https://localhost:8443"

// clientFlags say which server a command speaks to.
type clientFlags struct {
	server, tokenFile, caFile, caFingerprint, dataDir string
	timeout                                           time.Duration
}

// addClientFlags gives a command, and those below it, the flags of a client.
func addClientFlags(cmd *cobra.Command) *clientFlags {
	f := &clientFlags{}
	p := cmd.PersistentFlags()
	p.StringVar(&f.server, "server", envOr("SOCLE_SERVER", defaultServer), "URL of the server (SOCLE_SERVER)")
	p.StringVar(&f.tokenFile, "token-file", os.Getenv("SOCLE_TOKEN_FILE"), "file with the admin token (SOCLE_TOKEN_FILE; default: admin-token in the data directory)")
	p.StringVar(&f.caFile, "ca-file", os.Getenv("SOCLE_CA_FILE"), "file with the server's CA in PEM (SOCLE_CA_FILE; default: ca.crt in the data directory)")
	p.StringVar(&f.caFingerprint, "ca-fingerprint", os.Getenv("SOCLE_CA_FINGERPRINT"), "SHA-256 of the server's CA, instead of the file (SOCLE_CA_FINGERPRINT)")
	p.StringVar(&f.dataDir, "data-dir", envOr("SOCLE_DATA_DIR", "/var/lib/socle"), "data directory of a server on this host (SOCLE_DATA_DIR)")
	p.DurationVar(&f.timeout, "timeout", 2*time.Minute, "how long one call may take")
	return f
}

func envOr(name, other string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return other
}

// client makes the client that the flags ask for.
func (f *clientFlags) client() (*api.Client, error) {
	tokenFile := f.tokenFile
	if tokenFile == "" {
		tokenFile = filepath.Join(f.dataDir, "admin-token")
	}
	token, err := os.ReadFile(tokenFile)
	if err != nil {
		return nil, tokenError(f.tokenFile != "", err)
	}
	text := strings.TrimSpace(string(token))
	if text == "" || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, fmt.Errorf("reading the admin token: %s holds something else: the token is one word", tokenFile)
	}
	o := api.ClientOptions{
		Server: f.server, Token: text, CAFile: f.caFile, CAFingerprint: f.caFingerprint, Timeout: f.timeout,
	}
	if o.CAFile == "" && o.CAFingerprint == "" {
		own := filepath.Join(f.dataDir, "ca.crt")
		if _, err := os.Stat(own); err == nil {
			o.CAFile = own
		}
	}
	c, err := api.NewClient(o)
	if err != nil {
		return nil, usageError{err}
	}
	return c, nil
}

// tokenError says what to do about a token that cannot be read.
func tokenError(named bool, err error) error {
	if !named && errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("reading the admin token: %w: name its file with --token-file, or the server's data directory with --data-dir", err)
	}
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("reading the admin token: %w: only the server's user and root may; use sudo, or name a copy of your own with --token-file", err)
	}
	return fmt.Errorf("reading the admin token: %w", err)
}
