package layout

import (
	"bytes"
	"slices"
	"unicode/utf8"

	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/money"
)

const (
	decimalBase = 10
	centDigits  = 2
)

// What amounts may be refused for.
//
//nolint:gochecknoglobals // constants
var (
	errNoAmount    = refusal{fault.CodeMissing, "is empty: an amount is expected"}
	errAmount      = refusal{fault.CodeAmount, "must be an amount of digits only: no sign, no point, no spaces inside"}
	errSigned      = refusal{fault.CodeAmount, "must be an amount of digits with at most one sign, '+' or '-', before or behind them"}
	errPoint       = refusal{fault.CodeAmount, "must have the layout's point before its last two digits, the cents"}
	errOverpunched = refusal{fault.CodeAmount,
		"must be digits with the last one overpunched: { A B C D E F G H I for +0 to +9, } J K L M N O P Q R for -0 to -9"}
	errOverflow = refusal{fault.CodeAmount, "is beyond the largest amount"}
	errSign     = refusal{fault.CodeSign, "has none of the signs that its layout declares"}
)

// sign is a Sign ready to be read.
type sign struct {
	at          []part
	plus, minus []string
}

// amount reads an amount of one of the types of cents.
func (f *field) amount(l *line, text []byte) (money.Cents, refusal) {
	if len(text) == 0 {
		return 0, errNoAmount
	}

	var (
		last     = -1 // the overpunched digit
		negative bool
		wrong    = errAmount
	)

	switch f.kind {
	case TypeSigned:
		text, negative = unsign(text)
		wrong = errSigned
	case TypeOverpunched:
		if text, last, negative = punched(text); last < 0 {
			return 0, errOverpunched
		}

		wrong = errOverpunched
	}

	cents, refused := f.digits(text, last, wrong)
	if refused.refused() {
		return 0, refused
	}

	if f.sign != nil {
		mark, _ := l.value(f.sign.at)

		switch {
		case slices.Contains(f.sign.minus, string(mark)):
			negative = true
		case !slices.Contains(f.sign.plus, string(mark)):
			return 0, errSign
		}
	}

	if negative {
		cents = -cents
	}

	return cents, refusal{}
}

// digits reads the digits of an amount, behind which last stands unless it is below zero.
func (f *field) digits(text []byte, last int, wrong refusal) (money.Cents, refusal) {
	width := len(text)
	if last >= 0 {
		width++
	}

	point := -1
	if f.point != 0 {
		if point = width - centDigits - 1; point < 1 || text[point] != f.point {
			return 0, errPoint
		}
	}

	if width == 0 {
		return 0, wrong
	}

	var cents money.Cents

	for i := range width {
		if i == point {
			continue
		}

		digit := last
		if i < len(text) {
			if digit = int(text[i]) - '0'; digit < 0 || digit >= decimalBase {
				return 0, wrong
			}
		}

		if cents = cents*decimalBase + money.Cents(digit); cents > money.Max {
			return 0, errOverflow
		}
	}

	return cents, refusal{}
}

// unsign takes a sign off an amount, before or behind it.
func unsign(text []byte) (digits []byte, negative bool) {
	switch first, last := text[0], text[len(text)-1]; {
	case first == '-' || first == '+':
		return bytes.TrimLeft(text[1:], " "), first == '-'
	case last == '-' || last == '+':
		return bytes.TrimRight(text[:len(text)-1], " "), last == '-'
	default:
		return text, false
	}
}

// punched takes the overpunched digit off an amount: -1 when there is none. A plain digit is a positive one, as writers
// that punch only what is below zero leave it. The French EBCDIC has é and è where the others have braces, and files that
// were converted from it keep them.
func punched(text []byte) (digits []byte, last int, negative bool) {
	char, size := utf8.DecodeLastRune(text)
	digits = text[:len(text)-size]

	switch {
	case char >= '0' && char <= '9':
		return digits, int(char - '0'), false
	case char == '{' || char == 'é':
		return digits, 0, false
	case char >= 'A' && char <= 'I':
		return digits, int(char-'A') + 1, false
	case char == '}' || char == 'è':
		return digits, 0, true
	case char >= 'J' && char <= 'R':
		return digits, int(char-'J') + 1, true
	default:
		return digits, -1, false
	}
}
