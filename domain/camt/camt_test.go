package camt_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/moov-io/iso20022/pkg/camt_v08"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/camt"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/iso20022"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/transfer"
)

func definitions() []string {
	return []string{"camt.053.001.02", "camt.053.001.04", "camt.053.001.08", "camt.054.001.02", "camt.054.001.08"}
}

func faultsOf(t require.TestingT, err error) *fault.Faults {
	found, ok := errors.AsType[*fault.Faults](err)
	require.True(t, ok, "%v", err)

	return found
}

func dateOf(text string) calendar.Date {
	date, err := calendar.ParseDate(text)
	if err != nil {
		panic(err)
	}

	return date
}

// example is a statement that has one of everything.
func example(definition string) *message {
	created := time.Date(2026, 3, 2, 4, 5, 6, 0, calendar.Paris())
	statement := camt.Statement{
		ID: "STMT-1", Number: 61, LegalNumber: 7, CreatedAt: created, From: created.Add(-24 * time.Hour), To: created.Add(-time.Hour),
		Copy: "DUPL", IBAN: account, Currency: "EUR",
		Balances: []camt.Balance{
			{Code: "OPBD", Amount: 100_00, Date: dateOf("2026-03-01")},
			{Code: "PRCD", Amount: 100_00, Date: dateOf("2026-02-28")},
			{Code: "CLBD", Amount: -25_50, Date: dateOf("2026-03-01")},
			{Code: "OURS-1", Amount: 1, Date: dateOf("2026-03-02")},
		},
	}
	entries := []camt.Entry{
		{
			Reference: "N1", BankReference: "B1", Amount: -130_50, Status: camt.Booked, BookedOn: dateOf("2026-03-01"),
			ValueOn: dateOf("2026-03-02"), ValueAt: time.Date(2026, 3, 2, 0, 30, 0, 5e6, calendar.Paris()),
			Code: camt.Code{Domain: "PMNT", Family: "ICDT", SubFamily: "ESCT", Proprietary: "NTRF"}, Info: "LOT <1> & 2",
			Batch: camt.Batch{MessageID: "M1", PaymentID: "P1", Orders: 2, Sum: -130_50},
			Details: []camt.Detail{
				{
					MessageID: "M1", PaymentID: "P1", InstructionID: "I1", EndToEndID: "E1", TransactionID: "T1", BankReference: "R1",
					Amount: -130_00, Code: camt.Code{Domain: "PMNT", Family: "ICDT", SubFamily: "ESCT"},
					Debtor: transfer.Party{Name: "EP & Cie", BIC: "AGRIFRPP", IBAN: account}, Creditor: transfer.Party{Name: "Zoé", BIC: "BNPAFRPPXXX", IBAN: account},
					Reason: "AC04", ReasonInfo: "COMPTE CLOS", Remittance: "RBCRR 1", Reference: "RF18", Info: "info",
				},
				{EndToEndID: "E2", Amount: -50},
			},
		},
		{Amount: 5_00, Status: camt.Booked, Reversal: true, BookedOn: dateOf("2026-03-01"), ValueOn: dateOf("2026-03-01"), Code: camt.Code{Proprietary: "X"}},
		{Amount: 9_99, Status: camt.Pending, BookedOn: dateOf("2026-03-01"), ValueOn: dateOf("2026-03-01"), Code: camt.Code{Proprietary: "X"}},
		{Amount: -3, Status: camt.Information, BookedOn: dateOf("2026-03-01"), ValueOn: dateOf("2026-03-01"), Code: camt.Code{Proprietary: "X"}},
	}

	if strings.HasPrefix(definition, "camt.054") {
		statement.Balances = nil
	}

	return &message{definition: definition, statements: []camt.Statement{statement}, entries: [][]camt.Entry{entries}, summary: true}
}

// taken is what a handler was given.
type taken struct {
	begun, ended []camt.Statement
	entries      [][]camt.Entry
}

func take(text string) (taken, camt.Summary, error) {
	var got taken

	summary, err := camt.Read("a.xml", strings.NewReader(text), camt.Handler{
		Begin: func(statement camt.Statement) error {
			got.begun = append(got.begun, statement)
			got.entries = append(got.entries, nil)

			return nil
		},
		Entry: func(entry *camt.Entry) error {
			kept := *entry
			kept.Details = append([]camt.Detail(nil), entry.Details...)
			kept.Line = 0
			last := len(got.entries) - 1
			got.entries[last] = append(got.entries[last], kept)

			return nil
		},
		End: func(statement camt.Statement) error {
			got.ended = append(got.ended, statement)

			return nil
		},
	})

	return got, summary, err
}

