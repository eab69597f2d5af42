package signaling

import (
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"plenum/sfu"
	"plenum/signaling/protocol"
)

// Authenticator decides who may enter a room.
type Authenticator interface {
	// Authenticate checks a token (empty if the client sent none) for a room.
	// The client is told the error's text, so that must be fit for it.
	Authenticate(token, room string, now time.Time) (Claims, error)
}

// Claims are what a token says.
type Claims struct {
	Room   string // "*" is any room
	Name   string // if not empty, in place of what the client calls itself
	Grants sfu.Grants
}

// anyRoom is the room claim of a token that is good everywhere.
const anyRoom = "*"

// tokenClaims is the JWT's form of Claims. A grant that is absent is given.
type tokenClaims struct {
	Room      string `json:"room"`
	Name      string `json:"name,omitempty"`
	Publish   *bool  `json:"publish,omitempty"`
	Subscribe *bool  `json:"subscribe,omitempty"`
	Message   *bool  `json:"message,omitempty"`
	jwt.RegisteredClaims
}

// clockSkew is how far the clocks of those who mint tokens and of this server may differ
// (RFC 7519 §4.1.4 and §4.1.5 allow a few minutes at most).
const clockSkew = time.Minute

// errTokenExpired is no reason to refuse a session that the token began.
var errTokenExpired = errors.New("the token has expired")

// Authenticate checks a JSON Web Token (RFC 7519) signed with HS256 by one of
// the keys. It must have an expiry, and be for that room or for all. With
// errTokenExpired come the claims that it had.
func (k *Keys) Authenticate(token, room string, now time.Time) (Claims, error) {
	if token == "" {
		return Claims{}, errors.New("this server needs a token")
	}
	var claims tokenClaims
	_, err := jwt.ParseWithClaims(token, &claims, k.find,
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
		jwt.WithExpirationRequired(),
		jwt.WithLeeway(clockSkew),
		jwt.WithTimeFunc(func() time.Time { return now }))
	expired := errors.Is(err, jwt.ErrTokenExpired) && !errors.Is(err, jwt.ErrTokenNotValidYet)
	switch {
	case errors.Is(err, jwt.ErrTokenNotValidYet):
		return Claims{}, errors.New("the token is not valid yet")
	case err != nil && !expired:
		return Claims{}, errors.New("the token is not valid")
	case claims.Room != room && claims.Room != anyRoom:
		return Claims{}, errors.New("the token is for another room")
	}
	admitted := Claims{
		Room: claims.Room, Name: claims.Name,
		Grants: sfu.Grants{
			Publish:   granted(claims.Publish),
			Subscribe: granted(claims.Subscribe),
			Message:   granted(claims.Message),
		},
	}
	if expired {
		return admitted, errTokenExpired
	}
	return admitted, nil
}

// find gives the key that a token names. Where there is only one, it need not be named.
func (k *Keys) find(token *jwt.Token) (any, error) {
	id, named := token.Header["kid"].(string)
	for _, key := range k.keys {
		if named && key.id == id || !named && len(k.keys) == 1 {
			return key.secret, nil
		}
	}
	return nil, errors.New("no such key")
}

// Mint makes a token signed with the first of the keys, good for ttl from now.
func Mint(keys *Keys, c Claims, ttl time.Duration) (string, error) {
	return mint(keys, c, time.Now(), ttl)
}

func mint(keys *Keys, c Claims, now time.Time, ttl time.Duration) (string, error) {
	switch {
	case c.Room != anyRoom && !protocol.ValidRoom(c.Room):
		return "", fmt.Errorf("%q is no room: 1 to %d letters, digits, '-', '_' and '.', or %q for all", c.Room, protocol.MaxRoom, anyRoom)
	case !protocol.ValidName(c.Name):
		return "", fmt.Errorf("the name is longer than %d characters", protocol.MaxName)
	case ttl <= 0:
		return "", fmt.Errorf("a token that is good for %v is good for nothing", ttl)
	}
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, tokenClaims{
		Room: c.Room, Name: c.Name,
		Publish: denied(c.Grants.Publish), Subscribe: denied(c.Grants.Subscribe), Message: denied(c.Grants.Message),
		RegisteredClaims: jwt.RegisteredClaims{
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(ttl)),
		},
	})
	token.Header["kid"] = keys.keys[0].id
	signed, err := token.SignedString(keys.keys[0].secret)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return signed, nil
}

func granted(claim *bool) bool { return claim == nil || *claim }

// denied is a grant as a token has it: said only where it is refused.
func denied(grant bool) *bool {
	if grant {
		return nil
	}
	return new(bool)
}
