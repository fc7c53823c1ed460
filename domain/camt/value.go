package camt

import (
	"bytes"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/iso20022"
	"github.com/reglo/reglo/domain/money"
)

const (
	maxDecimals      = 2
	maxAmountDigits  = 18 // ISO's totalDigits
	maxDigits        = 18 // of a number, which an int64 holds
	decimalBase      = 10
	minYear, maxYear = 2000, 2099 // those of the instants that an event may hold
)

// text reads a text of at most so many characters. An empty one says nothing.
func (r *reader) text(into *string, most int) func() {
	return func() {
		if raw := r.decoder.Text(); len(raw) > most && utf8.RuneCount(raw) > most {
			r.refuse(fault.CodeTooLong, "", "has more characters than the message allows")
		} else {
			*into = string(raw)
		}
	}
}

// id reads a text that must not be empty.
func (r *reader) id(into *string) func() {
	text := r.text(into, maxID)

	return func() {
		faults := r.faults.Count

		text()

		if *into == "" && r.faults.Count == faults {
			r.refuse(fault.CodeMissing, "", "is empty")
		}
	}
}

// code reads a text of which there are few different ones.
func (r *reader) code(into *string, most int) func() {
	return func() {
		raw := r.decoder.Text()

		known, ok := r.codes[string(raw)]

		switch {
		case ok:
		case utf8.RuneCount(raw) > most:
			r.refuse(fault.CodeTooLong, "", "has more characters than the message allows")
		default:
			known = string(raw)
			if len(r.codes) < maxCodes {
				r.codes[known] = known
			}
		}

		*into = known
	}
}

// joined reads a text that may come several times, and puts a space between them.
func (r *reader) joined(into *string, each, most int) func() {
	var one string

	text := r.text(&one, each)

	return func() {
		one = ""
		text()

		switch {
		case *into == "":
			*into = one
		case one != "" && len(*into)+len(one) >= most:
			r.refuse(fault.CodeTooLong, "", "has, with those before it, more characters than are read here")
		case one != "":
			*into += " " + one
		}
	}
}

// amount reads an amount of euros, exact to the cent and without a sign.
func (r *reader) amount(into *money.Cents) func() {
	decimal := r.decimal(into)

	return func() {
		currency := r.decoder.Currency()
		decimal()

		if currency != money.Currency {
			r.refuse(fault.CodeCurrency, currency, "is not the currency of this account: only "+money.Currency+" is read here")
		}
	}
}

// foreign reads an amount that may be of another currency: it says nothing then.
func (r *reader) foreign(into *money.Cents) func() {
	decimal := r.decimal(into)

	return func() {
		if r.decoder.Currency() == money.Currency {
			decimal()
		} else {
			r.decoder.Skip()
		}
	}
}

// decimal reads a number of euros without a currency.
func (r *reader) decimal(into *money.Cents) func() {
	return func() {
		raw := r.decoder.Text()
		if r.decoder.Err() != nil {
			return
		}

		cents, code, reason := parseAmount(raw)
		if reason != "" {
			r.refuse(code, shown(raw), reason)

			return
		}

		*into = cents
	}
}

// parseAmount reads a number of euros without a sign: zeros may follow the cents.
func parseAmount(raw []byte) (money.Cents, fault.Code, string) {
	if bytes.HasPrefix(raw, []byte{'-'}) {
		return 0, fault.CodeSign, "must not be negative: CdtDbtInd says the direction"
	}

	whole, fraction, pointed := bytes.Cut(raw, []byte{'.'})
	if pointed && len(fraction) > maxDecimals {
		kept := bytes.TrimRight(fraction, "0")
		if len(kept) > maxDecimals {
			return 0, fault.CodeAmount, "must be a number of euros with at most two decimal places"
		}

		fraction = fraction[:maxDecimals]
	}

	digits := bytes.TrimLeft(whole, "0")
	if len(whole) == 0 || pointed && len(fraction) == 0 || len(digits) > maxAmountDigits {
		return 0, fault.CodeAmount, "must be a number of euros with at most two decimal places, up to " + money.Max.String()
	}

	var memory [maxAmountDigits + maxDecimals]byte

	plain := append(append(memory[:0], digits...), fraction...)
	for i := len(fraction); i < maxDecimals; i++ {
		plain = append(plain, '0')
	}

	cents, err := money.ParseCents(plain)
	if err != nil {
		return 0, fault.CodeAmount, "must be a number of euros with at most two decimal places, up to " + money.Max.String()
	}

	return cents, "", ""
}

