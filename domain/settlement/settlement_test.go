package settlement_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/lines"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/settlement"
	"github.com/reglo/reglo/domain/siret"
)

func date(tb testing.TB, text string) calendar.Date {
	tb.Helper()

	day, err := calendar.ParseDate(text)
	require.NoError(tb, err)

	return day
}

func header(tb testing.TB) settlement.Header {
	tb.Helper()

	return settlement.Header{
		FileName: "Fichier.CRE.EP.TI.UEP.txt", Kind: settlement.KindTransaction,
		Reference: "00000120190725UEP", OperationType: "100", SettlementDate: date(tb, "2019-07-25"), Currency: "EUR",
		CreatedAt: time.Date(2019, time.July, 25, 4, 0, 0, 0, time.UTC).In(calendar.Paris()),
	}
}

// sale is a good line; tests change what they are about.
func sale(tb testing.TB, creID string) settlement.Line {
	tb.Helper()

	return settlement.Line{
		CreID: []byte(creID), AccountID: []byte("1A17660007"), Siret: []byte("73282932000074"),
		Contract: []byte("1234567"), Scheme: settlement.SchemeCB, Type: settlement.TypeVente, Gross: 1011, Commission: 9,
		TransactionAt: time.Date(2019, time.July, 24, 10, 25, 55, 0, calendar.Paris()), ValueDate: date(tb, "2019-07-26"),
		AcquirerRef: []byte("74970619205000000000017"), OriginalRef: nil, ReasonCode: nil,
		Label: []byte("RBCRR      CB10:25:55C1234567121119"),
	}
}

func write(tb testing.TB, destination io.Writer, h settlement.Header, lines ...settlement.Line) settlement.Summary {
	tb.Helper()

	writer, err := settlement.NewWriter(destination, h)
	require.NoError(tb, err)

	for i := range lines {
		require.NoError(tb, writer.Write(&lines[i]))
	}

	summary, err := writer.Close()
	require.NoError(tb, err)

	return summary
}

// readAll reads a file as text, and gives its good lines as AppendLine writes them.
func readAll(file string, options lines.Options) (settlement.Summary, []string, error) {
	var good []string

	summary, err := settlement.Read("cre.txt", strings.NewReader(file), settlement.CRE1{Options: options},
		func(line *settlement.Line) error {
			good = append(good, string(settlement.AppendLine(nil, line)))

			return nil
		})

	return summary, good, err
}

func TestWriteThenReadGivesTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		header, drawn := drawFile(t)

		var file bytes.Buffer

		writer, err := settlement.NewWriter(&file, header)
		require.NoError(t, err)

		for i := range drawn {
			require.NoError(t, writer.Write(&drawn[i]))
		}

		written, err := writer.Close()
		require.NoError(t, err)

		at := 0
		read, err := settlement.Read("cre.txt", bytes.NewReader(file.Bytes()), settlement.CRE1{},
			func(line *settlement.Line) error {
				want := drawn[at]
				at++
				want.Number = at
				requireSame(t, &want, line)

				var again settlement.Line

				raw := settlement.AppendLine(nil, line)
				require.NoError(t, settlement.ParseLine(raw[:len(raw)-1], &again))
				requireSame(t, line, &again)

				return nil
			})
		require.NoError(t, err)
		require.Equal(t, len(drawn), at)
		require.True(t, written.CreatedAt.Equal(read.CreatedAt))

		written.CreatedAt = read.CreatedAt
		require.Equal(t, written, read)
		require.Equal(t, sha256.Sum256(file.Bytes()), read.SHA256)
		require.EqualValues(t, file.Len(), read.Bytes)
	})
}

// requireSame compares two lines by value: instants as such, texts whether nil or empty.
func requireSame(t require.TestingT, want, got *settlement.Line) {
	require.True(t, want.TransactionAt.Equal(got.TransactionAt), "%s, %s", want.TransactionAt, got.TransactionAt)

	a, b := *want, *got
	a.TransactionAt, b.TransactionAt = time.Time{}, time.Time{}
	require.Equal(t, fmt.Sprint(a), fmt.Sprint(b))
}

