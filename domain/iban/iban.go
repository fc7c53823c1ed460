// Package iban checks and masks international bank account numbers (ISO 13616).
package iban

import (
	"errors"
	"fmt"
	"strings"

	register "github.com/jacoelho/banking/iban"
)

const (
	minLength = 15 // Norway's, the shortest of the register
	maxLength = 34 // what ISO 13616 allows

	modulus = 97 // ISO 7064 MOD 97-10, and the RIB key

	shownFirst = 4 // country and check digits
	shownLast  = 4

	// A RIB, the national number of a French or Monegasque account: 5 digits of the bank, 5 of the branch, 11 digits and
	// letters of the account, 2 of the key.
	bankStart    = 4
	branchStart  = 9
	accountStart = 14
	keyStart     = 25
)

var (
	// ErrShape says that the text has not the shape of an IBAN: two capital letters, two digits, then capital letters and
	// digits, without spaces.
	ErrShape = errors.New("must be two capital letters, two digits, then 11 to 30 capital letters and digits, no spaces")
	// ErrCountry says that no IBAN begins with these two letters. Those of French, British and Finnish territories begin
	// with FR, GB and FI.
	ErrCountry = errors.New("begins with no country of the register of IBANs")
	// ErrLength says that the IBANs of its country are longer or shorter.
	ErrLength = errors.New("has not as many characters as the IBANs of its country")
	// ErrStructure says that a letter stands where the IBANs of its country have a digit, or the other way round.
	ErrStructure = errors.New("has letters or digits where the IBANs of its country have none")
	// ErrChecksum says that the check digits are wrong.
	ErrChecksum = errors.New("has wrong check digits (mod 97)")
	// ErrSEPA says that the account is in a country that SEPA transfers do not reach.
	ErrSEPA = errors.New("is of a country outside SEPA")
	// ErrRIBKey says that the last two digits of a French or Monegasque account are not the key of the RIB.
	ErrRIBKey = errors.New("has a wrong RIB key")
)

// Check gives no error for an IBAN as its country makes them, else ErrShape, ErrCountry, ErrLength, ErrStructure or
// ErrChecksum. It does not say that the account exists, nor that the national key inside is right: data that only name an
// account may hold one that was never paid to. What is to be paid passes [CheckSEPA].
func Check(iban string) error {
	if !shaped(iban) {
		return ErrShape
	}

	if elsewhere(iban[:2]) {
		return ErrCountry
	}

	// Its own text repeats the number; ours must not.
	wrong, ok := errors.AsType[*register.ValidationError](register.Validate(iban))
	if !ok {
		return nil
	}

	switch wrong.Reason {
	case register.ReasonUnsupportedCountry:
		return ErrCountry
	case register.ReasonInvalidLength:
		return ErrLength
	case register.ReasonInvalidChecksum:
		return ErrChecksum
	default:
		return ErrStructure
	}
}

// CheckSEPA is for both accounts of a transfer: beside what [Check] refuses, ErrSEPA for one that no SEPA transfer reaches,
// and ErrRIBKey for a French or Monegasque one whose RIB key is wrong, which its bank would return.
func CheckSEPA(iban string) error {
	if err := Check(iban); err != nil {
		return err
	}

	if !InSEPA(iban[:2]) {
		return ErrSEPA
	}

	if country := iban[:2]; (country == "FR" || country == "MC") && ribValue(iban[keyStart:]) != key(iban) {
		return ErrRIBKey
	}

	return nil
}

// InSEPA says whether SEPA transfers reach the country whose two capital letters the text, an IBAN or a country's code,
// begins with. Territories have codes of their own (RE), which the BICs of their banks hold.
func InSEPA(text string) bool {
	if len(text) < 2 {
		return false
	}

	switch country := text[:2]; country {
	case "AL", "MD", "ME", "MK", "RS": // joined in 2024 and 2025, later than the list of the library
		return true
	default:
		member, err := register.IsSEPACountryCode(country)

		return err == nil && member
	}
}

// French makes the IBAN of a French account of digits only, with its RIB key: of a bank and a branch below 100,000 and an
// account below 100,000,000,000.
func French(bank, branch, account int) string {
	national := fmt.Sprintf("%05d%05d%011d", bank, branch, account)
	national += fmt.Sprintf("%02d", key("FR00"+national))

	return "FR" + CheckDigits("FR", national) + national
}

// CheckDigits gives the two digits that belong between a country and a national account number, both of capital letters
// and digits.
func CheckDigits(country, account string) string {
	return fmt.Sprintf("%02d", modulus+1-remainder(account+country+"00"))
}

// Resembles tells a text that begins as an IBAN does and is long enough for one, spaces and small letters included: it
// must be shown to nobody, right or wrong.
func Resembles(text string) bool {
	return len(text) >= minLength && letter(text[0]) && letter(text[1]) && digit(text[2]) && digit(text[3])
}

// Mask keeps the country, the check digits and the last four characters ("FR76…4052"), which tell two accounts apart on a
// screen and give none away. A text that does not resemble an IBAN is masked whole.
func Mask(text string) string {
	if !Resembles(text) {
		return "…"
	}

	return text[:shownFirst] + "…" + strings.ToValidUTF8(text[len(text)-shownLast:], "")
}

// shaped tells the shape that all IBANs have, whatever their country.
func shaped(text string) bool {
	if len(text) < minLength || len(text) > maxLength || !capital(text[0]) || !capital(text[1]) || !digit(text[2]) || !digit(text[3]) {
		return false
	}

	for i := shownFirst; i < len(text); i++ {
		if !capital(text[i]) && !digit(text[i]) {
			return false
		}
	}

	return true
}

// elsewhere tells territories that the library lists beside their country, and whose IBANs begin with the country's code.
func elsewhere(country string) bool {
	switch country {
	case "BL", "GF", "GP", "MF", "MQ", "NC", "PF", "PM", "RE", "TF", "WF", "YT", // FR
		"GG", "IM", "JE", // GB
		"AX": // FI
		return true
	default:
		return false
	}
}

func letter(char byte) bool { return capital(char &^ 0x20) }

func capital(char byte) bool { return char >= 'A' && char <= 'Z' }

func digit(char byte) bool { return char >= '0' && char <= '9' }

// key gives the number, 1 to 97, that ends a RIB. Of 97, the weights 89, 15 and 3 are the remainders of the powers of ten
// by which bank, branch and account count in the whole number, key included, which is a multiple of 97.
func key(iban string) int {
	const bankWeight, branchWeight, accountWeight = 89, 15, 3

	return modulus - (bankWeight*ribValue(iban[bankStart:branchStart])+branchWeight*ribValue(iban[branchStart:accountStart])+
		accountWeight*ribValue(iban[accountStart:keyStart]))%modulus
}

// ribValue reads a part of a RIB as a number. Letters count as one digit: A to I and J to R as 1 to 9, S to Z as 2 to 9.
func ribValue(part string) int {
	const values = "12345678912345678923456789"

	number := 0

	for i := range len(part) {
		char := part[i]
		if capital(char) {
			char = values[char-'A']
		}

		number = number*10 + int(char-'0')
	}

	return number
}

// remainder reads letters as 10 to 35 and gives the whole number modulo 97.
func remainder(text string) int {
	rest := 0

	for i := range len(text) {
		if char := text[i]; char >= 'A' {
			rest = (rest*100 + int(char-'A') + 10) % modulus
		} else {
			rest = (rest*10 + int(char-'0')) % modulus
		}
	}

	return rest
}