// same compares what was read with what was written.
func same(t require.TestingT, written *message, got *taken) {
	require.Len(t, got.begun, len(written.statements))
	require.Len(t, got.ended, len(written.statements))

	for i := range written.statements {
		want := written.statements[i]
		want.Line = got.begun[i].Line
		require.Equal(t, want, got.begun[i])
		require.Positive(t, want.Line)

		require.Len(t, got.entries[i], len(written.entries[i]))

		for j := range written.entries[i] {
			require.Equal(t, written.entries[i][j], got.entries[i][j])
		}

		want.Entries = len(written.entries[i])

		for _, entry := range written.entries[i] {
			switch {
			case entry.Status != camt.Booked:
				continue
			case entry.Amount < 0:
				want.Debits -= entry.Amount
			default:
				want.Credits += entry.Amount
			}

			want.Booked++
		}

		require.Equal(t, want, got.ended[i])
	}
}

func TestEverythingIsRead(t *testing.T) {
	t.Parallel()

	for _, definition := range definitions() {
		t.Run(definition, func(t *testing.T) {
			t.Parallel()

			written := example(definition)
			text := written.write()

			got, summary, err := take(text)
			require.NoError(t, err)
			same(t, written, &got)

			kind := camt.Statements
			if written.notifies() {
				kind = camt.Notifications
			}

			require.Equal(t, camt.Summary{
				Kind: kind, Definition: definition, ID: "MSG-1", CreatedAt: time.Date(2026, 3, 2, 4, 5, 6, 0, calendar.Paris()),
				Statements: 1, Entries: 4, Booked: 2, Details: 2, SHA256: sha256.Sum256([]byte(text)), Bytes: int64(len(text)),
			}, summary)
		})
	}
}

// The messages of these tests are what ISO says that they are.
func TestOwnMessagesAgreeWithISO(t *testing.T) {
	t.Parallel()

	folder := os.Getenv("REGLO_TEST_ISO_SCHEMAS")
	if folder == "" {
		t.Skip("REGLO_TEST_ISO_SCHEMAS names no folder of ISO's schemas")
	}

	lint, err := exec.LookPath("xmllint")
	if err != nil {
		t.Skip("xmllint is not installed")
	}

	for _, definition := range definitions() {
		schema := filepath.Join(folder, definition+".xsd")
		if _, err := os.Stat(schema); err != nil {
			continue
		}

		command := exec.CommandContext(context.Background(), lint, "--noout", "--nonet", "--schema", schema, "-") //nolint:gosec // a folder of the developer's
		command.Stdin = strings.NewReader(example(definition).write())

		said, err := command.CombinedOutput()
		require.NoError(t, err, "%s: %s", definition, said)
	}
}

// An independent reader finds the same in version 08, as far as it reads it.
func TestAgainstAnotherReader(t *testing.T) {
	t.Parallel()

	written := example("camt.053.001.08")
	text := written.write()

	var other struct {
		XMLName xml.Name                            `xml:"Document"`
		Message camt_v08.BankToCustomerStatementV08 `xml:"BkToCstmrStmt"`
	}

	require.NoError(t, xml.Unmarshal([]byte(text), &other))

	got, _, err := take(text)
	require.NoError(t, err)
	require.Len(t, other.Message.Stmt, 1)

	theirs, ours := other.Message.Stmt[0], got.entries[0]
	require.EqualValues(t, theirs.Id, got.begun[0].ID)
	require.InDelta(t, theirs.ElctrncSeqNb, got.begun[0].Number, 0)
	require.Len(t, ours, len(theirs.Ntry))
	require.Len(t, got.begun[0].Balances, len(theirs.Bal))

	for i, balance := range theirs.Bal {
		require.InDelta(t, balance.Amt.Value*100, float64(got.begun[0].Balances[i].Amount.Abs()), 1e-6)
	}

	for i, entry := range theirs.Ntry {
		require.InDelta(t, entry.Amt.Value*100, float64(ours[i].Amount.Abs()), 1e-6)
		require.Equal(t, entry.CdtDbtInd == "DBIT", ours[i].Amount < 0)
		require.EqualValues(t, entry.Sts.Cd, ours[i].Status)
		require.Equal(t, entry.RvslInd, ours[i].Reversal)

		details := 0

		for _, group := range entry.NtryDtls {
			for _, detail := range group.TxDtls {
				mine := ours[i].Details[details]
				details++

				require.EqualValues(t, *detail.Refs.EndToEndId, mine.EndToEndID)
				require.InDelta(t, detail.Amt.Value*100, float64(mine.Amount.Abs()), 1e-6)

				if detail.RmtInf != nil {
					require.EqualValues(t, detail.RmtInf.Ustrd[0], mine.Remittance)
				}

				if detail.RtrInf != nil {
					require.EqualValues(t, detail.RtrInf.Rsn.Cd, mine.Reason)
				}
			}
		}

		require.Len(t, ours[i].Details, details)
	}
}

