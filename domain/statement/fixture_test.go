package statement_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/deploy/partners/bank/message"
	"github.com/reglo/reglo/domain/bankfile"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/statement"
)

// ours are the accounts of the EP.
func ours() statement.Accounts {
	return statement.Accounts{
		ledger.Reglement: iban.French(30003, 1, 91), ledger.Cantonnement: iban.French(30003, 1, 92),
		ledger.Fonctionnement: iban.French(30003, 2, 91),
	}
}

func date(t require.TestingT, text string) calendar.Date {
	day, err := calendar.ParseDate(text)
	require.NoError(t, err)

	return day
}

// formats are those that the stand-in bank writes, which shares nothing with the readers.
func formats() []bankfile.Format {
	return []bankfile.Format{message.Camt053V02, message.Camt053V08, bankfile.CFONB120}
}

// write writes a file as the bank does.
func write(t require.TestingT, format bankfile.Format, statements ...message.Statement) string {
	var file bytes.Buffer

	err := message.WriteCFONB120(&file, statements...)
	if format != bankfile.CFONB120 {
		file.Reset()
		err = message.WriteCamt053(&file, message.Envelope{
			Definition: string(format), ID: "S1", CreatedAt: time.Date(2026, time.March, 18, 2, 0, 0, 0, time.UTC),
		}, statements...)
	}

	require.NoError(t, err)

	return file.String()
}

// stated is a statement of the bank, whose closing balance follows from its entries.
func stated(account ledger.Code, number int, from, closed calendar.Date, opening money.Cents, entries ...message.Entry) message.Statement {
	made := message.Statement{
		ID: fmt.Sprintf("%s-%d", account, number), IBAN: ours()[account], Number: number, Opening: message.Balance{Amount: opening, Date: from}, Entries: entries,
	}

	closing := opening
	for i := range entries {
		closing += entries[i].Amount
	}

	made.Closing = message.Balance{Amount: closing, Date: closed}

	return made
}

// readFile reads a file by small pieces, and gives what its handler was told besides.
func readFile(content string) (read statement.File, lines [][]statement.Line, err error) {
	var begun, ended []statement.Statement

	read, err = statement.Read("releve", iotest.HalfReader(strings.NewReader(content)), ours(), statement.Handler{
		Begin: func(s statement.Statement) error {
			begun, lines = append(begun, s), append(lines, nil)

			return nil
		},
		Line: func(line statement.Line) error {
			lines[len(lines)-1] = append(lines[len(lines)-1], line)

			return nil
		},
		End: func(s statement.Statement) error {
			ended = append(ended, s)

			return nil
		},
	})
	if err == nil && (len(begun) != len(ended) || !equal(ended, read.Statements)) {
		panic("the handler was told other statements")
	}

	return read, lines, err
}

func equal(a, b []statement.Statement) bool {
	for i := range b {
		if len(a) != len(b) || a[i] != b[i] {
			return false
		}
	}

	return true
}
