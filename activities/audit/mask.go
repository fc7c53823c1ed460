package audit

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/reglo/reglo/activities/audit/internal/db"
	"github.com/reglo/reglo/domain/iban"
)

// withoutIBANs masks the words of a text that may be an account, whatever
// punctuation follows them.
func withoutIBANs(text string) string { return maskBut(text, nil) }

// maskBut masks the words of a text that may be an account and are none of these.
func maskBut(text string, known map[string]bool) string {
	words := strings.Fields(text)
	for i, word := range words {
		if bare := bareWord(word); mayBeIBAN(bare) && !known[bare] {
			words[i] = iban.Mask(bare) + word[len(bare):]
		}
	}
	return strings.Join(words, " ")
}

// maskAll does so in texts that people and vacations wrote. Their bank lines stay
// readable: a bank may give them ids that begin as an IBAN does, such as
// BQ0000000000000005.
func maskAll(ctx context.Context, queries *db.Queries, texts []*string) error {
	asked := make(map[string]bool)
	for _, text := range texts {
		for word := range strings.FieldsSeq(*text) {
			if bare := bareWord(word); mayBeIBAN(bare) {
				asked[bare] = true
			}
		}
	}
	known := make(map[string]bool)
	if len(asked) > 0 {
		ids, err := queries.KnownBankLines(ctx, slices.Sorted(maps.Keys(asked)))
		if err != nil {
			return fmt.Errorf("look for bank lines: %w", err)
		}
		for _, id := range ids {
			known[id] = true
		}
	}
	for _, text := range texts {
		*text = maskBut(*text, known)
	}
	return nil
}

func bareWord(word string) string { return strings.TrimRight(word, ",.;:)") }

const (
	sha256Digits = 64 // no IBAN is that long, with or without separators
	uuidLength   = 36
)

// mayBeIBAN tells a word that resembles an IBAN from the identifiers of ours
// that begin as one by chance: hashes, and UUIDs, with which a refExterne begins.
func mayBeIBAN(word string) bool {
	isUUID := len(word) >= uuidLength && uuid.Validate(word[:uuidLength]) == nil
	return iban.Resembles(word) && len(word) != sha256Digits && !isUUID
}