// What is written is read again, whatever it is.
func TestReadsWhatIsWritten(t *testing.T) {
	t.Parallel()

	rapid.Check(t, func(t *rapid.T) {
		written := draw(t)

		got, summary, err := take(written.write())
		require.NoError(t, err)
		same(t, written, &got)
		require.Equal(t, len(written.statements), summary.Statements)
	})
}

// A cent that is changed anywhere is found.
func TestNoChangedBalanceIsTaken(t *testing.T) {
	t.Parallel()

	rapid.Check(t, func(t *rapid.T) {
		written := draw(t)
		if written.notifies() {
			return
		}

		which := rapid.IntRange(0, len(written.statements)-1).Draw(t, "statement")
		balances := written.statements[which].Balances
		balances[rapid.IntRange(0, 1).Draw(t, "balance")].Amount += money.Cents(rapid.SampledFrom([]int{-1, 1}).Draw(t, "cent"))

		_, _, err := take(written.write())
		require.Equal(t, map[fault.Code]int{fault.CodeBalance: 1}, faultsOf(t, err).ByCode)
	})
}

func draw(t *rapid.T) *message {
	m := &message{
		definition: rapid.SampledFrom(definitions()).Draw(t, "definition"),
		prefix:     rapid.SampledFrom([]string{"", "n:"}).Draw(t, "prefix"),
		summary:    rapid.Bool().Draw(t, "summary"),
	}
	text := rapid.StringMatching(`[A-Za-z0-9é€&<>]{0,20}`)
	id := rapid.StringMatching(`[A-Z0-9]{0,35}`)
	size := rapid.Int64Range(0, 1_000_000_00)
	on := rapid.Custom(func(t *rapid.T) calendar.Date {
		return dateOf("2026-01-01").AddDays(rapid.IntRange(0, 700).Draw(t, "days"))
	})

	for i := range rapid.IntRange(1, 3).Draw(t, "statements") {
		statement := camt.Statement{
			ID: fmt.Sprintf("S%d", i), Number: rapid.Int64Range(0, 1e17).Draw(t, "number"), IBAN: account,
			CreatedAt: on.Draw(t, "created").Midnight().Add(time.Duration(rapid.IntRange(0, 86_399_999).Draw(t, "ms")) * time.Millisecond),
		}

		if rapid.Bool().Draw(t, "other account") {
			statement.IBAN, statement.Account = "", "12345"
		}

		opening := money.Cents(size.Draw(t, "opening")) - 500_000_00
		closing := opening

		var entries []camt.Entry

		for range rapid.IntRange(0, 5).Draw(t, "entries") {
			entry := camt.Entry{
				Reference: id.Draw(t, "reference"), Amount: money.Cents(size.Draw(t, "amount")), BookedOn: on.Draw(t, "booked"),
				ValueOn: on.Draw(t, "value"), Info: text.Draw(t, "info"), Reversal: rapid.Bool().Draw(t, "reversal"),
				Status: rapid.SampledFrom([]camt.Status{camt.Booked, camt.Pending, camt.Information, camt.Future}).Draw(t, "status"),
				Code:   camt.Code{Domain: "PMNT", Family: "RCDT", SubFamily: "ESCT"},
			}
			sign := money.Cents(rapid.SampledFrom([]int{-1, 1}).Draw(t, "sign"))
			left := entry.Amount

			for range rapid.IntRange(0, 3).Draw(t, "details") {
				amount := money.Cents(rapid.Int64Range(0, int64(left)).Draw(t, "part"))
				left -= amount
				entry.Details = append(entry.Details, camt.Detail{
					EndToEndID: id.Draw(t, "end to end"), Amount: sign * amount, Remittance: text.Draw(t, "remittance"),
					Creditor: transfer.Party{Name: text.Draw(t, "name")},
				})
			}

			entry.Amount *= sign
			if entry.Status == camt.Booked {
				closing += entry.Amount
			}

			entries = append(entries, entry)
		}

		if !m.notifies() {
			date := on.Draw(t, "date")
			statement.Balances = []camt.Balance{{Code: "OPBD", Amount: opening, Date: date}, {Code: "CLBD", Amount: closing, Date: date}}
		}

		m.statements = append(m.statements, statement)
		m.entries = append(m.entries, entries)
	}

	return m
}

