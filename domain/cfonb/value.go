package cfonb

import (
	"strconv"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/money"
)

const (
	places      = 2 // decimal places of the euro
	decimalBase = 10

	// Years of two digits: no file of these is older than 1970.
	firstYear   = 1970
	century     = 100
	yearsAround = 10 // of years that end in the same digit
)

// signed reads an amount whose last digit bears the sign.
func (f *field[R]) signed(d *decoder, c cell) money.Cents {
	last := len(c.raw) - 1

	cents, ok := f.digits(d, c, last)
	if !ok {
		return 0
	}

	digit, negative, ok := punched(c.raw[last])
	if !ok {
		f.refuse(d, c, last, fault.CodeAmount, "must be a digit with its sign: { A B C D E F G H I for +0 to +9, "+
			"} J K L M N O P Q R for -0 to -9, é and è for the two braces")

		return 0
	}

	if cents = f.scale(d, c, cents*decimalBase+digit); negative {
		return -cents
	}

	return cents
}

// unsigned reads an amount of cents. Blank is zero where it may be.
func (f *field[R]) unsigned(d *decoder, c cell) money.Cents {
	if f.missing(d, c) {
		return 0
	}

	cents, _ := f.digits(d, c, len(c.raw))
	if cents > money.Max {
		f.refuse(d, c, -1, fault.CodeAmount, "is beyond the largest amount, "+money.Max.String())

		return 0
	}

	return cents
}

// digits reads the first count bytes of an amount, at most 16, which an int64 holds with one more.
func (f *field[R]) digits(d *decoder, c cell, count int) (money.Cents, bool) {
	var cents money.Cents

	for i, char := range c.raw[:count] {
		digit := char - '0'
		if digit >= decimalBase {
			f.refuse(d, c, i, fault.CodeAmount, "must be a digit: amounts have zeros before them, no spaces and no point")

			return 0, false
		}

		cents = cents*decimalBase + money.Cents(digit)
	}

	return cents, true
}

// scale makes cents of an amount in the places that the record declares, exactly.
func (f *field[R]) scale(d *decoder, c cell, amount money.Cents) money.Cents {
	declared := d.decimals

	for ; declared < places; declared++ {
		amount *= decimalBase
	}

	for ; declared > places; declared-- {
		if amount%decimalBase != 0 {
			f.refuse(d, c, -1, fault.CodeAmount, "is no whole number of cents: the record declares "+strconv.Itoa(d.decimals)+
				" decimal places, and those behind the second are not all 0")

			return 0
		}

		amount /= decimalBase
	}

	if amount > money.Max {
		f.refuse(d, c, -1, fault.CodeAmount, "is beyond the largest amount, "+money.Max.String())

		return 0
	}

	return amount
}

// punched reads a digit that bears a sign. Where the French EBCDIC has é and è the others have braces, and files that were
// converted from it keep the letters.
func punched(char byte) (digit money.Cents, negative, ok bool) {
	const eAcute, eGrave = 0xe9, 0xe8

	switch {
	case char >= 'A' && char <= 'I':
		return money.Cents(char-'A') + 1, false, true
	case char >= 'J' && char <= 'R':
		return money.Cents(char-'J') + 1, true, true
	case char == '{' || char == eAcute:
		return 0, false, true
	case char == '}' || char == eGrave:
		return 0, true, true
	default:
		return 0, false, false
	}
}

// appendCents appends an amount in that many digits, and tells whether it fits. Zero is positive.
func appendCents(into []byte, amount money.Cents, width int, signed bool) bool {
	const positive, negative = "{ABCDEFGHI", "}JKLMNOPQR"

	if amount < 0 && !signed || amount.Abs() > money.Max {
		return false
	}

	digits := strconv.FormatInt(int64(amount.Abs()), decimalBase)
	if len(digits) > width {
		return false
	}

	for range width - len(digits) {
		into = append(into, '0')
	}

	into = append(into, digits...)
	if !signed {
		return true
	}

	last := &into[width-1]
	if amount < 0 {
		*last = negative[*last-'0']
	} else {
		*last = positive[*last-'0']
	}

	return true
}

// appendDay appends JJMMAA or, in five columns, JJMMA. No date is left blank.
func appendDay(into []byte, date calendar.Date, width int) {
	if date.IsZero() {
		return
	}

	compact := date.AppendCompact(nil)
	into = append(into, compact[6:8]...)
	into = append(into, compact[4:6]...)
	_ = append(into, compact[4-(width-4):4]...)
}

func two(digits []byte) int { return int(digits[0]-'0')*decimalBase + int(digits[1]-'0') }

// windowed gives the year, 1970 to 2069, of its last two digits.
func windowed(year int) int {
	if year += firstYear / century * century; year < firstYear {
		year += century
	}

	return year
}

// nearest gives the year that ends in a digit and whose day lies nearest to reference; of two equally near, the earlier.
func nearest(reference calendar.Date, month, day, digit int) int {
	const months, days = 12, 31

	var (
		best     int
		distance = -1
		decade   = reference.Year() - reference.Year()%yearsAround
	)

	for _, year := range []int{decade - yearsAround + digit, decade + digit, decade + yearsAround + digit} {
		apart := ((year-reference.Year())*months+month-int(reference.Month()))*days + day - reference.Day()
		if apart < 0 {
			apart = -apart
		}

		if distance < 0 || apart < distance {
			best, distance = year, apart
		}
	}

	return best
}
