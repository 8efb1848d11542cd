package secret

import (
	"encoding/binary"
	"fmt"
	"os"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
)

// A ring is renewed in three steps, each of which leaves a ring that opens everything: Rotate adds a key that seals from
// then on, whoever keeps sealed values seals them again (Current tells which need it), and Retire drops the older keys.

// Keys are the IDs of the keys in the ring's file as it is now, the one that seals first.
func (k *Keyring) Keys() ([]uint32, error) {
	if err := k.load(); err != nil {
		return nil, err
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	info := k.handle.KeysetInfo()
	ids := []uint32{info.GetPrimaryKeyId()}
	for _, key := range info.GetKeyInfo() {
		if id := key.GetKeyId(); id != ids[0] {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// Current tells whether a value was sealed with the key that seals now. Every sealed value names its key (Tink's output
// prefix: a one and four bytes of the ID).
func (k *Keyring) Current(sealed []byte) bool {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return len(sealed) > 4 && sealed[0] == 1 && binary.BigEndian.Uint32(sealed[1:5]) == k.handle.KeysetInfo().GetPrimaryKeyId()
}

// Rotate adds a fresh key and seals with it from now on. The older keys stay, to open what they sealed.
// Two processes must not rotate at the same time.
func (k *Keyring) Rotate() error {
	return k.change("rotating", func(m *keyset.Manager, _ *keyset.Handle) error {
		id, err := m.Add(aead.AES256GCMKeyTemplate())
		if err != nil {
			return err
		}
		return m.SetPrimary(id)
	})
}

// Retire drops all keys but the one that seals. What they have sealed cannot be opened any more, not even from a backup,
// without a copy of the ring as it was.
func (k *Keyring) Retire() error {
	return k.change("retiring old keys of", func(m *keyset.Manager, h *keyset.Handle) error {
		info := h.KeysetInfo()
		for _, key := range info.GetKeyInfo() {
			if id := key.GetKeyId(); id != info.GetPrimaryKeyId() {
				if err := m.Delete(id); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// change changes the ring in the file and in memory. What another process has changed meanwhile is not lost.
func (k *Keyring) change(doing string, f func(*keyset.Manager, *keyset.Handle) error) error {
	if err := k.load(); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	m := keyset.NewManagerFromHandle(k.handle)
	if err := f(m, k.handle); err != nil {
		return fmt.Errorf("%s keyring %s: %w", doing, k.path, err)
	}
	h, err := m.Handle()
	if err != nil {
		return fmt.Errorf("%s keyring %s: %w", doing, k.path, err)
	}
	a, err := aead.New(h)
	if err != nil {
		return fmt.Errorf("%s keyring %s: %w", doing, k.path, err)
	}
	if err := k.save(h, os.Rename); err != nil {
		return err
	}
	k.handle, k.aead, k.file = h, a, nil
	return nil
}

// refresh reads the file again when another process has changed it: a key that was retired must seal nothing more.
func (k *Keyring) refresh() error {
	info, err := os.Stat(k.path)
	if err != nil {
		return fmt.Errorf("reading keyring: %w", err)
	}
	k.mu.RLock()
	same := k.file != nil && os.SameFile(info, k.file) && info.ModTime().Equal(k.file.ModTime()) && info.Size() == k.file.Size()
	k.mu.RUnlock()
	if same {
		return nil
	}
	return k.load()
}
