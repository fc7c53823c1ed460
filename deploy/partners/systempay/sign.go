package systempay

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the platform's older shops sign with it, and only with it
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Algorithm is how a shop signs.
type Algorithm string

// The algorithms.
const (
	SHA1   Algorithm = "sha-1"
	SHA256 Algorithm = "hmac-sha-256"
)

// ErrAlgorithm is an algorithm that the platform does not know.
var ErrAlgorithm = errors.New("no algorithm of the platform: want sha-1 or hmac-sha-256")

// ParseAlgorithm reads an algorithm as it stands in settings.
func ParseAlgorithm(text string) (Algorithm, error) {
	if known := Algorithm(text); known == SHA1 || known == SHA256 {
		return known, nil
	}
	return "", fmt.Errorf("%q: %w", text, ErrAlgorithm)
}

// prefix begins the names of the fields that are signed; signatureField is the one that is not.
const (
	prefix         = "vads_"
	signatureField = "signature"
)

// The fields that the platform itself looks at.
const (
	amountField   = "vads_amount"
	modeField     = "vads_ctx_mode"
	currencyField = "vads_currency"
	versionField  = "vads_version"
	pageField     = "vads_page_action"
	actionField   = "vads_action_mode"
	siteField     = "vads_site_id"
	dateField     = "vads_trans_date"
	numberField   = "vads_trans_id"
	configField   = "vads_payment_config"
	orderField    = "vads_order_id"
)

// field is one of a form or of a notification. Its value is what it is before it is encoded.
type field struct{ name, value string }

// sign gives the signature of fields. Those whose names begin otherwise are not signed.
func sign(algorithm Algorithm, key string, fields []field) string {
	signed := slices.DeleteFunc(slices.Clone(fields), func(f field) bool { return !strings.HasPrefix(f.name, prefix) })
	slices.SortStableFunc(signed, func(a, b field) int { return strings.Compare(a.name, b.name) })
	var text strings.Builder
	for _, one := range signed {
		text.WriteString(one.value)
		text.WriteByte('+')
	}
	text.WriteString(key)
	if algorithm == SHA1 {
		sum := sha1.Sum([]byte(text.String())) //nolint:gosec // the platform's older shops sign with it
		return hex.EncodeToString(sum[:])
	}
	mac := hmac.New(sha256.New, []byte(key))
	_, _ = mac.Write([]byte(text.String())) // a hash takes everything
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// encode writes fields as a form, in their order.
func encode(fields []field) string {
	var text strings.Builder
	for i, one := range fields {
		if i > 0 {
			text.WriteByte('&')
		}
		text.WriteString(url.QueryEscape(one.name))
		text.WriteByte('=')
		text.WriteString(url.QueryEscape(one.value))
	}
	return text.String()
}

// set changes a field, or adds it.
func set(fields []field, name, value string) []field {
	if at := slices.IndexFunc(fields, func(f field) bool { return f.name == name }); at >= 0 {
		fields[at].value = value
		return fields
	}
	return append(fields, field{name, value})
}

// unset takes a field away.
func unset(fields []field, name string) []field {
	return slices.DeleteFunc(fields, func(f field) bool { return f.name == name })
}
