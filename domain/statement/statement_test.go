package statement_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/deploy/partners/bank/message"
	"github.com/reglo/reglo/domain/bankfile"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/statement"
)

// TestEachFormatGivesTheSame reads what the bank says of its three accounts in one file.
func TestEachFormatGivesTheSame(t *testing.T) {
	t.Parallel()

	from, day, value := date(t, "2026-03-16"), date(t, "2026-03-17"), date(t, "2026-03-18")
	returned := []message.Detail{{EndToEndID: "E1", Amount: 150, Code: "AC04"}, {EndToEndID: "E2", Amount: 50, Code: "MD07"}}
	statements := []message.Statement{
		stated(
			ledger.Reglement, 12, from, day, 123_456,
			message.Entry{ID: "B1", Label: "LOT REJ VIR 192837544970 02", Amount: 200, BookedOn: day, ValueOn: value, Kind: message.Returned, Details: returned},
			message.Entry{ID: "B2", Label: "REM VIR MONEXTEUR20191009002", Amount: -2_100, BookedOn: day, ValueOn: day, Kind: message.Remitted},
			message.Entry{
				ID: "B3", Label: "VIR INTERNE MONEXTINT201910090001", Amount: -5_200, BookedOn: day, ValueOn: day, Kind: message.Own,
				Details: []message.Detail{{EndToEndID: "O1", Amount: 5_200}},
			},
		),
		stated(ledger.Fonctionnement, 4, from, day, -100),
		stated(ledger.Cantonnement, 7, from, day, 0,
			message.Entry{ID: "B3", Label: "VIR INTERNE MONEXTINT201910090001", Amount: 5_200, BookedOn: day, ValueOn: day, Kind: message.Own}),
	}

	for _, format := range formats() {
		t.Run(string(format), func(t *testing.T) {
			t.Parallel()

			content := write(t, format, statements...)
			read, lines, err := readFile(content)
			require.NoError(t, err)

			wanted, err := statement.Wanted(strings.NewReader(content))
			require.NoError(t, err)
			require.True(t, wanted)

			want := []statement.Statement{
				{Account: ledger.Reglement, Number: 12, Date: day, Opening: 123_456, Closing: 116_356, Lines: 3},
				{Account: ledger.Fonctionnement, Number: 4, Date: day, Opening: -100, Closing: -100},
				{Account: ledger.Cantonnement, Number: 7, Date: day, Closing: 5_200, Lines: 1},
			}
			rejects := []statement.Detail{{EndToEndID: "E1", Amount: 150, Code: "AC04"}, {EndToEndID: "E2", Amount: 50, Code: "MD07"}}
			own := []statement.Detail{{EndToEndID: "O1", Amount: -5_200}}
			references := []string{"B1", "B2", "B3"}
			identifiers := references

			if format == bankfile.CFONB120 { // has neither numbers nor references, and no details but an order's own
				for i := range want {
					want[i].Number, want[i].From = 0, from
				}

				rejects, references = nil, []string{"", "", ""}
				identifiers = []string{"REG.2026-03-17.1", "REG.2026-03-17.2", "REG.2026-03-17.3"}
			}

			require.Equal(t, statement.File{
				Format: format, Statements: want, SHA256: sha256.Sum256([]byte(content)), Bytes: int64(len(content)),
			}, read)

			at, later := day.Midnight(), value.Midnight()
			require.Equal(t, []statement.Line{
				{
					ID: references[0], Ordinal: 1, Label: "LOT REJ VIR 192837544970 02", Amount: 200,
					BookedAt: at, TransactionAt: at, ValueAt: later, Details: rejects,
				},
				{
					ID: references[1], Ordinal: 2, Label: "REM VIR MONEXTEUR20191009002", Amount: -2_100,
					BookedAt: at, TransactionAt: at, ValueAt: at,
				},
				{
					ID: references[2], Ordinal: 3, Label: "VIR INTERNE MONEXTINT201910090001", Amount: -5_200,
					BookedAt: at, TransactionAt: at, ValueAt: at, Details: own,
				},
			}, lines[0])
			require.Empty(t, lines[1])
			require.Len(t, lines[2], 1)

			for i, line := range lines[0] {
				require.Equal(t, identifiers[i], read.Statements[0].Identify(line))
			}
		})
	}
}