func drawFile(t *rapid.T) (settlement.Header, []settlement.Line) {
	name := rapid.StringMatching(`[0-9A-Za-z._-]{1,16}`)
	day := rapid.Custom(func(t *rapid.T) calendar.Date {
		return calendar.DateOf(time.Unix(rapid.Int64Range(0, 7e9).Draw(t, "day"), 0))
	})
	instant := rapid.Custom(func(t *rapid.T) time.Time {
		offset := time.FixedZone("", 60*rapid.IntRange(-1439, 1439).Draw(t, "minutes"))

		return time.Unix(rapid.Int64Range(86_400, 7e9).Draw(t, "seconds"),
			rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds")).In(offset)
	})
	header := settlement.Header{
		FileName:  name.Draw(t, "name"),
		Kind:      rapid.SampledFrom([]settlement.FileKind{settlement.KindTransaction, settlement.KindImpaye}).Draw(t, "kind"),
		Reference: name.Draw(t, "reference"), OperationType: name.Draw(t, "type"), SettlementDate: day.Draw(t, "date"),
		Currency: "EUR", CreatedAt: instant.Draw(t, "created"),
	}
	text := func(limit int) *rapid.Generator[[]byte] {
		return rapid.Custom(func(t *rapid.T) []byte {
			return []byte(rapid.StringOfN(rapid.RuneFrom([]rune("aZ09 -éÉ€\\\"'😀,:")), 0, limit, -1).Draw(t, "text"))
		})
	}

	drawn := make([]settlement.Line, rapid.IntRange(0, 20).Draw(t, "lines"))
	for i := range drawn {
		types := []settlement.LineType{settlement.TypeVente, settlement.TypeRemb}
		if header.Kind == settlement.KindImpaye {
			types = []settlement.LineType{settlement.TypeRepres, settlement.TypeImpaye}
		}

		credits := rapid.Bool().Draw(t, "credits")
		gross := money.Cents(rapid.Int64Range(1, int64(money.Max)/20).Draw(t, "gross"))
		kind := types[0]

		if !credits {
			kind, gross = types[1], -gross
		}

		siren := rapid.StringMatching(`[0-9]{13}`).Draw(t, "siren")
		drawn[i] = settlement.Line{
			CreID:     fmt.Appendf(nil, "%s-%d", name.Draw(t, "creId"), i),
			AccountID: []byte(rapid.StringMatching(`[0-9A-Z]{2}[0-9]{8}`).Draw(t, "account")),
			Siret:     append([]byte(siren), siret.CheckDigit(siren)), Contract: text(settlement.MaxContract).Draw(t, "contract"),
			Scheme: rapid.SampledFrom([]settlement.Scheme{
				settlement.SchemeCB, settlement.SchemeVisa, settlement.SchemeMastercard,
			}).Draw(t, "scheme"),
			Type: kind, Gross: gross, Commission: money.Cents(rapid.Int64Range(0, int64(money.Max)/20).Draw(t, "commission")),
			TransactionAt: instant.Draw(t, "at"), ValueDate: day.Draw(t, "value"),
			AcquirerRef: text(settlement.MaxReference).Draw(t, "acquirer"),
			OriginalRef: text(settlement.MaxReference).Draw(t, "original"),
			ReasonCode:  text(settlement.MaxReasonCode).Draw(t, "reason"),
			Label:       append([]byte("L"), text(settlement.MaxLabel-1).Draw(t, "label")...),
		}
	}

	return header, drawn
}

func TestWriterRefusesWhatReadRefuses(t *testing.T) {
	t.Parallel()

	for name, change := range map[string]func(*settlement.Line){
		"semicolon":  func(l *settlement.Line) { l.Label = []byte("a;b") },
		"line break": func(l *settlement.Line) { l.Label = []byte("a\nb") },
		"Latin-1":    func(l *settlement.Line) { l.Label = []byte("\xe9t\xe9") },
		"sign":       func(l *settlement.Line) { l.Gross = -1 },
		"kind":       func(l *settlement.Line) { l.Type, l.Gross = settlement.TypeImpaye, -1 },
		"SIRET":      func(l *settlement.Line) { l.Siret = []byte("73282932000075") },
		"no date":    func(l *settlement.Line) { l.ValueDate = calendar.Date{} },
		"commission": func(l *settlement.Line) { l.Commission = money.Max + 1 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			writer, err := settlement.NewWriter(io.Discard, header(t))
			require.NoError(t, err)

			line := sale(t, "CRE-1")
			require.NoError(t, writer.Write(&line))
			change(&line)

			var refused *fault.Fault

			require.ErrorAs(t, writer.Write(&line), &refused)
		})
	}

	bad := header(t)
	bad.Currency = "USD"
	_, err := settlement.NewWriter(io.Discard, bad)

	var refused *fault.Fault

	require.ErrorAs(t, err, &refused)
	require.Equal(t, fault.CodeCurrency, refused.Code)
}

