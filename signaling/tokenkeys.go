package signaling

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// minSecretBytes is the shortest secret that a key may have.
const minSecretBytes = 16

// Keys are the secrets that tokens are signed with. They are an Authenticator.
type Keys struct {
	keys []key // at least one
}

type key struct {
	id     string
	secret []byte
}

// String keeps secrets out of logs.
func (k *Keys) String() string { return fmt.Sprintf("%d keys", len(k.keys)) }

// ReadKeys reads a key file.
func ReadKeys(path string) (*Keys, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	defer f.Close()
	keys, err := ParseKeys(f)
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	return keys, nil
}

// ParseKeys reads lines `id: secret`; blank lines and those that begin with '#'
// don't count. The first key signs, all of them verify, so that keys can be
// rotated. Errors name lines, never secrets.
func ParseKeys(r io.Reader) (*Keys, error) {
	keys, seen := &Keys{}, map[string]bool{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		id, secret, found := strings.Cut(line, ":")
		id, secret = strings.TrimSpace(id), strings.TrimSpace(secret)
		switch {
		case !found || id == "":
			return nil, fmt.Errorf("line %d is not `id: secret`", n)
		case len(secret) < minSecretBytes:
			return nil, fmt.Errorf("line %d: the secret has fewer than %d bytes", n, minSecretBytes)
		case seen[id]:
			return nil, fmt.Errorf("line %d: the id %q is there twice", n, id)
		}
		seen[id] = true
		keys.keys = append(keys.keys, key{id, []byte(secret)})
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(keys.keys) == 0 {
		return nil, errors.New("there is no key")
	}
	return keys, nil
}