func TestIdentify(t *testing.T) {
	t.Parallel()

	day, line := date(t, "2026-03-17"), statement.Line{Ordinal: 3}
	base := statement.Statement{Account: ledger.Cantonnement, Date: day, Opening: 100, Closing: -50}

	for want, change := range map[string]func(*statement.Statement){
		"CAN.2026.12.3":             func(s *statement.Statement) { s.Number = 12 },
		"CAN.2026-03-17.3":          func(s *statement.Statement) { s.From = date(t, "2026-03-16") },
		"CAN.2026-03-17.100.-50.3":  func(s *statement.Statement) { s.From = day },
		"CAN.2026-03-17.7.-50.3":    func(s *statement.Statement) { s.Opening = 7 },
		"CAN.2026-03-17.-900.-50.3": func(s *statement.Statement) { s.From, s.Opening = day, -900 },
	} {
		changed := base
		change(&changed)
		require.Equal(t, want, changed.Identify(line))

		given := line
		given.ID = "B1"
		require.Equal(t, "B1", changed.Identify(given), "the bank's own, if there is one")
	}
}

// TestLinesAreTold is about what a line says, entry by entry of a camt.
func TestLinesAreTold(t *testing.T) {
	t.Parallel()

	const (
		refused = "<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>"
		batch   = "<NtryDtls><TxDtls><Refs><EndToEndId>E1</EndToEndId></Refs><Amt Ccy=\"EUR\">1.50</Amt><CdtDbtInd>CRDT</CdtDbtInd></TxDtls>" +
			"<TxDtls><Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs><Amt Ccy=\"EUR\">0.50</Amt><CdtDbtInd>CRDT</CdtDbtInd>" + refused + "</TxDtls>" +
			"<TxDtls><Refs><EndToEndId>E3</EndToEndId></Refs></TxDtls></NtryDtls>"
	)

	single := func(inside string) string { return "<NtryDtls><TxDtls>" + inside + "</TxDtls></NtryDtls>" }
	day := date(t, "2026-03-17").Midnight()

	for name, test := range map[string]struct {
		dates, reference, details, info string
		want                            statement.Line
	}{
		"no more than must be": {want: statement.Line{Label: "PMNT RCDT ESCT", BookedAt: day, ValueAt: day}},
		"its own label": {
			info: "  VIR\n INTERNE X ", details: single("<RmtInf><Ustrd>other</Ustrd></RmtInf>"),
			want: statement.Line{
				Label: "VIR  INTERNE X", BookedAt: day, ValueAt: day, Details: []statement.Detail{{Amount: 200}},
			},
		},
		"the remittance of one transaction": {
			details: single("<Refs><EndToEndId>E1</EndToEndId></Refs><RmtInf><Ustrd>REM VIR X</Ustrd></RmtInf>"),
			want: statement.Line{
				Label: "REM VIR X", BookedAt: day, ValueAt: day, Details: []statement.Detail{{EndToEndID: "E1", Amount: 200}},
			},
		},
		"of several transactions none": {
			details: batch,
			want: statement.Line{Label: "PMNT RCDT ESCT", BookedAt: day, ValueAt: day, Details: []statement.Detail{
				{EndToEndID: "E1", Amount: 150}, {Amount: 50, Code: "AC04"},
			}},
		},
		"a reference that is filled up": {
			reference: "<AcctSvcrRef> B  1 </AcctSvcrRef>", want: statement.Line{ID: "B 1", Label: "PMNT RCDT ESCT", BookedAt: day, ValueAt: day},
		},
		"days": {
			dates: "<BookgDt><Dt>2026-03-15</Dt></BookgDt><ValDt><Dt>2026-03-16</Dt></ValDt>",
			want: statement.Line{
				Label: "PMNT RCDT ESCT", BookedAt: date(t, "2026-03-15").Midnight(), ValueAt: date(t, "2026-03-16").Midnight(),
			},
		},
		"the day of booking is that of the value": {
			dates: "<BookgDt><Dt>2026-03-15</Dt></BookgDt>",
			want: statement.Line{
				Label: "PMNT RCDT ESCT", BookedAt: date(t, "2026-03-15").Midnight(), ValueAt: date(t, "2026-03-15").Midnight(),
			},
		},
		"instants": {
			dates: "<BookgDt><DtTm>2026-03-16T23:30:00.1234+00:00</DtTm></BookgDt>",
			want: statement.Line{
				Label: "PMNT RCDT ESCT", BookedAt: day.Add(30*60*1e9 + 123*1e6), ValueAt: day,
			},
		},
		"a label longer than an event's": {
			info: strings.Repeat("é", 254) + " " + strings.Repeat("x", 20),
			want: statement.Line{Label: strings.Repeat("é", 254), BookedAt: day, ValueAt: day},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			info := ""
			if test.info != "" {
				info = "<AddtlNtryInf>" + test.info + "</AddtlNtryInf>"
			}

			file := camt04("2.00", entry("2.00", "BOOK", test.dates, test.reference, test.details, info)+
				entry("9.00", "PDNG", "", "", "", "")+entry("9.00", "INFO", "", "", "", "")+entry("0.00", "BOOK", "", "", "", ""))
			read, lines, err := readFile(file)
			require.NoError(t, err)
			require.Equal(t, bankfile.Format("camt.053.001.04"), read.Format)
			require.Equal(t, []statement.Statement{{
				Account: ledger.Reglement, Number: 9, From: date(t, "2026-03-16"), Date: date(t, "2026-03-17"), Opening: 500, Closing: 700,
				Lines: 1, LeftOut: 3,
			}}, read.Statements)

			test.want.Ordinal, test.want.Amount, test.want.TransactionAt = 1, 200, test.want.BookedAt
			require.Equal(t, [][]statement.Line{{test.want}}, lines)
		})
	}
}

