package nfon

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"time"
)

// signingKey is made once per process: a key per simulated server would cost tests seconds and prove nothing more.
var signingKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

var (
	errTokenInvalid = errors.New("token is invalid")
	errTokenExpired = errors.New("token has expired")
)

// claims of a token. The vendor's clients read customer, exp and extended_presence; the rest is ours.
type claims struct {
	Customer         string `json:"customer"`
	Expires          int64  `json:"exp"` // Unix seconds
	Issued           int64  `json:"iat"`
	Generation       int    `json:"gen"` // of the issuer; revoking starts a new one
	ExtendedPresence bool   `json:"extended_presence"`
	ID               string `json:"jti"`
	Use              string `json:"use"` // access or refresh: one cannot stand in for the other
}

// issuer makes and checks RS512 tokens. Its maps are guarded by mu.
type issuer struct {
	key *rsa.PrivateKey
	kid string

	mu         sync.Mutex
	spent      map[string]bool // refresh tokens that were used
	generation int             // tokens of earlier ones are dead
}

func newIssuer() (*issuer, error) {
	key, err := signingKey()
	if err != nil {
		return nil, fmt.Errorf("make signing key: %w", err)
	}
	sum := sha256.Sum256(key.N.Bytes())
	return &issuer{key: key, kid: hex.EncodeToString(sum[:]), spent: map[string]bool{}}, nil
}

func (i *issuer) sign(c claims) (string, error) {
	header, err := json.Marshal(map[string]string{"alg": "RS512", "kid": i.kid, "typ": "JWT"})
	if err != nil {
		return "", fmt.Errorf("encode token header: %w", err)
	}
	body, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("encode claims: %w", err)
	}
	enc := base64.RawURLEncoding
	text := enc.EncodeToString(header) + "." + enc.EncodeToString(body)
	sum := sha512.Sum512([]byte(text))
	sig, err := rsa.SignPKCS1v15(rand.Reader, i.key, crypto.SHA512, sum[:])
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return text + "." + enc.EncodeToString(sig), nil
}

// pair issues an access and a refresh token.
func (i *issuer) pair(customer string, sw *Switches) (access, refresh string, err error) {
	now := time.Now()
	i.mu.Lock()
	generation := i.generation
	i.mu.Unlock()
	c := claims{
		Customer: customer, Issued: now.Unix(), Generation: generation, ExtendedPresence: !sw.NoExtended,
		// Rounded up: a token must never die before its lifetime is over.
		Expires: now.Add(time.Duration(sw.TokenLifetime) + time.Second - 1).Unix(),
		ID:      rand.Text(), Use: "access",
	}
	if access, err = i.sign(c); err != nil {
		return "", "", err
	}
	c.Expires, c.ID, c.Use = now.Add(time.Duration(sw.RefreshLifetime)).Unix(), rand.Text(), "refresh"
	refresh, err = i.sign(c)
	return access, refresh, err
}

// check verifies a token of the given use.
func (i *issuer) check(token, use string) (claims, error) {
	var c claims
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return c, errTokenInvalid
	}
	sig, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return c, errTokenInvalid
	}
	sum := sha512.Sum512([]byte(parts[0] + "." + parts[1]))
	if rsa.VerifyPKCS1v15(&i.key.PublicKey, crypto.SHA512, sum[:], sig) != nil {
		return c, errTokenInvalid
	}
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(body, &c) != nil || c.Use != use {
		return c, errTokenInvalid
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case time.Now().Unix() >= c.Expires:
		return c, errTokenExpired
	case i.spent[c.ID] || c.Generation != i.generation:
		return c, errTokenInvalid
	}
	return c, nil
}

// spend makes a refresh token useless.
func (i *issuer) spend(id string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.spent[id] = true
}

// revoke makes every token issued until now useless.
func (i *issuer) revoke() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.generation++
}

type jwk struct {
	KeyType  string `json:"kty"`
	Use      string `json:"use"`
	Alg      string `json:"alg"`
	KeyID    string `json:"kid"`
	Modulus  string `json:"n"`
	Exponent string `json:"e"`
}

func (i *issuer) jwk() jwk {
	enc := base64.RawURLEncoding
	return jwk{
		KeyType: "RSA", Use: "sig", Alg: "RS512", KeyID: i.kid,
		Modulus:  enc.EncodeToString(i.key.N.Bytes()),
		Exponent: enc.EncodeToString(big.NewInt(int64(i.key.E)).Bytes()),
	}
}
