package systempay

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // shops that SystemPay has not moved to HMAC yet have no other algorithm
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
)

// Algorithm is how a shop's messages are signed. It is our setting of the shop, and never what a message says.
type Algorithm string

// The algorithms.
const (
	SHA1       Algorithm = "SHA-1"        // lower-case hexadecimal digits of the SHA-1 of the text that ends in the key
	HMACSHA256 Algorithm = "HMAC-SHA-256" // base64 of the HMAC, under the key, of that same text
)

// Sign gives the signature of a message: of all its fields whose names begin with vads_, the empty and the unknown ones too.
// The other fields are not signed. The result is empty when there is no key, or no such algorithm.
func Sign(fields map[string]string, algorithm Algorithm, key Key) string {
	if key.IsZero() {
		return ""
	}

	text := []byte(signedText(fields, key))

	switch algorithm {
	case SHA1:
		sum := sha1.Sum(text) //nolint:gosec // as above

		return hex.EncodeToString(sum[:])
	case HMACSHA256:
		code := hmac.New(sha256.New, []byte(key.reveal()))
		_, _ = code.Write(text)

		return base64.StdEncoding.EncodeToString(code.Sum(nil))
	default:
		return ""
	}
}

// Verify tells whether a signature is that of the message, in a time that does not depend on where it differs. Nothing
// verifies without a key, or under an unknown algorithm.
func Verify(fields map[string]string, signature string, algorithm Algorithm, key Key) bool {
	right := Sign(fields, algorithm, key)

	return right != "" && subtle.ConstantTimeCompare([]byte(right), []byte(signature)) == 1
}

// signedText joins the values, sorted by the bytes of their names, and the key by plus signs.
func signedText(fields map[string]string, key Key) string {
	var text strings.Builder

	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if strings.HasPrefix(name, prefix) {
			text.WriteString(fields[name])
			text.WriteByte('+')
		}
	}

	text.WriteString(key.reveal())

	return text.String()
}