func entry(amount, status, dates, reference, details, info string) string {
	return `<Ntry><Amt Ccy="EUR">` + amount + `</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>` + status + `</Sts>` + dates + reference +
		`<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd>` + details + info + `</Ntry>`
}

// camt04 is a statement of what was credited, with a legal number only, and the balance before as that of the day before.
func camt04(credited, entries string) string {
	balance := func(code, amount, day string) string {
		return `<Bal><Tp><CdOrPrtry><Cd>` + code + `</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">` + amount +
			`</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>` + day + `</Dt></Dt></Bal>`
	}

	sum, err := money.Parse(credited)
	if err != nil {
		panic(err)
	}

	return `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.04"><BkToCstmrStmt>` +
		`<GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-03-18T02:00:00</CreDtTm></GrpHdr>` +
		`<Stmt><Id>S1</Id><LglSeqNb>9</LglSeqNb><CreDtTm>2026-03-18T02:00:00</CreDtTm>` +
		`<Acct><Id><IBAN>` + ours()[ledger.Reglement] + `</IBAN></Id></Acct>` +
		balance("PRCD", "5.00", "2026-03-16") + balance("CLBD", (500+sum).String(), "2026-03-17") + entries +
		`</Stmt></BkToCstmrStmt></Document>`
}

func TestASecondLineOfTheSameReference(t *testing.T) {
	t.Parallel()

	var entries []message.Entry

	day := date(t, "2026-03-17")
	for _, reference := range []string{"B", "B-3", "B", "B", "C"} {
		entries = append(entries, message.Entry{ID: reference, Label: "x", Amount: 1, BookedOn: day, ValueOn: day})
	}

	_, lines, err := readFile(write(t, message.Camt053V08,
		stated(ledger.Reglement, 1, day, day, 0, entries...), stated(ledger.Cantonnement, 1, day, day, 0, entries[0])))
	require.NoError(t, err)

	var found []string
	for _, line := range lines[0] {
		found = append(found, line.ID)
	}

	require.Equal(t, []string{"B", "B-3", "B-3-3", "B-4", "C"}, found)
	require.Equal(t, "B", lines[1][0].ID, "another statement's")
}

