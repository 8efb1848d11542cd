package secret

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// ErrSealed says that something cannot be opened with this keyring: it was sealed with another key, for
// another owner, or was altered.
var ErrSealed = errors.New("sealed with another key, for another owner, or altered")

// Keyring seals secrets with AES-256-GCM. Its keys lie in one file outside the database, so that a copy of
// the database alone discloses nothing. It may be used by many goroutines, and the file by many processes.
type Keyring struct {
	path string

	mu     sync.RWMutex
	handle *keyset.Handle
	aead   tink.AEAD
	file   fs.FileInfo // as it was read
}

// Open reads the keyring in the file at path and creates it, readable by its owner only, when there is
// none. A file that others can read is refused.
func Open(path string) (*Keyring, error) {
	k := &Keyring{path: path}
	err := k.load()
	if errors.Is(err, fs.ErrNotExist) {
		if err = k.create(); err == nil {
			err = k.load()
		}
	}
	if err != nil {
		return nil, err
	}
	return k, nil
}

// Seal encrypts a secret for one owner: aad names that owner (e.g. a machine's ID) and must be given again
// to Unseal, so that a sealed secret cannot be moved to another row.
func (k *Keyring) Seal(plain Secret, aad string) ([]byte, error) {
	if err := k.refresh(); err != nil {
		return nil, fmt.Errorf("sealing a secret: %w", err)
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	sealed, err := k.aead.Encrypt([]byte(plain.text), []byte(aad))
	if err != nil {
		return nil, fmt.Errorf("sealing a secret: %w", err)
	}
	return sealed, nil
}

// Unseal is the reverse of Seal, with any key that was ever in the ring; else ErrSealed.
func (k *Keyring) Unseal(sealed []byte, aad string) (Secret, error) {
	if plain, err := k.decrypt(sealed, aad); err == nil {
		return plain, nil
	}
	// Another process may have rotated the keys since the file was read.
	if err := k.load(); err != nil {
		return Secret{}, fmt.Errorf("unsealing a secret: %w", err)
	}
	plain, err := k.decrypt(sealed, aad)
	if err != nil {
		return Secret{}, fmt.Errorf("unsealing a secret: %w (keyring %s)", ErrSealed, k.path)
	}
	return plain, nil
}

func (k *Keyring) decrypt(sealed []byte, aad string) (Secret, error) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	plain, err := k.aead.Decrypt(sealed, []byte(aad))
	if err != nil {
		return Secret{}, err
	}
	return Secret{text: string(plain)}, nil
}

// String implements fmt.Stringer without the keys.
func (k *Keyring) String() string { return "keyring " + k.path }

// GoString implements fmt.GoStringer without the keys.
func (k *Keyring) GoString() string { return k.String() }

func (k *Keyring) load() error {
	info, err := os.Stat(k.path)
	if err != nil {
		return fmt.Errorf("reading keyring: %w", err)
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("reading keyring %s: its mode is %v: it must be a file that only its owner can read (chmod 600 %s)",
			k.path, info.Mode(), k.path)
	}
	raw, err := os.ReadFile(k.path)
	if err != nil {
		return fmt.Errorf("reading keyring: %w", err)
	}
	h, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(raw)))
	if err != nil {
		// The parser's error may quote what it read: the keys.
		return fmt.Errorf("reading keyring %s: it is no keyset: restore it from a backup; without it the stored BMC passwords are lost", k.path)
	}
	a, err := aead.New(h)
	if err != nil {
		return fmt.Errorf("reading keyring %s: its keys are not for sealing", k.path)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.handle, k.aead, k.file = h, a, info
	return nil
}

func (k *Keyring) create() error {
	h, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return fmt.Errorf("creating keyring %s: %w", k.path, err)
	}
	// A link fails where the name exists: of two processes that start at once, one keyring wins.
	err = k.save(h, func(tmp, path string) error {
		if err := os.Link(tmp, path); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		return nil
	})
	return err
}

// save writes the keys to a temporary file beside, on stable storage, and lets place give it its name.
func (k *Keyring) save(h *keyset.Handle, place func(tmp, path string) error) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("writing keyring: %w", err)
		}
	}()
	dir := filepath.Dir(k.path)
	f, err := os.CreateTemp(dir, ".keyring-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already after a rename
	err = insecurecleartextkeyset.Write(h, keyset.NewJSONWriter(f))
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = place(f.Name(), k.path)
	}
	if err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	return errors.Join(err, d.Close())
}