func TestFaults(t *testing.T) {
	t.Parallel()

	const v02, v08 = "camt.053.001.02", "camt.053.001.08"

	for name, test := range map[string]struct {
		definition string
		old, new   string // first occurrence
		code       fault.Code
		field      string // its end
		value      string
		reason     string
	}{
		"another version":      {v08, "camt.053.001.08", "camt.053.001.06", fault.CodeFormat, "Document", "camt.053.001.06", "another version"},
		"another message":      {v08, "camt.053.001.08", "camt.052.001.08", fault.CodeFormat, "Document", "camt.052.001.08", "another message"},
		"the other root":       {v08, "camt.053.001.08", "camt.054.001.08", iso20022.CodeElement, "Document/BkToCstmrStmt", "", "BkToCstmrDbtCdtNtfctn"},
		"a page of a message":  {v02, "<LastPgInd>true", "<LastPgInd>false", "PAGE", "GrpHdr/MsgPgntn", "1", "one page"},
		"the last page":        {v02, "<PgNb>1", "<PgNb>2", "PAGE", "GrpHdr/MsgPgntn", "2", "one page"},
		"a page":               {v08, "<ElctrncSeqNb>", "<StmtPgntn><PgNb>1</PgNb><LastPgInd>false</LastPgInd></StmtPgntn><ElctrncSeqNb>", "PAGE", "Stmt/StmtPgntn", "1", "one page"},
		"an element of .08":    {v02, "<ElctrncSeqNb>", "<StmtPgntn><PgNb>1</PgNb></StmtPgntn><ElctrncSeqNb>", iso20022.CodeElement, "Stmt/StmtPgntn", "", "no element"},
		"status of .08 in .02": {v02, "<Sts>BOOK</Sts>", "<Sts><Cd>BOOK</Cd></Sts>", iso20022.CodeElement, "Ntry/Sts/Cd", "", "text is expected"},
		"status of .02 in .08": {v08, "<Sts><Cd>BOOK</Cd></Sts>", "<Sts>BOOK</Sts>", iso20022.CodeElement, "Ntry/Sts", "", "text beside"},
		"status of the bank":   {v08, "<Sts><Cd>BOOK</Cd></Sts>", "<Sts><Prtry>DONE</Prtry></Sts>", fault.CodeUnknown, "Ntry/Sts/Prtry", "", "of the bank's own"},
		"no status":            {v08, "<Sts><Cd>BOOK</Cd></Sts>", "<Sts/>", fault.CodeMissing, "Ntry/Sts", "", "one of Cd, Prtry"},
		"an unknown status":    {v02, "<Sts>BOOK</Sts>", "<Sts>DUPONT</Sts>", fault.CodeUnknown, "Ntry/Sts", "", "BOOK, PDNG"},
		"an unknown element":   {v02, "<NtryRef>N1</NtryRef>", "<Foo>1</Foo>", iso20022.CodeElement, "Stmt/Ntry/Foo", "", "no element"},
		"an element twice":     {v02, "<RvslInd>false</RvslInd>", "<RvslInd>false</RvslInd><RvslInd>false</RvslInd>", iso20022.CodeElement, "Ntry/RvslInd", "", "twice"},
		"another order":        {v02, "<NtryRef>N1</NtryRef><Amt Ccy=\"EUR\">130.50</Amt>", "<Amt Ccy=\"EUR\">130.50</Amt><NtryRef>N1</NtryRef>", iso20022.CodeElement, "Ntry/NtryRef", "", "stands here"},
		"a party named twice":  {v08, "<Nm>Zoé</Nm>", "<Nm>Zoé</Nm><Nm>Ana</Nm>", iso20022.CodeElement, "Cdtr/Pty/Nm", "", "twice"},
		"no amount":            {v02, `<Amt Ccy="EUR">130.50</Amt>`, "", fault.CodeMissing, "Stmt/Ntry", "", "holds no Amt"},
		"no currency":          {v02, `<Amt Ccy="EUR">130.50</Amt>`, "<Amt>130.50</Amt>", fault.CodeCurrency, "Ntry/Amt", "", "EUR"},
		"another currency":     {v02, `<Amt Ccy="EUR">130.50</Amt>`, `<Amt Ccy="USD">130.50</Amt>`, fault.CodeCurrency, "Ntry/Amt", "USD", "EUR"},
		"an account in CHF":    {v02, "<Ccy>EUR</Ccy>", "<Ccy>CHF</Ccy>", fault.CodeCurrency, "Acct/Ccy", "", "EUR"},
		"a third decimal":      {v02, ">130.50<", ">130.501<", fault.CodeAmount, "Ntry/Amt", "130.501", "two decimal"},
		"a comma":              {v02, ">130.50<", ">130,50<", fault.CodeAmount, "Ntry/Amt", "", "two decimal"},
		"an exponent":          {v02, ">130.50<", ">1e2<", fault.CodeAmount, "Ntry/Amt", "1e2", "two decimal"},
		"a sign":               {v02, ">130.50<", ">-130.50<", fault.CodeSign, "Ntry/Amt", "-130.50", "negative"},
		"no digit":             {v02, ">130.50<", ">.50<", fault.CodeAmount, "Ntry/Amt", ".50", "two decimal"},
		"no decimal":           {v02, ">130.50<", ">130.<", fault.CodeAmount, "Ntry/Amt", "130.", "two decimal"},
		"too much":             {v02, ">130.50<", ">1000000000000.00<", fault.CodeAmount, "Ntry/Amt", "", "two decimal"},
		"a name for an amount": {v02, ">130.50<", ">DUPONT<", fault.CodeAmount, "Ntry/Amt", "", "two decimal"},
		"a direction":          {v02, "<CdtDbtInd>CRDT", "<CdtDbtInd>C", fault.CodeUnknown, "Bal/CdtDbtInd", "C", "CRDT or DBIT"},
		"a truth":              {v02, "<RvslInd>false", "<RvslInd>no", fault.CodeUnknown, "Ntry/RvslInd", "no", "true or false"},
		"a day":                {v02, "<Dt>2026-03-01</Dt>", "<Dt>2026-02-30</Dt>", fault.CodeDate, "Bal/Dt/Dt", "2026-02-30", "a day"},
		"a day and an instant": {v02, "<Dt>2026-03-01</Dt>", "<Dt>2026-03-01</Dt><DtTm>2026-03-01T01:02:03</DtTm>", fault.CodeMissing, "Bal/Dt", "", "one of Dt, DtTm"},
		"an instant":           {v02, "<CreDtTm>2026-03-02T04", "<CreDtTm>2026-03-02T4", fault.CodeDate, "GrpHdr/CreDtTm", "2026-03-02T4:05:06+01:00", "an instant"},
		"an old year":          {v02, "<CreDtTm>2026", "<CreDtTm>1999", fault.CodeDate, "GrpHdr/CreDtTm", "1999-03-02T04:05:06+01:00", "2000 to 2099"},
		"a number":             {v02, "<ElctrncSeqNb>61", "<ElctrncSeqNb>6.1", fault.CodePattern, "Stmt/ElctrncSeqNb", "6.1", "18 digits"},
		"an IBAN":              {v02, "<IBAN>" + account, "<IBAN>FR7630006000011234567890188", fault.CodeIBAN, "Acct/Id/IBAN", "FR76…0188", "check digits"},
		"no account":           {v02, "<IBAN>" + account + "</IBAN>", "", fault.CodeMissing, "Acct/Id", "", "one of IBAN, Othr"},
		"an empty Id":          {v02, "<Id>STMT-1</Id>", "<Id/>", fault.CodeMissing, "Stmt/Id", "", "empty"},
		"a long reference":     {v02, "<NtryRef>N1", "<NtryRef>" + strings.Repeat("é", 36), fault.CodeTooLong, "Ntry/NtryRef", "", "more characters"},
		"a long code":          {v02, "<Domn><Cd>PMNT", "<Domn><Cd>PMNTX", fault.CodeTooLong, "Domn/Cd", "", "more characters"},
		"no opening":           {v02, "OPBD", "ITBD", "BALANCE", "", "", ""},
		"two openings":         {v02, "PRCD", "OPBD", fault.CodeDuplicate, "Stmt/Bal", "OPBD", "second balance"},
		"another balance":      {v02, ">25.50<", ">25.51<", "BALANCE", "Stmt/Bal", "-25.51", "opening balance 100.00, the booked credits 5.00 and the booked debits 130.50"},
		"no closing":           {v02, "CLBD", "CLAV", fault.CodeMissing, "Document/BkToCstmrStmt/Stmt", "", "CLBD"},
		"another previous":     {v02, ">100.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-02-28", ">100.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Dt><Dt>2026-02-28", "BALANCE", "Stmt/Bal", "-100.00", "balance before"},
		"another count":        {v02, "<NbOfNtries>4", "<NbOfNtries>5", "TOTAL", "TtlNtries/NbOfNtries", "5", "not that of the entries"},
		"another sum":          {v02, "<Sum>145.52", "<Sum>145.53", "TOTAL", "TtlNtries/Sum", "145.53", "not that of the entries"},
		"another net":          {v02, "<TtlNetNtryAmt>115.54", "<TtlNetNtryAmt>115.55", "TOTAL", "TxsSummry/TtlNtries", "-115.55", "not that of the entries"},
		"another net in .08":   {v08, "<TtlNetNtry><Amt>115.54", "<TtlNetNtry><Amt>115.55", "TOTAL", "TtlNtries/TtlNetNtry", "-115.55", "not that of the entries"},
		"more in the details":  {v08, `<Amt Ccy="EUR">130.00`, `<Amt Ccy="EUR">130.01`, "DETAILS", "Stmt/Ntry", "130.50", "come to more, 130.51"},
		"a detail in dollars":  {v08, `<Amt Ccy="EUR">130.00`, `<Amt Ccy="USD">130.00`, fault.CodeCurrency, "TxDtls/Amt", "USD", "EUR"},
		"another namespace":    {v08, "<BkTxCd>", `<BkTxCd xmlns="urn:a">`, iso20022.CodeNamespace, "Ntry/BkTxCd", "", "namespace"},
		"a cut file":           {v08, "</BkToCstmrStmt></Document>\n", "", fault.CodeTruncated, "Document/BkToCstmrStmt", "", "cut"},
		"no statement":         {v08, "", "", fault.CodeMissing, "Document/BkToCstmrStmt", "", "holds no Stmt"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			text := example(test.definition).write()
			require.Contains(t, text, test.old)

			broken := strings.Replace(text, test.old, test.new, 1)

			if name == "no statement" {
				start, end := strings.Index(text, "<Stmt>"), strings.Index(text, "</Stmt>")+len("</Stmt>")
				broken = text[:start] + text[end:]
			}

			if name == "no opening" { // the balance before it still opens
				broken = strings.Replace(broken, "PRCD", "ITBD", 1)
				test.code, test.field, test.reason = fault.CodeMissing, "BkToCstmrStmt/Stmt", "OPBD or PRCD"
			}

			got, _, err := take(broken)
			faults := faultsOf(t, err)
			require.Equal(t, "a.xml", faults.File)

			index := slices.IndexFunc(faults.Faults, func(f fault.Fault) bool { return f.Code == test.code })
			require.GreaterOrEqual(t, index, 0, faults)

			found := faults.Faults[index]
			require.True(t, strings.HasSuffix(found.Field, test.field), found)
			require.Equal(t, test.value, found.Value)
			require.Contains(t, found.Reason, test.reason)
			require.Positive(t, found.Line)
			require.Positive(t, found.Column)
			require.NotContains(t, faults.Error(), "DUPONT")

			if test.code != fault.CodeTruncated { // behind the statement
				require.Empty(t, got.ended)
			}
		})
	}
}