// TestLabelsOfCFONB keeps what complements say apart from what the label says.
func TestLabelsOfCFONB(t *testing.T) {
	t.Parallel()

	const full = "VIR INTERNE MONEXTINT2019100900"

	for _, test := range []struct {
		label       string
		complements []string
		want        string
	}{
		{"REM E  100   00000120190725UEP", []string{"LIBREGLEMENT CARTES"}, "REM E  100   00000120190725UEP"},
		{full, []string{"NPYVIR", "LIBVIR INTERNE MONEXTINT201910090001"}, "VIR INTERNE MONEXTINT201910090001"},
		{full, []string{"LIBVIR INTERNE", "LIBMONEXTINT201910090001"}, "VIR INTERNE MONEXTINT201910090001"},
		{full, []string{"LIBDE M DUPONT"}, full},
		{full, nil, full},
		{"VIR", []string{"LIBVIR INTERNE MONEXTINT201910090001"}, "VIR"},
		{"", []string{"LIBM DUPONT"}, "OPERATION 06"},
	} {
		records := []string{record("01", "", "", "0000000000000{"), record("04", "06", test.label, "0000000000020}")}
		for _, complement := range test.complements {
			records = append(records, record("05", "06", complement, ""))
		}

		_, lines, err := readFile(strings.Join(records, "") + record("07", "", "", "0000000000020}"))
		require.NoError(t, err)
		require.Equal(t, test.want, lines[0][0].Label)
	}
}

// record is one of CFONB 120 on our règlement account.
func record(code, operation, text, amount string) string {
	at, account := 49, ours()[ledger.Reglement]
	if code == "05" {
		at = 46
	}

	line := []byte(strings.Repeat(" ", 120) + "\n")
	put := func(at int, text string) { copy(line[at-1:], text) }
	put(1, code)
	put(3, account[4:9])
	put(12, account[9:14])
	put(17, "EUR2")
	put(22, account[14:25])
	put(33, operation)
	put(35, "170326")
	put(at, text)

	if amount != "" {
		put(91, amount)
	}

	return string(line)
}

func TestFaults(t *testing.T) {
	t.Parallel()

	day := date(t, "2026-03-17")
	foreign := stated(ledger.Reglement, 1, day, day, 0)
	foreign.IBAN = iban.French(30003, 1, 93)
	good := camt04("2.00", entry("2.00", "BOOK", "", "", "", ""))
	change := func(from, to string) string {
		require.Contains(t, good, from)

		return strings.Replace(good, from, to, 1)
	}

	for name, test := range map[string]struct {
		file       string
		says       string
		incomplete bool
	}{
		"empty":          {file: "", says: "is empty", incomplete: true},
		"another format": {file: "H;ogep-cre/1;", says: "is neither a camt.053 nor a CFONB 120"},
		"another message": {
			file: strings.ReplaceAll(good, "camt.053", "camt.054"), says: "is neither a camt.053 nor a CFONB 120",
		},
		"another version": {file: change("001.04", "001.06"), says: "camt.053.001.06"},
		"cut":             {file: good[:len(good)/2], says: "is cut", incomplete: true},
		"CFONB, cut":      {file: record("01", "", "", "0000000000000{")[:120] + "\n", says: "ends without the record 07", incomplete: true},
		"CFONB, of another account": {
			file: write(t, bankfile.CFONB120, foreign), says: "line 1: account \"30003 00001 …093\" is none of the EP's accounts",
		},
		"camt, of another account": {
			file: write(t, message.Camt053V02, foreign), says: "Stmt/Acct/Id \"" + iban.Mask(foreign.IBAN) + "\" is none of the EP's accounts",
		},
		"without an opening balance": {file: change("PRCD", "ITAV"), says: "has no opening balance"},
		"without a closing balance":  {file: change("CLBD", "CLAV"), says: "has no closing balance"},
		"a number too large":         {file: change("<LglSeqNb>9<", "<LglSeqNb>1000000000<"), says: `"1000000000" is beyond the largest number`},
		"another century": {
			file: change("<BkTxCd>", "<BookgDt><Dt>1999-12-31</Dt></BookgDt><BkTxCd>"), says: "1999-12-31",
		},
		"another century, in UTC": {
			file: change("<BkTxCd>", "<BookgDt><Dt>2000-01-01</Dt></BookgDt><BkTxCd>"), says: `Stmt/Ntry "2000-01-01" must be of the years 2000 to 2099`,
		},
		"what its reader finds, and what only we do": {
			file: strings.Replace(change("<LglSeqNb>9<", "<LglSeqNb>1000000000<"), `Ccy="EUR">2.00`, `Ccy="USD">2.00`, 1), says: "2 faults: ",
		},
		"not that balance": {file: change("7.00", "7.01"), says: "1 fault: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			read, _, err := readFile(test.file)

			var faults *fault.Faults

			require.ErrorAs(t, err, &faults)
			require.ErrorContains(t, err, test.says)
			require.Equal(t, test.incomplete, faults.Incomplete())
			require.Equal(t, statement.File{}, read)
			require.NotContains(t, err.Error(), foreign.IBAN)
			require.NotContains(t, err.Error(), foreign.IBAN[4:25])
		})
	}
}

