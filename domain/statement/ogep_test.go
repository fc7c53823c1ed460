package statement_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/statement"
)

const (
	header  = `{"format":"ogep-statement/1","account":"BK.REG","sequence":12,"date":"2026-11-23","openingBalance":"1234.56","closingBalance":"1163.56"}`
	rejects = `{"id":"idTest1","label":"LOT REJ VIR 192837544970 02","amount":{"currency":"EUR","value":2.00},"bookedDate":"2019-10-23T14:00:00.000+0200","transactionDate":"2019-09-25T16:40:53.571+0200","valueDate":"2019-09-25T16:40:53.571+0200"}`
	second  = `{"id":"idTest2","label":"REM VIR MONEXTEUR20191009002","amount":{"currency":"EUR","value":-21.00},"bookedDate":"2019-10-23T14:00:00.000+0200","transactionDate":"2019-09-25T16:40:53.571+0200","valueDate":"2019-09-25T16:40:53.571+0200"}`
	first   = `{"id":"idTest3","label":"REM VIR MONEXTEUR20191009001","amount":{"currency":"EUR","value":-52.00},"bookedDate":"2019-10-09T14:00:00.000+0200","transactionDate":"2019-09-25T16:40:53.571+0200","valueDate":"2019-09-25T16:40:53.571+0200"}`
)

// seal puts the trailer below the records.
func seal(sum string, records ...string) string {
	return trail(len(records)-1, sum, records...)
}

func trail(count int, sum string, records ...string) string {
	text := strings.Join(records, "\n") + "\n"
	digest := sha256.Sum256([]byte(text))

	return text + fmt.Sprintf(`{"lines":%d,"sum":%q,"sha256":%q}`, count, sum, hex.EncodeToString(digest[:])) + "\n"
}

func good() string { return seal("-71.00", header, rejects, second, first) }

func readAll(file string) (statement.Statement, []statement.Line, error) {
	var found []statement.Line

	read, err := statement.Read("releve", iotest.HalfReader(strings.NewReader(file)), func(line statement.Line) error {
		found = append(found, line)

		return nil
	})

	return read, found, err
}

func paris2019(month time.Month, day, hour, minute, second, millisecond int) time.Time {
	return time.Date(2019, month, day, hour, minute, second, millisecond*int(time.Millisecond), calendar.Paris())
}

func TestReadGivesTheStatementOfTheBank(t *testing.T) {
	t.Parallel()

	read, found, err := readAll(good())
	require.NoError(t, err)
	require.Equal(t, statement.Statement{
		Account: ledger.Reglement, Sequence: 12, Date: date(t, "2026-11-23"), Opening: 123_456, Closing: 116_356,
		Lines: 3, SHA256: sha256.Sum256([]byte(good())), Bytes: int64(len(good())),
	}, read)

	at := paris2019(time.September, 25, 16, 40, 53, 571)
	require.Equal(t, []statement.Line{
		{ID: "idTest1", Label: "LOT REJ VIR 192837544970 02", Amount: 200, BookedAt: paris2019(time.October, 23, 14, 0, 0, 0), TransactionAt: at, ValueAt: at},
		{ID: "idTest2", Label: "REM VIR MONEXTEUR20191009002", Amount: -2_100, BookedAt: paris2019(time.October, 23, 14, 0, 0, 0), TransactionAt: at, ValueAt: at},
		{ID: "idTest3", Label: "REM VIR MONEXTEUR20191009001", Amount: -5_200, BookedAt: paris2019(time.October, 9, 14, 0, 0, 0), TransactionAt: at, ValueAt: at},
	}, found)
}

func TestReadTakesWhatMeansTheSame(t *testing.T) {
	t.Parallel()

	_, want, err := readAll(good())
	require.NoError(t, err)

	written := strings.NewReplacer(
		"2019-10-23T14:00:00.000+0200", "2019-10-23T12:00:00Z", "16:40:53.571+0200", "14:40:53.571+00:00",
		"-21.00", "-21", "2.00}", "2.0}", "REM", `\u0052EM`,
	)
	reordered := ` {"amount": {"value" :2 , "currency":"EUR"}, "label":"LOT REJ VIR 192837544970 02","id":"idTest1",` +
		`"bookedDate":"2019-10-23T14:00:00.000+0200","transactionDate":"2019-09-25T16:40:53.571+0200","valueDate":"2019-09-25T16:40:53.571+0200"} `

	_, found, err := readAll(seal("-71", header, reordered, written.Replace(second), written.Replace(first)))
	require.NoError(t, err)
	require.Equal(t, want, found)
}

