package systempay

import (
	"strconv"

	"github.com/shopspring/decimal"

	"github.com/reglo/reglo/domain/money"
)

const (
	// MaxUnits is the largest amount of the form, in the currency's smallest unit: 12 digits.
	MaxUnits = 999_999_999_999

	maxAmountDigits = 12
)

// Currency is one in which SystemPay takes payments.
type Currency struct {
	Code    string // of ISO 4217: three letters
	Numeric string // of ISO 4217: three digits, as the form has it
	Places  int32  // decimal places of its smallest unit
}

// euro is the currency of our books.
const euro = "978"

// currencies are those of SystemPay's guide, for payment or for conversion into the buyer's own. A shop has a contract for
// few of them; one that is not here would have its amounts guessed.
func currencies() []Currency {
	return []Currency{
		{"AUD", "036", 2}, {"CAD", "124", 2}, {"CZK", "203", 2}, {"DKK", "208", 2}, {"HKD", "344", 2}, {"INR", "356", 2},
		{"IDR", "360", 2}, {"JPY", "392", 0}, {"KRW", "410", 0}, {"KWD", "414", 3}, {"MYR", "458", 2}, {"MXN", "484", 2},
		{"NOK", "578", 2}, {"SGD", "702", 2}, {"SEK", "752", 2}, {"CHF", "756", 2}, {"THB", "764", 2}, {"GBP", "826", 2},
		{"USD", "840", 2}, {"TWD", "901", 2}, {"RON", "946", 2}, {"TRY", "949", 2}, {"XOF", "952", 0}, {"XPF", "953", 0},
		{"EUR", euro, 2}, {"PLN", "985", 2}, {"BRL", "986", 2},
	}
}

// CurrencyOf finds a currency by its three letters or its three digits. The error is a *FieldError.
func CurrencyOf(code string) (Currency, error) {
	for _, currency := range currencies() {
		if code == currency.Code || code == currency.Numeric {
			return currency, nil
		}
	}

	return Currency{}, refuse("vads_currency", "is no currency in which SystemPay takes payments: use a code of ISO 4217 such as EUR")
}

// Units gives an amount in the currency's smallest unit, exactly: 19.99 EUR is 1999. The error is a *FieldError, for an
// amount that is not more than zero, has more than 12 digits, or more decimal places than the currency.
func (c Currency) Units(amount decimal.Decimal) (int64, error) {
	const field = "vads_amount"

	if !amount.IsPositive() {
		return 0, refuse(field, "must be more than zero")
	}

	exponent, width, places := int64(amount.Exponent()), int64(amount.NumDigits()), int64(c.Places)
	if width+exponent+places > maxAmountDigits { // asked first: a huge exponent is not expanded
		return 0, refuse(field, "has more than 12 digits: ask for it in several orders")
	}

	// A coefficient of n digits has at most n-1 trailing zeros: beyond that, there must be another significant place.
	finer := -exponent >= width+places
	if !finer {
		amount = amount.Shift(c.Places)
		finer = !amount.IsInteger()
	}

	if finer {
		return 0, refuse(field, "has more decimal places than "+c.Code+": round it to "+strconv.Itoa(int(c.Places)))
	}

	return amount.IntPart(), nil
}

// Amount is what is paid, or with a minus sign given back.
type Amount struct {
	Units    int64  // of the currency's smallest unit; MaxUnits at most, either side of zero
	Currency string // of ISO 4217: three digits
}

// Cents is the amount for our books, which hold euros; it tells whether it is one.
func (a Amount) Cents() (money.Cents, bool) {
	return money.Cents(a.Units), a.Currency == euro
}

// readAmount reads an amount of a notification: 1 to 12 digits.
func readAmount(field, text string) (int64, error) {
	if text == "" || len(text) > maxAmountDigits {
		return 0, refuse(field, "is not an amount of 1 to 12 digits")
	}

	units := int64(0)

	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return 0, refuse(field, "is not an amount of 1 to 12 digits")
		}

		units = units*10 + int64(text[i]-'0')
	}

	return units, nil
}
