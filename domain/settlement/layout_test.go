package settlement_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/lines"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/settlement"
)

// fixedWidth is a layout as a site could have one: fields by position, zero-padded amounts, a type of one letter.
type fixedWidth struct{}

func (fixedWidth) Text() lines.Options { return lines.Options{Encoding: lines.Latin1} }

func (fixedWidth) Decode(text []byte, record *settlement.Record) {
	field := func(name settlement.Field, start, end int) []byte {
		record.Place(name, start, end)

		return text[start:end]
	}
	number := func(name settlement.Field, start, end int) int {
		value, err := strconv.Atoi(string(field(name, start, end)))
		if err != nil {
			record.Refuse(name, fault.CodeAmount, "must be digits")
		}

		return value
	}

	switch {
	case bytes.HasPrefix(text, []byte("00")):
		record.Kind = settlement.RecordHeader
		record.Header = settlement.Header{
			FileName: "FIXED", Kind: settlement.KindTransaction, OperationType: "100", Currency: money.Currency,
			Reference: string(field(settlement.FieldReference, 2, 19)), CreatedAt: time.Unix(0, 0),
		}
	case bytes.HasPrefix(text, []byte("10")):
		record.Kind = settlement.RecordLine
		record.Line = settlement.Line{
			Number: number(settlement.FieldLineNumber, 2, 8), CreID: field(settlement.FieldCreID, 8, 16),
			AccountID: field(settlement.FieldAccountID, 16, 26), Siret: field(settlement.FieldSiret, 26, 40),
			Scheme: settlement.SchemeCB, Type: settlement.TypeVente,
			Gross: money.Cents(number(settlement.FieldGross, 41, 50)), Label: field(settlement.FieldLabel, 50, len(text)),
		}

		if field(settlement.FieldType, 40, 41)[0] == 'R' {
			record.Line.Type, record.Line.Gross = settlement.TypeRemb, -record.Line.Gross
		}
	case bytes.HasPrefix(text, []byte("99")):
		record.Kind = settlement.RecordTrailer
		record.Trailer = settlement.Trailer{
			Lines: number(settlement.FieldLineCount, 2, 8), Gross: money.Cents(number(settlement.FieldSumGross, 8, 17)),
		}

		checksum := field(settlement.FieldChecksum, 17, len(text))
		if _, err := hex.Decode(record.Trailer.Checksum[:], checksum); err != nil {
			record.Refuse(settlement.FieldChecksum, fault.CodePattern, "must be hexadecimal")
		}
	default:
		record.Refuse(settlement.FieldRecord, fault.CodeRecord, "is no record")
	}
}

// TestAnotherLayoutHasTheSameControls reads a file by position: what is right about it and what is wrong is found as in
// the format of our own.
func TestAnotherLayoutHasTheSameControls(t *testing.T) {
	t.Parallel()

	body := "0000000120190725UEP\n" +
		"10000001CRE00001" + "1A17660007" + "73282932000074" + "V" + "000001011" + "\xe9t\xe9\n" +
		"10000003CRE00001" + "1A17660007" + "73282932000075" + "R" + "00000x500" + "REMB\n"
	sum := sha256.Sum256([]byte(body))
	file := fmt.Sprintf("%s99000003%09d%x\n", body, 511, sum)

	var labels []string

	_, err := settlement.Read("fixed.txt", bytes.NewReader([]byte(file)), fixedWidth{}, func(line *settlement.Line) error {
		labels = append(labels, string(line.Label))

		return nil
	})

	var faults *fault.Faults

	require.ErrorAs(t, err, &faults)
	require.Equal(t, []string{"été"}, labels)

	found := make([]string, 0, len(faults.Faults))
	for i := range faults.Faults {
		found = append(found, fmt.Sprintf("%d:%d %s", faults.Faults[i].Line, faults.Faults[i].Column, faults.Faults[i].Code))
	}

	require.Equal(t, []string{
		"3:3 LINE_NUMBER", "3:9 DUPLICATE_CRE_ID", "3:27 SIRET", "3:42 AMOUNT", "4:3 TRAILER_COUNT",
	}, found)
}