func TestAnEmptyStatement(t *testing.T) {
	t.Parallel()

	read, found, err := readAll(seal("0.00", strings.Replace(header, "1163.56", "1234.56", 1)))
	require.NoError(t, err)
	require.Empty(t, found)
	require.Zero(t, read.Lines)
}

// TestFaultsNameTheLineAndTheValue spoils one thing of a good file at a time.
func TestFaultsNameTheLineAndTheValue(t *testing.T) {
	t.Parallel()

	with := func(record, from, to string) string {
		require.Contains(t, record, from)

		return strings.Replace(record, from, to, 1)
	}
	head := func(from, to string) string { return seal("-71.00", with(header, from, to), rejects, second, first) }
	line := func(from, to string) string { return seal("-71.00", header, rejects, with(second, from, to), first) }

	for name, test := range map[string]struct {
		file string
		want []string
	}{
		"empty":                {"", []string{"is empty"}},
		"cut":                  {strings.TrimSuffix(good(), "\n"), []string{"line 5: is cut: the last line must end with a line ending"}},
		"no trailer":           {header + "\n" + rejects + "\n", []string{"ends without a trailer"}},
		"no header":            {seal("-71.00", rejects, second, first), []string{"line 1: must be the header", "line 4 column 10: lines \"2\" is not the number of lines of the file, 3"}},
		"second header":        {seal("-71.00", header, header, rejects, second, first), []string{"line 2: is a second header", "line 6 column 10: lines \"4\" is not the number of lines of the file, 3"}},
		"behind the trailer":   {good() + first + "\n", []string{"line 6: follows the trailer, which must be the last line"}},
		"CR LF":                {strings.ReplaceAll(good(), "\n", "\r\n"), []string{"ends in CR LF where LF is declared"}},
		"NUL":                  {line("REM", "R\x00M"), []string{`line 3 column 27: "\u0000" is a control character`}},
		"long line":            {line("REM", strings.Repeat("x", 4096)), []string{"line 3: is longer than 4096 bytes"}},
		"not JSON":             {line(`"label":`, `"label"`), []string{"line 3 column 24: is not JSON"}},
		"two objects":          {line(`}`, `}}{`), []string{"is not JSON"}},
		"a list":               {seal("-71.00", header, rejects, "["+second+"]", first), []string{"line 3: is not a JSON object of at most 32 members"}},
		"many members":         {line(`"id"`, manyMembers(25)+`"id"`), []string{"line 3: is not a JSON object of at most 32 members"}},
		"another format":       {head("statement/1", "statement/2"), []string{`line 1 column 11: format "ogep-statement/2" must be ogep-statement/1`}},
		"another account":      {head("BK.REG", "FR7630001007941234567890185"), []string{"line 1 column 40: account must be BK.REG, BK.CAN or BK.FON"}},
		"sequence zero":        {head("12,", "0,"), []string{`line 1 column 60: sequence "0" must be at least 1`}},
		"sequence of text":     {head("12,", `"12",`), []string{"line 1 column 60: sequence must be a number"}},
		"sequence too large":   {head("12,", "1000000000,"), []string{`sequence "1000000000" must be a whole number, 0 to 999999999`}},
		"sequence broken":      {head("12,", "12.5,"), []string{`sequence "12.5" must be a whole number`}},
		"no such day":          {head("11-23", "11-31"), []string{`line 1 column 70: date "2026-11-31" must be a day of the calendar`}},
		"balance as a number":  {head(`"1234.56"`, "1234.56"), []string{"openingBalance must be a string"}},
		"balance of mills":     {head("1234.56", "1234.567"), []string{`openingBalance "1234.567" must be euros with at most two decimal places`}},
		"closing balance":      {head("1163.56", "1163.57"), []string{`line 1: closingBalance "1163.57" is not the opening balance 1234.56 and the sum of the lines -71.00`}},
		"member missing":       {head(`"sequence":12,`, ""), []string{"line 1: sequence is missing"}},
		"member twice":         {line(`"label":`, `"id":"x","label":`), []string{`line 3 column 22: "id" is a member that comes twice`}},
		"object twice":         {line(`"amount":`, `"amount":{"currency":"EUR"},"amount":`), []string{`"amount" is a member that comes twice`, "line 3: amount.value is missing"}},
		"inner member twice":   {line(`"value":`, `"value":1,"value":`), []string{`"amount.value" is a member that comes twice`}},
		"member of the case":   {line(`"id"`, `"ID"`), []string{"line 3: id is missing", `"ID" is not a member of this line`}},
		"member unknown":       {line(`"id"`, `"iban":["FR76",{"a":1}],"id"`), []string{`line 3 column 9: "iban" is not a member of this line`}},
		"inner member unknown": {line(`"value":`, `"scale":2,"value":`), []string{`"amount.scale" is not a member of this line`}},
		"member with a point":  {line(`"id"`, `"amount.value":1,"id"`), []string{`line 3 column 17: "amount.value" is not a member of this line`}},
		"trailer unknown":      {strings.Replace(good(), `{"lines"`, `{"more":null,"lines"`, 1), []string{`line 5 column 9: "more" is not a member of this line`}},
		"no amount":            {line(`{"currency":"EUR","value":-21.00}`, "-21.00"), []string{"line 3 column 65: amount must be an object", "amount.currency is missing", "amount.value is missing"}},
		"dollars":              {line(`"EUR"`, `"USD"`), []string{`amount.currency "USD" must be EUR`}},
		"amount zero":          {line("-21.00", "0.00"), []string{`amount.value "0.00" must not be zero`}},
		"amount of mills":      {line("-21.00", "-21.005"), []string{`amount.value "-21.005" must be euros with at most two decimal places`}},
		"amount by exponent":   {line("-21.00", "-2.1E+1"), []string{`amount.value "-2.1E+1" must be euros with at most two decimal places, no exponent`}},
		"amount of text":       {line("-21.00", `"-21.00"`), []string{"amount.value must be a number"}},
		"amount too large":     {line("-21.00", "-1000000000000"), []string{"at most 999999999999.99"}},
		"id twice":             {line("idTest2", "idTest1"), []string{`line 3 column 7: id "idTest1" is already on line 2`}},
		"id empty":             {line("idTest2", " "), []string{`line 3 column 7: id " " is empty`}},
		"id too long":          {line("idTest2", strings.Repeat("é", statement.MaxID+1)), []string{"is longer than 64 characters"}},
		"label is not shown":   {line("REM VIR", `M. DUPONT\u0007`), []string{"line 3 column 25: label holds a control character or half a character"}},
		"half a character":     {line("idTest2", `\ud800`), []string{"id \"\ufffd\" holds a control character or half a character"}},
		"no zone":              {line("14:00:00.000+0200", "14:00:00.000"), []string{`bookedDate "2019-10-23T14:00:00.000" must be an instant`}},
		"hour of one digit":    {line("14:00:00.000", "4:00:00.000"), []string{"bookedDate"}},
		"no such instant":      {line("2019-10-23T", "2019-10-32T"), []string{"bookedDate"}},
		"microseconds":         {line("571+", "571001+"), []string{"transactionDate"}},
		"another century":      {line("2019-10-23T", "1999-10-23T"), []string{"of the years 2000 to 2099"}},
		"count":                {trail(2, "-71.00", header, rejects, second, first), []string{`line 5 column 10: lines "2" is not the number of lines of the file, 3`}},
		"sum":                  {seal("-71.01", header, rejects, second, first), []string{`line 5 column 18: sum "-71.01" is not the sum of the lines, -71.00`}},
		"checksum":             {strings.Replace(good(), "idTest1", "idTest9", 1), []string{"line 5 column 36: sha256", "is not the SHA-256 of the bytes before this line"}},
		"two faults": {
			strings.Replace(line("-21.00", "0"), "BK.REG", "BK.XXX", 1),
			[]string{"3 faults: line 1 column 40: account must be BK.REG", `line 3 column 91: amount.value "0" must not be zero`, "SHA-256"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			read, _, err := readAll(test.file)

			var faults *fault.Faults

			require.ErrorAs(t, err, &faults)
			require.Zero(t, read)

			for _, want := range test.want {
				require.ErrorContains(t, err, want)
			}

			if name != "two faults" && name != "CR LF" {
				require.Equal(t, max(1, faults.Count), faultsNamed(faults, test.want), "no other fault: %v", err)
			}

			require.NotContains(t, err.Error(), "DUPONT")
			require.NotContains(t, err.Error(), "FR7630001007941234567890185")
		})
	}
}

