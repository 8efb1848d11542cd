package gateway

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/crypto/ssh"
)

// HostKey reads the gateway's host key, and makes it when there is none: clients remember it.
func HostKey(file string) (ssh.Signer, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = makeKey(file)
	}
	if err != nil {
		return nil, fmt.Errorf("keeping the host key of the SSH gateway: %w", err)
	}
	key, err := ssh.ParsePrivateKey(text)
	if err != nil {
		return nil, fmt.Errorf("reading the host key of the SSH gateway, %s: %w", file, err)
	}
	return key, nil
}

// makeKey writes a new key, whole or not at all.
func makeKey(file string) ([]byte, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	block, err := ssh.MarshalPrivateKey(private, "socle")
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(block)
	tmp, err := os.CreateTemp(filepath.Dir(file), ".host-key-*") // mode 0600
	if err != nil {
		return nil, err
	}
	_, err = tmp.Write(text)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), file)
	}
	if err != nil {
		return nil, errors.Join(err, os.Remove(tmp.Name()))
	}
	return text, nil
}

// maxKeyFile bounds the file of public keys, in bytes.
const maxKeyFile = 1 << 20

// KeyOwner finds a public key in a file like authorized_keys of OpenSSH and returns its comment, which is who it
// belongs to. Options before a key are refused: they would promise what is not kept. An empty name is nobody.
func KeyOwner(file string, key ssh.PublicKey) (string, error) {
	info, err := os.Stat(file)
	if err != nil {
		return "", fmt.Errorf("reading the keys of the SSH gateway: %w", err)
	}
	if info.Size() > maxKeyFile {
		return "", fmt.Errorf("reading the keys of the SSH gateway: %s is larger than %d bytes", file, maxKeyFile)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("reading the keys of the SSH gateway: %w", err)
	}
	want := string(key.Marshal())
	for len(text) > 0 {
		known, comment, options, rest, err := ssh.ParseAuthorizedKey(text)
		if err != nil {
			return "", nil //nolint:nilerr // no further key in the file
		}
		text = rest
		if string(known.Marshal()) != want || len(options) > 0 {
			continue
		}
		if comment == "" {
			comment = ssh.FingerprintSHA256(known)
		}
		return comment, nil
	}
	return "", nil
}