func TestReadStopsAtTheCallersError(t *testing.T) {
	t.Parallel()

	var file bytes.Buffer

	write(t, &file, header(t), sale(t, "CRE-1"), sale(t, "CRE-2"))

	enough, calls := errors.New("enough"), 0
	_, err := settlement.Read("cre.txt", bytes.NewReader(file.Bytes()), settlement.CRE1{}, func(*settlement.Line) error {
		calls++

		return enough
	})
	require.ErrorIs(t, err, enough)
	require.ErrorContains(t, err, "cre.txt: line 2")
	require.Equal(t, 1, calls)
}

func TestReadReportsABrokenSource(t *testing.T) {
	t.Parallel()

	var file bytes.Buffer

	write(t, &file, header(t), sale(t, "CRE-1"))

	broken := errors.New("disk")
	source := struct {
		io.Reader
		io.Seeker
	}{io.MultiReader(bytes.NewReader(file.Bytes()[:200]), iotest.ErrReader(broken)), bytes.NewReader(nil)}
	_, err := settlement.Read("cre.txt", source, settlement.CRE1{}, func(*settlement.Line) error { return nil })
	require.ErrorIs(t, err, broken)

	var faults *fault.Faults

	require.NotErrorAs(t, err, &faults, "a file that cannot be read is not a bad file")
}

func TestReadDoesNotDependOnHowTheSourceGivesItsBytes(t *testing.T) {
	t.Parallel()

	var file bytes.Buffer

	written := write(t, &file, header(t), sale(t, "CRE-1"), sale(t, "CRE-2"))

	for _, reader := range []io.Reader{
		iotest.OneByteReader(bytes.NewReader(file.Bytes())),
		iotest.DataErrReader(bytes.NewReader(file.Bytes())),
		iotest.HalfReader(bytes.NewReader(file.Bytes())),
	} {
		source := struct {
			io.Reader
			io.Seeker
		}{reader, bytes.NewReader(nil)}
		read, err := settlement.Read("cre.txt", source, settlement.CRE1{}, func(*settlement.Line) error { return nil })
		require.NoError(t, err)
		require.Equal(t, written, read)
	}
}

func TestLabel(t *testing.T) {
	t.Parallel()

	reference := settlement.NewReference(1, date(t, "2019-07-25"))
	require.Equal(t, "00000120190725UEP", reference)
	require.Equal(t, "REM E 100 00000120190725UEP", settlement.Movement{OperationType: "100", Reference: reference}.Label())
}

func TestParseLineDoesNotAllocate(t *testing.T) {
	line := sale(t, "CRE-1")
	line.Number = 1
	raw := settlement.AppendLine(nil, &line)
	raw = raw[:len(raw)-1]

	var read settlement.Line

	again := make([]byte, 0, 2*len(raw))

	require.Zero(t, testing.AllocsPerRun(100, func() {
		if settlement.ParseLine(raw, &read) != nil {
			panic("refused")
		}

		again = settlement.AppendLine(again[:0], &read)
	}))
	require.Equal(t, string(raw)+"\n", string(again))
}