func manyMembers(count int) string {
	var members strings.Builder

	for i := range count {
		fmt.Fprintf(&members, `"m%d":%d,`, i, i)
	}

	return members.String()
}

// faultsNamed counts the faults of which one of the texts speaks.
func faultsNamed(faults *fault.Faults, texts []string) int {
	named := 0

	for i := range faults.Faults {
		found := faults.Faults[i]
		found.File = ""

		for _, text := range texts {
			if strings.Contains(found.Error(), text) {
				named++

				break
			}
		}
	}

	return named
}

func TestTheSumOfAFileIsBounded(t *testing.T) {
	t.Parallel()

	most := func(id string) string {
		return strings.NewReplacer("-21.00", money.Max.String(), "idTest2", id).Replace(second)
	}
	_, _, err := readAll(seal("0.00", header, most("a"), most("b")))
	require.ErrorContains(t, err, "line 3: brings the sum of the file beyond 999999999999.99")

	_, _, err = readAll(seal(money.Max.String(), header, most("a")))
	require.ErrorContains(t, err, "closingBalance")
}

func TestOgepReadEnds(t *testing.T) {
	t.Parallel()

	broken := errors.New("no room")
	_, err := statement.Read("releve", strings.NewReader(good()), func(statement.Line) error { return broken })
	require.ErrorIs(t, err, broken)
	require.ErrorContains(t, err, "read releve: line 2: ")

	_, err = statement.Read("releve", iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader(good()))),
		func(statement.Line) error { return nil })
	require.ErrorIs(t, err, iotest.ErrTimeout)
}