// debit reads a direction: whether it is DBIT, and not CRDT.
func (r *reader) debit(into *bool) func() {
	return func() {
		switch raw := r.decoder.Text(); string(raw) {
		case "CRDT":
			*into = false
		case "DBIT":
			*into = true
		default:
			r.refuse(fault.CodeUnknown, shown(raw), "must be CRDT or DBIT")
		}
	}
}

// flag reads a truth value, and notes that it was said.
func (r *reader) flag(into *bool) func() {
	return func() {
		switch raw := r.decoder.Text(); string(raw) {
		case "true", "1":
			*into = true
		case "false", "0":
			*into = false
		default:
			r.refuse(fault.CodeUnknown, shown(raw), "must be true or false")
		}
	}
}

// number reads a whole number.
func (r *reader) number(into *int64) func() {
	return func() {
		raw := r.decoder.Text()
		value := int64(0)

		for _, char := range raw {
			if char < '0' || char > '9' || len(raw) > maxDigits {
				r.refuse(fault.CodePattern, shown(raw), "must be a number of at most 18 digits")

				return
			}

			value = value*decimalBase + int64(char-'0')
		}

		if len(raw) == 0 {
			r.refuse(fault.CodeMissing, "", "is empty")
		}

		*into = value
	}
}

// date reads a day.
func (r *reader) date(into *calendar.Date) func() {
	return func() {
		raw := r.decoder.Text()
		if r.decoder.Err() != nil {
			return
		}

		day, err := calendar.ParseDate(string(raw))
		if err != nil || day.Year() < minYear || day.Year() > maxYear {
			r.refuse(fault.CodeDate, shown(raw), "must be a day of the years 2000 to 2099, as 2006-01-02")

			return
		}

		*into = day
	}
}

// instant reads a day with its hour, and gives it in Europe/Paris.
func (r *reader) instant(into *time.Time) func() {
	return func() {
		raw := r.decoder.Text()
		if r.decoder.Err() != nil {
			return
		}

		at, err := iso20022.ParseInstant(string(raw))

		at = at.In(calendar.Paris())
		if err != nil || at.Year() < minYear || at.Year() > maxYear {
			r.refuse(fault.CodeDate, shown(raw), "must be an instant of the years 2000 to 2099, as 2006-01-02T15:04:05+01:00")

			return
		}

		*into = at
	}
}

// account reads an IBAN.
func (r *reader) account(into *string) func() {
	return func() {
		raw := r.decoder.Text()
		if r.decoder.Err() != nil {
			return
		}

		if err := iban.Check(string(raw)); err != nil {
			r.refuse(fault.CodeIBAN, iban.Mask(string(raw)), err.Error())

			return
		}

		*into = string(raw)
	}
}

// shown gives a refused value when it is an amount, a date or a code, and nothing when it could name somebody or be the
// number of an account or of a card.
func shown(raw []byte) string {
	const longestRun, longestCode = 12, 5

	if len(raw) <= longestCode {
		return string(raw)
	}

	run := 0

	for _, char := range raw {
		switch {
		case char >= '0' && char <= '9':
			run++
		case strings.IndexByte(".-+:TZ", char) >= 0:
			run = 0
		default:
			return ""
		}

		if run > longestRun {
			return ""
		}
	}

	return string(raw)
}