func TestAllFaultsInOneGo(t *testing.T) {
	t.Parallel()

	text := example("camt.053.001.02").write()
	text = strings.Replace(text, ">130.50<", ">130.5a<", 1)
	text = strings.Replace(text, "<Sts>PDNG", "<Sts>PEND", 1)
	text = strings.Replace(text, "<Dt>2026-02-28", "<Dt>2026-02-29", 1)

	_, _, err := take(text)
	require.Equal(t, map[fault.Code]int{fault.CodeAmount: 1, fault.CodeUnknown: 1, fault.CodeDate: 1}, faultsOf(t, err).ByCode,
		"and no balance is compared with entries that could not be read")
}

func TestAmountsAreExact(t *testing.T) {
	t.Parallel()

	for said, want := range map[string]money.Cents{
		"0": 0, "7": 700, "0.1": 10, "0.10": 10, "00001.20": 120, "1.23000": 123, "999999999999.99": money.Max, "0.00": 0,
	} {
		written := example("camt.053.001.02")
		written.summary = false
		written.statements[0].Balances = written.statements[0].Balances[:3]
		written.entries[0] = written.entries[0][1:2]
		written.statements[0].Balances[0].Amount = 0
		written.statements[0].Balances[1].Amount = 0
		written.statements[0].Balances[2].Amount = want

		got, _, err := take(strings.Replace(written.write(), ">5.00<", ">"+said+"<", 1))
		require.NoError(t, err, said)
		require.Equal(t, want, got.entries[0][0].Amount, said)
	}
}