func TestAnAccountThatHasNoIBAN(t *testing.T) {
	t.Parallel()

	number := ours()[ledger.Reglement]
	file := strings.Replace(camt04("0.00", ""), "<IBAN>"+number+"</IBAN>", "<Othr><Id>"+number[4:]+"</Id></Othr>", 1)
	read, _, err := readFile(file)
	require.NoError(t, err)
	require.Equal(t, ledger.Reglement, read.Statements[0].Account)
}

func TestLimits(t *testing.T) {
	t.Parallel()

	one := record("01", "", "", "0000000000000{") + record("07", "", "", "0000000000000{")
	_, _, err := readFile(strings.Repeat(one, statement.MaxStatements))
	require.NoError(t, err)
	_, lines, err := readFile(strings.Repeat(one, statement.MaxStatements+2))
	require.ErrorContains(t, err, "1 fault: line 8001: account is beyond the limit of 4000 statements")
	require.Len(t, lines, statement.MaxStatements)

	movements := strings.Repeat(record("04", "06", "x", "0000000000000A")+record("04", "06", "x", "0000000000000J"), statement.MaxLines/2)
	file := one[:121] + movements
	_, lines, err = readFile(file + one[121:])
	require.NoError(t, err)
	require.Len(t, lines[0], statement.MaxLines)
	_, lines, err = readFile(file + movements[:242] + one[121:])
	require.ErrorContains(t, err, "1 fault: line 200002: is beyond the limit of 200000 lines")
	require.Len(t, lines[0], statement.MaxLines)
}

func TestReadEndsWithTheErrorOfItsEnds(t *testing.T) {
	t.Parallel()

	broken, day := errors.New("no room"), date(t, "2026-03-17")

	for _, format := range formats() {
		file := write(t, format, stated(ledger.Reglement, 1, day, day, 0,
			message.Entry{ID: "B", Label: "x", Amount: 1, BookedOn: day, ValueOn: day}))

		for _, handler := range []statement.Handler{
			{Begin: func(statement.Statement) error { return broken }}, {Line: func(statement.Line) error { return broken }},
			{End: func(statement.Statement) error { return broken }},
		} {
			_, err := statement.Read("releve", strings.NewReader(file), ours(), handler)
			require.ErrorIs(t, err, broken)
			require.ErrorContains(t, err, "read releve: ")
		}

		_, err := statement.Read("releve", strings.NewReader(file), ours(), statement.Handler{})
		require.NoError(t, err, "nobody need be told")

		_, err = statement.Read("releve", iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader(file))), ours(), statement.Handler{})
		require.ErrorIs(t, err, iotest.ErrTimeout)

		_, err = statement.Wanted(iotest.ErrReader(broken))
		require.ErrorIs(t, err, broken)
	}
}