func TestWriterWritesWhatTheBankWould(t *testing.T) {
	t.Parallel()

	read, found, err := readAll(good())
	require.NoError(t, err)

	file, written, err := writeOgep(read, found)
	require.NoError(t, err)
	require.Equal(t, good(), file)
	require.Equal(t, read, written)
}

func writeOgep(header statement.Statement, found []statement.Line) (string, statement.Statement, error) {
	var file bytes.Buffer

	writer, err := statement.NewWriter(&file, header)
	if err != nil {
		return "", statement.Statement{}, err
	}

	for i := range found {
		if err := writer.Write(found[i]); err != nil {
			return "", statement.Statement{}, err
		}
	}

	written, err := writer.Close()

	return file.String(), written, err
}

func genLine() *rapid.Generator[statement.Line] {
	instant := rapid.Map(rapid.Int64Range(
		time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC).UnixMilli(),
		time.Date(2099, time.December, 31, 23, 59, 59, 0, time.UTC).UnixMilli(),
	), func(ms int64) time.Time { return time.UnixMilli(ms).In(calendar.Paris()) })
	text := rapid.StringMatching(`[ -~éà<>€]{0,60}[!-~]`)

	return rapid.Custom(func(t *rapid.T) statement.Line {
		return statement.Line{
			ID: text.Draw(t, "id"), Label: text.Draw(t, "label"),
			Amount:   money.Cents(rapid.Int64Range(-1_000_000, 1_000_000).Filter(func(n int64) bool { return n != 0 }).Draw(t, "amount")),
			BookedAt: instant.Draw(t, "bookedAt"), TransactionAt: instant.Draw(t, "transactionAt"), ValueAt: instant.Draw(t, "valueAt"),
		}
	})
}

// TestWhatIsWrittenIsRead also changes any one byte of the file: no such change goes unnoticed.
func TestOgepIsRead(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		found := rapid.SliceOfNDistinct(genLine(), 0, 8, func(line statement.Line) string { return line.ID }).Draw(t, "lines")
		header := statement.Statement{
			Account:  rapid.SampledFrom([]ledger.Code{ledger.Reglement, ledger.Cantonnement, ledger.Fonctionnement}).Draw(t, "account"),
			Sequence: rapid.IntRange(1, statement.MaxSequence).Draw(t, "sequence"), Date: date(t, "2026-11-23"),
			Opening: money.Cents(rapid.Int64Range(-1_000, 1_000_000).Draw(t, "opening")),
		}
		header.Closing = header.Opening

		for i := range found {
			header.Closing += found[i].Amount
		}

		file, written, err := writeOgep(header, found)
		require.NoError(t, err)

		again, _, err := writeOgep(header, found)
		require.NoError(t, err)
		require.Equal(t, file, again)

		read, readLines, err := readAll(file)
		require.NoError(t, err)
		require.Equal(t, written, read)
		require.Len(t, readLines, len(found))

		for i := range found {
			require.Equal(t, found[i], readLines[i])
		}

		at := rapid.IntRange(0, len(file)-1).Draw(t, "at")
		other := rapid.Byte().Filter(func(b byte) bool { return b != file[at] }).Draw(t, "byte")

		changed := file[:at] + string([]byte{other}) + file[at+1:]
		if _, _, err := readAll(changed); err == nil {
			trailer := strings.LastIndexByte(strings.TrimSuffix(file, "\n"), '\n') + 1
			require.Greater(t, at, trailer, "only in the trailer, another way to write the same")
		}
	})
}