func TestFaultsAreBounded(t *testing.T) {
	t.Parallel()

	const many = 5 * fault.MaxDetailed

	text := strings.Replace(example("camt.053.001.08").write(), "<BkTxCd>", strings.Repeat("<Foo/>", many)+"<BkTxCd>", 1)

	_, _, err := take(text)
	faults := faultsOf(t, err)
	require.Equal(t, map[fault.Code]int{iso20022.CodeElement: many}, faults.ByCode)
	require.Len(t, faults.Faults, fault.MaxDetailed)
}

func TestInstants(t *testing.T) {
	t.Parallel()

	for said, want := range map[string]string{
		"2026-03-01T10:20:30":           "2026-03-01T10:20:30+01:00",
		"2026-07-01T10:20:30":           "2026-07-01T10:20:30+02:00",
		"2026-07-01T10:20:30Z":          "2026-07-01T12:20:30+02:00",
		"2026-07-01T10:20:30.123-05:00": "2026-07-01T17:20:30.123+02:00",
		"2026-03-01T24:00:00":           "2026-03-02T00:00:00+01:00",
	} {
		text := strings.Replace(example("camt.054.001.08").write(), "2026-03-02T04:05:06+01:00", said, 1)

		_, summary, err := take(text)
		require.NoError(t, err, said)
		require.Equal(t, want, summary.CreatedAt.Format(time.RFC3339Nano), said)
	}
}

