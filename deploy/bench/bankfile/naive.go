package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// naive is a movement as one would first write it.
type naive struct {
	label, number, reference string
	booked, value            time.Time
	amount                   decimal.Decimal
	complements              map[string]string
}

// readNaively reads a CFONB 120 the way that one would write first: lines,
// substrings, dates and decimals, and no control but that of the closing balance.
func readNaively(source io.Reader) (int, error) {
	lines := bufio.NewScanner(source)
	sum := decimal.Zero
	var current naive
	count := 0
	for lines.Scan() {
		count++
		line := lines.Text()
		switch line[:2] {
		case "01":
			opening, err := naiveAmount(line)
			if err != nil {
				return 0, err
			}
			sum = opening
		case "04":
			movement, err := naiveMovement(line)
			if err != nil {
				return 0, err
			}
			current = movement
			sum = sum.Add(current.amount)
		case "05":
			current.complements[line[45:48]] = strings.TrimSpace(line[48:118])
		case "07":
			closing, err := naiveAmount(line)
			if err != nil {
				return 0, err
			}
			if !closing.Equal(sum) {
				return 0, fmt.Errorf("the closing balance is %s, the movements make %s", closing, sum)
			}
		}
	}
	return count, lines.Err() //nolint:wrapcheck // names the file
}

func naiveMovement(line string) (naive, error) {
	const jjmmaa = "020106"
	booked, err := time.Parse(jjmmaa, line[34:40])
	if err != nil {
		return naive{}, err //nolint:wrapcheck // names the text
	}
	value, err := time.Parse(jjmmaa, line[42:48])
	if err != nil {
		return naive{}, err //nolint:wrapcheck // the same
	}
	amount, err := naiveAmount(line)
	return naive{
		label: strings.TrimSpace(line[48:79]), number: strings.TrimSpace(line[81:88]), reference: strings.TrimSpace(line[104:120]),
		booked: booked, value: value, amount: amount, complements: make(map[string]string),
	}, err
}

func naiveAmount(line string) (decimal.Decimal, error) {
	const positive, negative = "{ABCDEFGHI", "}JKLMNOPQR"
	sign, last := "", strings.Index(positive, line[103:104])
	if last < 0 {
		sign, last = "-", strings.Index(negative, line[103:104])
	}
	return decimal.NewFromString(fmt.Sprintf("%s%s.%s%d", sign, line[90:102], line[102:103], last)) //nolint:wrapcheck // names the text
}
