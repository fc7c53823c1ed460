package divalto

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
)

const (
	// MaxLabel bounds a label, in characters. No public documentation gives the
	// length of the ERP's field LIB: 40 is what the labels of French accounting
	// programs commonly hold, and is to be confirmed with whoever runs the ERP, since
	// a label that it cuts is not found again.
	MaxLabel = 40
	// MaxReference bounds a reference of which a label is made, in bytes.
	MaxReference = 200

	// labelDigits is the number of hexadecimal digits of a digest in a label: 64
	// bits, behind the same beginning of a reference, do not meet twice by chance.
	labelDigits = 16
	// digestMark stands before the digest of a reference that is not in the label
	// as it is, and in no other label.
	digestMark = "~"
	// attemptMark stands before the number of an attempt after the first.
	attemptMark = "/"
	// maxAttempt keeps the number of an attempt to three digits.
	maxAttempt = 999
)

// Kind is what a label's reference refers to.
type Kind string

// The kinds, each with the letter that labels have for it.
const (
	Payout     Kind = "PAYOUT"     // a payout to a merchant, V for versement
	Settlement Kind = "SETTLEMENT" // a settlement of the bank, R for règlement
	Order      Kind = "PAYMENT"    // a payment of an order, C for commande
	Remise     Kind = "DEPOSIT"    // a remise en banque, B
)

func (k Kind) letter() string {
	switch k {
	case Payout:
		return "V"
	case Settlement:
		return "R"
	case Order:
		return "C"
	case Remise:
		return "B"
	default:
		return ""
	}
}

// Label gives the label that an entry carries in the ERP (LIB), by which it is
// searched there: `RG<letter of the kind>:<reference>`, then `/<attempt>` from
// the second attempt on. A reference that does not fit, or that has characters
// other than letters, digits, full stops and hyphens (which a search might take
// for something else), has its beginning in the label, `~` and the first 16
// hexadecimal digits of its SHA-256. Two different entries never have the same
// label, and the same entry always has the same.
//
// The reference is of 1 to MaxReference bytes, the attempt from 1 to 999. The
// error is a *RuleError.
func Label(kind Kind, reference string, attempt int) (string, error) {
	letter := kind.letter()

	switch {
	case letter == "":
		return "", broken(0, RuleRequired, fieldLabel, string(kind), "not a kind of entry: say PAYOUT, SETTLEMENT, PAYMENT or DEPOSIT")
	case reference == "":
		return "", broken(0, RuleRequired, fieldLabel, "", "give the reference of what is posted")
	case len(reference) > MaxReference:
		return "", broken(0, RuleLength, fieldLabel, reference, "a reference has at most "+strconv.Itoa(MaxReference)+" bytes")
	case attempt < 1 || attempt > maxAttempt:
		return "", broken(0, RuleLength, fieldLabel, strconv.Itoa(attempt), "attempts are counted from 1 to "+strconv.Itoa(maxAttempt))
	}

	prefix, suffix := "RG"+letter+":", ""
	if attempt > 1 {
		suffix = attemptMark + strconv.Itoa(attempt)
	}

	room := MaxLabel - len(prefix) - len(suffix)
	plain := strings.Map(plainCharacter, reference)

	if plain == reference && len(reference) <= room {
		return prefix + reference + suffix, nil
	}

	digest := sha256.Sum256([]byte(reference))
	beginning := plain[:min(len(plain), room-len(digestMark)-labelDigits)]

	return prefix + beginning + digestMark + hex.EncodeToString(digest[:])[:labelDigits] + suffix, nil
}

// plainCharacter gives the character itself if a search takes it as it is, and a
// hyphen instead of any other.
func plainCharacter(char rune) rune {
	switch {
	case char >= '0' && char <= '9', char >= 'A' && char <= 'Z', char >= 'a' && char <= 'z', char == '.', char == '-':
		return char
	default:
		return '-'
	}
}