// Banks differ in what the summary counts: all entries, the booked ones, or reversals against their direction.
func TestSummariesOfBanks(t *testing.T) {
	t.Parallel()

	text := example("camt.053.001.02").write()

	for old, other := range map[string]string{
		"<NbOfNtries>4":           "<NbOfNtries>2",
		"<Sum>145.52":             "<Sum>135.50",
		"<TtlNetNtryAmt>115.54":   "<TtlNetNtryAmt>125.54",
		"<TtlNetNtryAmt>115.54</": "<TtlNetNtryAmt>125.50</",
	} {
		require.Contains(t, text, old)

		_, _, err := take(strings.Replace(text, old, other, 1))
		require.NoError(t, err, other)
	}
}

func TestDetailsThatDoNotAddUp(t *testing.T) {
	t.Parallel()

	text := example("camt.053.001.08").write()

	_, summary, err := take(strings.Replace(text, `<Amt Ccy="EUR">130.00`, `<Amt Ccy="EUR">100.00`, 1))
	require.NoError(t, err)
	require.Equal(t, 1, summary.Partial)

	_, summary, err = take(strings.Replace(text, "<NbOfTxs>2", "<NbOfTxs>3", 1))
	require.NoError(t, err)
	require.Equal(t, 1, summary.Partial)

	charged := strings.Replace(text, "<RltdPties>", "<Chrgs><TtlChrgsAndTaxAmt Ccy=\"USD\">1</TtlChrgsAndTaxAmt></Chrgs><RltdPties>", 1)
	_, summary, err = take(strings.Replace(charged, `<Amt Ccy="EUR">130.00`, `<Amt Ccy="EUR">140.00`, 1))
	require.NoError(t, err)
	require.Equal(t, 1, summary.Charged)
}