func TestTheWriterRefusesWhatReadWould(t *testing.T) {
	t.Parallel()

	read, found, err := readAll(good())
	require.NoError(t, err)

	for name, test := range map[string]struct {
		spoil func(*statement.Statement, []statement.Line)
		says  string
	}{
		"account":          {func(s *statement.Statement, _ []statement.Line) { s.Account = ledger.Parked }, "account must be"},
		"sequence":         {func(s *statement.Statement, _ []statement.Line) { s.Sequence = 0 }, "sequence"},
		"no date":          {func(s *statement.Statement, _ []statement.Line) { s.Date = calendar.Date{} }, "date is empty"},
		"closing balance":  {func(s *statement.Statement, _ []statement.Line) { s.Closing++ }, "closingBalance"},
		"id twice":         {func(_ *statement.Statement, l []statement.Line) { l[2].ID = l[0].ID }, "is already on line 2"},
		"no label":         {func(_ *statement.Statement, l []statement.Line) { l[1].Label = "" }, "label is empty"},
		"not UTF-8":        {func(_ *statement.Statement, l []statement.Line) { l[1].Label = "\xff" }, "half a character"},
		"amount zero":      {func(_ *statement.Statement, l []statement.Line) { l[1].Amount = 0 }, "must not be zero"},
		"amount too large": {func(_ *statement.Statement, l []statement.Line) { l[1].Amount = money.Max + 1 }, "at most 999999999999.99"},
		"microseconds":     {func(_ *statement.Statement, l []statement.Line) { l[1].ValueAt = l[1].ValueAt.Add(1) }, "finer than the milliseconds"},
		"no instant":       {func(_ *statement.Statement, l []statement.Line) { l[1].ValueAt = time.Time{} }, "valueDate"},
		"long line":        {func(_ *statement.Statement, l []statement.Line) { l[1].Label = strings.Repeat("x", 5000) }, "is longer than 4096 bytes"},
		"DEL":              {func(_ *statement.Statement, l []statement.Line) { l[1].Label = "x\u007fx" }, "holds a control character"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			header, spoiled := read, append([]statement.Line(nil), found...)
			test.spoil(&header, spoiled)

			_, _, err := writeOgep(header, spoiled)

			var refused *fault.Fault

			require.ErrorAs(t, err, &refused)
			require.ErrorContains(t, err, test.says)
		})
	}
}

func TestAWriterThatFailedWritesNothingMore(t *testing.T) {
	t.Parallel()

	read, found, err := readAll(good())
	require.NoError(t, err)

	var file bytes.Buffer

	writer, err := statement.NewWriter(&file, read)
	require.NoError(t, err)
	require.NoError(t, writer.Write(found[0]))

	refused := writer.Write(found[0])
	require.ErrorContains(t, refused, "is already on line 2")
	require.Equal(t, refused, writer.Write(found[1]))

	_, err = writer.Close()
	require.Equal(t, refused, err)

	full, err := statement.NewWriter(failing{}, statement.Statement{Account: ledger.Reglement, Sequence: 1, Date: read.Date})
	require.NoError(t, err, "still in the buffer")

	_, err = full.Close()
	require.ErrorIs(t, err, errFull)
}

var errFull = errors.New("disk full")

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errFull }

// TestFilesBeyondTheLimitAreRefused has lines as short as can be: there are many.
func TestFilesBeyondTheLimitAreRefused(t *testing.T) {
	t.Parallel()

	_, _, err := readAll(header + "\n" + strings.Repeat("{}\n", statement.MaxLines+10))

	var faults *fault.Faults

	require.ErrorAs(t, err, &faults)
	require.Equal(t, 1, faults.ByCode[fault.CodeTooManyLines])
	require.Equal(t, 8*(statement.MaxLines+1), faults.ByCode[fault.CodeMissing], "read no further")
	require.Zero(t, faults.ByCode[fault.CodeNoTrailer])
}