// TestWhatTheBankWritesIsRead draws what a bank may say, and reads it in each format.
func TestWhatTheBankWritesIsRead(t *testing.T) {
	t.Parallel()

	first := date(t, "2026-03-16")
	accounts := []ledger.Code{ledger.Reglement, ledger.Cantonnement, ledger.Fonctionnement}

	rapid.Check(t, func(t *rapid.T) {
		format := rapid.SampledFrom(formats()).Draw(t, "format")
		balance := map[ledger.Code]money.Cents{ledger.Reglement: -500, ledger.Cantonnement: 1_000_000}
		closed := map[ledger.Code]calendar.Date{}
		number := map[ledger.Code]int{}

		var written []message.Statement

		for range rapid.IntRange(1, 6).Draw(t, "statements") {
			account := rapid.SampledFrom(accounts).Draw(t, "account")
			from := closed[account]

			if from.IsZero() {
				from = first
			}

			day := from.AddDays(rapid.IntRange(0, 3).Draw(t, "days"))
			entries := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) message.Entry {
				return message.Entry{
					ID: rapid.StringMatching(`[A-C]{1,2}`).Draw(t, "id"), Label: rapid.StringMatching(`[A-Z0-9]{1,12}( [A-Z0-9]{1,12}){0,5}`).Draw(t, "label"),
					Amount:   money.Cents(rapid.Int64Range(-100_000, 100_000).Filter(func(n int64) bool { return n != 0 }).Draw(t, "amount")),
					BookedOn: day, ValueOn: day.AddDays(rapid.IntRange(-2, 2).Draw(t, "value")),
				}
			}), 0, 5).Draw(t, "entries")
			number[account]++
			made := stated(account, number[account], from, day, balance[account], entries...)
			made.ID = fmt.Sprintf("S%d", len(written))
			balance[account], closed[account] = made.Closing.Amount, day
			written = append(written, made)
		}

		read, lines, err := readFile(write(t, format, written...))
		require.NoError(t, err)
		require.Len(t, read.Statements, len(written))

		last := map[ledger.Code]statement.Statement{}

		for i, found := range read.Statements {
			want := &written[i]
			require.Equal(t, want.IBAN, ours()[found.Account])
			require.Equal(t, []any{want.Opening.Amount, want.Closing.Amount, want.Closing.Date, len(want.Entries)},
				[]any{found.Opening, found.Closing, found.Date, found.Lines})

			if before, known := last[found.Account]; known {
				require.NoError(t, statement.Continuity(before, found))

				if found.Number > 0 { // days without movements are alike where there are no numbers
					require.Error(t, statement.Continuity(found, before), "never both ways")
				}
			}

			last[found.Account] = found
			requireLines(t, found, want.Entries, lines[i])
		}
	})
}

func requireLines(t require.TestingT, in statement.Statement, written []message.Entry, read []statement.Line) {
	seen := map[string]bool{}

	for i := range read {
		require.Equal(t, i+1, read[i].Ordinal)
		require.Equal(t, []any{written[i].Label, written[i].Amount}, []any{read[i].Label, read[i].Amount})
		require.True(t, read[i].ValueAt.Equal(written[i].ValueOn.Midnight()))

		id := in.Identify(read[i])
		require.False(t, seen[id])
		require.LessOrEqual(t, len(id), statement.MaxID)

		seen[id] = true
	}
}

// TestRealFiles reads what real banks wrote, of accounts that are made ours.
func TestRealFiles(t *testing.T) {
	t.Parallel()

	folder := os.Getenv("REGLO_TEST_BANK_SAMPLES")
	if folder == "" {
		t.Skip("REGLO_TEST_BANK_SAMPLES is not set")
	}

	french := func(bank, branch, account string) string {
		number := bank + branch + account + "00"

		return "FR" + iban.CheckDigits("FR", number) + number
	}

	for name, test := range map[string]struct {
		accounts          statement.Accounts
		statements, lines int
	}{
		"camt/FI_camt_053_sample.xml.xml": {statement.Accounts{ledger.Reglement: "FI7433010001222090"}, 1, 10},
		"cfonb/simple-test.txt":           {statement.Accounts{ledger.Reglement: french("10278", "02204", "00012345603")}, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			file, err := os.Open(filepath.Join(folder, name))
			require.NoError(t, err)

			defer func() { require.NoError(t, file.Close()) }()

			lines := 0
			read, err := statement.Read(name, file, test.accounts, statement.Handler{Line: func(line statement.Line) error {
				lines++

				require.NotEmpty(t, line.Label)

				return nil
			}})
			require.NoError(t, err)
			require.Len(t, read.Statements, test.statements)
			require.Equal(t, test.lines, lines)
		})
	}
}