func TestStatementsOfOneFileHaveTheirOwnIds(t *testing.T) {
	t.Parallel()

	written := example("camt.053.001.04")
	written.statements = append(written.statements, written.statements[0])
	written.entries = append(written.entries, written.entries[0])

	_, _, err := take(written.write())
	require.Equal(t, map[fault.Code]int{fault.CodeDuplicate: 1}, faultsOf(t, err).ByCode)

	written.statements[1].ID = "STMT-2"
	got, _, err := take(written.write())
	require.NoError(t, err)
	same(t, written, &got)
}

func TestDetailsAreBounded(t *testing.T) {
	t.Parallel()

	written := example("camt.053.001.08")
	entry := &written.entries[0][0]
	detail := entry.Details[1]
	detail.Amount = 0

	for len(entry.Details) <= camt.MaxDetails {
		entry.Details = append(entry.Details, detail)
	}

	got, _, err := take(written.write())
	require.Equal(t, map[fault.Code]int{iso20022.CodeLimit: 1}, faultsOf(t, err).ByCode)
	require.Empty(t, got.entries[0])

	long := detail
	long.Remittance = strings.Repeat("x", 140)
	long.Info = strings.Repeat("x", 500)
	entry.Details = slices.Repeat([]camt.Detail{long}, camt.MaxDetailText/600)

	_, _, err = take(written.write())
	require.Equal(t, map[fault.Code]int{iso20022.CodeLimit: 1}, faultsOf(t, err).ByCode)
}

func TestBalancesAreBounded(t *testing.T) {
	t.Parallel()

	written := example("camt.053.001.08")
	written.statements[0].Balances = slices.Repeat(written.statements[0].Balances[3:], camt.MaxBalances+1)

	_, _, err := take(written.write())
	require.Equal(t, map[fault.Code]int{iso20022.CodeLimit: 1}, faultsOf(t, err).ByCode)
}

func TestErrorsOfOthersEndTheReading(t *testing.T) {
	t.Parallel()

	broken := errors.New("broken")
	text := example("camt.053.001.08").write()
	fails := func(camt.Statement) error { return broken }

	for _, handler := range []camt.Handler{
		{Begin: fails},
		{End: fails},
		{Entry: func(*camt.Entry) error { return broken }},
	} {
		_, err := camt.Read("a.xml", strings.NewReader(text), handler)
		require.ErrorIs(t, err, broken)
		require.ErrorContains(t, err, "a.xml")
	}

	_, err := camt.Read("a.xml", io.MultiReader(strings.NewReader(text[:len(text)/2]), iotest.ErrReader(broken)), camt.Handler{})
	require.ErrorIs(t, err, broken)
}

// Any bytes are read or refused; what is read holds what it says.
func FuzzRead(f *testing.F) {
	for _, definition := range definitions() {
		f.Add([]byte(example(definition).write()))
	}

	f.Add([]byte("<!DOCTYPE a>"))

	f.Fuzz(func(t *testing.T, text []byte) {
		entries := 0

		summary, err := camt.Read("a.xml", bytes.NewReader(text), camt.Handler{
			Entry: func(entry *camt.Entry) error {
				entries++

				require.LessOrEqual(t, entry.Amount.Abs(), money.Max)
				require.Contains(t, []camt.Status{camt.Booked, camt.Pending, camt.Information, camt.Future}, entry.Status)

				return nil
			},
			End: func(statement camt.Statement) error {
				sums := make(map[string]money.Cents)
				for _, balance := range statement.Balances {
					sums[balance.Code] = balance.Amount
				}

				if _, opened := sums[camt.OpeningBooked]; opened {
					require.Equal(t, sums[camt.ClosingBooked], sums[camt.OpeningBooked]+statement.Credits-statement.Debits)
				}

				return nil
			},
		})
		if err != nil {
			require.Positive(t, faultsOf(t, err).Count)

			return
		}

		require.Equal(t, entries, summary.Entries)
		require.Equal(t, sha256.Sum256(text), summary.SHA256)
	})
}
