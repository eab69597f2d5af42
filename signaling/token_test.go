package signaling

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"plenum/sfu"
)

const testKeys = `
# rotated in May
new: 0123456789abcdef0123456789abcdef
old:fedcba9876543210
`

func parseTestKeys(t *testing.T, text string) *Keys {
	t.Helper()
	keys, err := ParseKeys(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestParseKeys(t *testing.T) {
	keys := parseTestKeys(t, testKeys)
	if len(keys.keys) != 2 || keys.keys[0].id != "new" || string(keys.keys[1].secret) != "fedcba9876543210" {
		t.Errorf("%+v", keys.keys)
	}
	if strings.Contains(keys.String(), "0123456789") {
		t.Error("String tells secrets")
	}
	for text, want := range map[string]string{
		"":                   "no key",
		"# only a comment":   "no key",
		"a: 0123456789abcde": "line 1: the secret has fewer than 16",
		"\nno colon at all":  "line 2 is not",
		": 0123456789abcdef": "line 1 is not",
		"a: 0123456789abcdef\na: fedcba9876543210": "line 2: the id \"a\" is there twice",
	} {
		_, err := ParseKeys(strings.NewReader(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "0123456789") {
			t.Errorf("%v tells a secret", err)
		}
	}
}

func TestReadKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(path, []byte(testKeys), 0o600); err != nil {
		t.Fatal(err)
	}
	if keys, err := ReadKeys(path); err != nil || len(keys.keys) != 2 {
		t.Errorf("%v, %v", keys, err)
	}
	if _, err := ReadKeys(path + "-not"); err == nil {
		t.Error("a file that is not there has keys")
	}
}

func TestMintAndAuthenticate(t *testing.T) {
	keys, now := parseTestKeys(t, testKeys), time.Unix(1e9, 0)
	for _, want := range []Claims{
		{Room: "demo", Name: "Ada", Grants: sfu.AllGrants},
		{Room: "*", Grants: sfu.Grants{Subscribe: true}},
		{Room: "demo"},
	} {
		token, err := mint(keys, want, now, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		got, err := keys.Authenticate(token, "demo", now.Add(59*time.Minute))
		if err != nil || got != want {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
	}
}

func TestMintRefuses(t *testing.T) {
	keys := parseTestKeys(t, testKeys)
	for _, c := range []struct {
		claims Claims
		ttl    time.Duration
	}{
		{Claims{}, time.Hour},
		{Claims{Room: "a b"}, time.Hour},
		{Claims{Room: "demo", Name: strings.Repeat("x", 65)}, time.Hour},
		{Claims{Room: "demo"}, 0},
	} {
		if token, err := Mint(keys, c.claims, c.ttl); err == nil {
			t.Errorf("%+v for %v: %s", c.claims, c.ttl, token)
		}
	}
}

// signed makes a token with anything in it.
func signed(t *testing.T, method jwt.SigningMethod, secret any, kid any, claims jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(method, claims)
	if kid != nil {
		token.Header["kid"] = kid
	}
	text, err := token.SignedString(secret)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestAuthenticateRefuses(t *testing.T) {
	keys, now := parseTestKeys(t, testKeys), time.Unix(1e9, 0)
	good := func() jwt.MapClaims {
		return jwt.MapClaims{"room": "demo", "exp": now.Unix() + 60}
	}
	with := func(name string, value any) jwt.MapClaims {
		c := good()
		if c[name] = value; value == nil {
			delete(c, name)
		}
		return c
	}
	secret := keys.keys[0].secret
	hs256 := func(claims jwt.MapClaims) string { return signed(t, jwt.SigningMethodHS256, secret, "new", claims) }
	if _, err := keys.Authenticate(hs256(good()), "demo", now); err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Authenticate(signed(t, jwt.SigningMethodHS256, keys.keys[1].secret, "old", good()), "demo", now); err != nil {
		t.Fatal(err)
	}
	valid := hs256(good())
	parts := strings.Split(valid, ".")
	for name, c := range map[string]struct{ token, want string }{
		"none at all":         {"", "needs a token"},
		"garbage":             {"abc.def", "not valid"},
		"forged":              {parts[0] + "." + parts[1] + "." + strings.Repeat("A", len(parts[2])), "not valid"},
		"unsigned":            {signed(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "new", good()), "not valid"},
		"another algorithm":   {signed(t, jwt.SigningMethodHS512, secret, "new", good()), "not valid"},
		"another key":         {signed(t, jwt.SigningMethodHS256, []byte("0000000000000000"), "new", good()), "not valid"},
		"wrong key id":        {signed(t, jwt.SigningMethodHS256, secret, "old", good()), "not valid"},
		"unknown key id":      {signed(t, jwt.SigningMethodHS256, secret, "other", good()), "not valid"},
		"key id of no string": {signed(t, jwt.SigningMethodHS256, secret, 1, good()), "not valid"},
		"no id, two keys":     {signed(t, jwt.SigningMethodHS256, secret, nil, good()), "not valid"},
		"expired":             {hs256(with("exp", now.Unix()-61)), "expired"},
		"no expiry":           {hs256(with("exp", nil)), "not valid"},
		"too early":           {hs256(with("nbf", now.Unix()+61)), "not valid yet"},
		"another room":        {hs256(with("room", "other")), "another room"},
		"no room":             {hs256(with("room", nil)), "another room"},
		"grant of no bool":    {hs256(with("publish", "yes")), "not valid"},
	} {
		_, err := keys.Authenticate(c.token, "demo", now)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestSingleKeyNeedsNoID(t *testing.T) {
	keys, now := parseTestKeys(t, "only: 0123456789abcdef"), time.Unix(1e9, 0)
	token := signed(t, jwt.SigningMethodHS256, keys.keys[0].secret, nil, jwt.MapClaims{"room": "*", "exp": now.Unix() + 60, "message": false})
	claims, err := keys.Authenticate(token, "demo", now)
	if want := (sfu.Grants{Publish: true, Subscribe: true}); err != nil || claims.Grants != want {
		t.Errorf("%+v, %v", claims, err)
	}
}

// TestClocksMayDiffer: a clock of another machine is a few seconds ahead or behind.
func TestClocksMayDiffer(t *testing.T) {
	keys := parseTestKeys(t, testKeys)
	now := time.Now()
	for _, off := range []time.Duration{-50 * time.Second, 50 * time.Second} {
		claims := jwt.MapClaims{"room": "demo", "nbf": now.Add(off).Unix(), "iat": now.Add(off).Unix(), "exp": now.Add(-off).Unix()}
		if off < 0 {
			claims["exp"] = now.Add(off).Unix()
		}
		token := jwt.NewWithClaims(jwt.SigningMethodHS256, claims)
		token.Header["kid"] = keys.keys[0].id
		signed, err := token.SignedString(keys.keys[0].secret)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := keys.Authenticate(signed, "demo", now); err != nil {
			t.Errorf("%v: %v", off, err)
		}
	}
}
