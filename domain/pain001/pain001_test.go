package pain001_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/pain001"
	"github.com/reglo/reglo/domain/sepa"
	"github.com/reglo/reglo/domain/transfer"
)

// reference is the order of the OG-EP reference.
func reference(t require.TestingT, version pain001.Version) *file {
	monext := func(account string) transfer.Party {
		return transfer.Party{Name: "MONEXT", BIC: "CMBRFR2BARK", IBAN: account}
	}
	debtor := monext("FR7615589297530028192724246")
	made := &file{
		format: pain001.Format{Version: version, BatchBooking: true},
		blocks: []block{{
			Block: pain001.Block{Debtor: debtor, DueDate: dueDate(t, "2017-06-27")},
			payments: []transfer.Payment{{
				EndToEndID: strings.ReplaceAll("af0dd152-3159-11ea-b6f8-7c2a3123212b", "-", ""),
				RefExterne: "af0dd152-3159-11ea-b6f8-7c2a3123212b-1578407231973", Amount: 731, Debtor: debtor,
				Creditor: monext("FR7615589297530028192724052"), Info: "COMCO   CB15:27:11",
			}},
		}},
	}
	made.total()
	made.message.Initiator = "MONEXT"

	return made
}

func TestTheOrderOfTheReference(t *testing.T) {
	t.Parallel()

	for version, digest := range map[pain001.Version]string{
		pain001.V03: "16a1e3255f825f074447119b7f90857b01db113047a64ffadcbd0d2cca3cbaf2",
		pain001.V09: "cb7056433cac0d08491124fc9a55baa91818be386924dd7a3eb19cdcd44417b6",
	} {
		want, err := os.ReadFile("testdata/" + string(version) + ".xml")
		require.NoError(t, err)

		got, summary := reference(t, version).written(t)
		require.Equal(t, string(want), string(got))
		require.Equal(t, digest, hex.EncodeToString(summary.SHA256[:]))
		require.Equal(t, sepa.Report{}, summary.Replaced)
	}
}

func TestTheAccountsOfTheReferenceHaveTheirRIBKeys(t *testing.T) {
	t.Parallel()
	require.NoError(t, iban.CheckSEPA("FR7615589297530028192724246"))
	require.NoError(t, iban.CheckSEPA("FR7615589297530028192724052"))
}

func TestISOsSchemasTakeTheFiles(t *testing.T) {
	t.Parallel()

	for _, version := range versions() {
		for _, size := range []struct{ blocks, orders int }{{1, 1}, {1, 10}, {10, 1}, {1, 100_000}, {2_000, 50}, {pain001.MaxBlocks, 1}} {
			for _, format := range []pain001.Format{
				{Version: version},
				{Version: version, BatchBooking: true},
				{Version: version, OneBlock: true},
			} {
				const many = 10_000 // orders: files of more take seconds, and differ from those of fewer by their size only

				if format.OneBlock && size.blocks > 1 || size.blocks*size.orders > many && !format.BatchBooking {
					continue
				}

				t.Run(fmt.Sprintf("%+v %+v", format, size), func(t *testing.T) {
					t.Parallel()

					if os.Getenv(schemasEnv) == "" {
						t.Skip("no folder of ISO's schemas in " + schemasEnv)
					}

					content, _ := newFile(t, format, size.blocks, size.orders).written(t)
					validate(t, version, content)
				})
			}
		}
	}
}

func drawnText(t *rapid.T, label string) string {
	return rapid.OneOf(rapid.String(), rapid.StringMatching(`[A-Z é&<>"'/_ŒßŁ€\x{301}\x{a0}]{0,200}`),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 200), func(raw []byte) string { return string(raw) })).Draw(t, label)
}

func drawnName(t *rapid.T, label string) string {
	text := drawnText(t, label)
	if isBlank(text) {
		return "X" + text
	}

	return text
}

func drawnParty(t *rapid.T, label string) transfer.Party {
	account := rapid.SampledFrom([]string{
		iban.French(30_006, rapid.IntRange(0, 99_999).Draw(t, label+" branch"), rapid.IntRange(0, 99_999_999_999).Draw(t, label+" account")),
		"DE89370400440532013000", "BE68539007547034", "MC5811222000010123456789030", "NO9386011117947",
	}).Draw(t, label+" IBAN")

	return transfer.Party{
		Name: drawnName(t, label+" name"), IBAN: account,
		BIC: rapid.SampledFrom([]string{"", "TESTFRPP", "CMBRFR2BARK", "DEUTDEFF500"}).Draw(t, label+" BIC"),
	}
}

// drawnFile is any file that a writer takes, of few orders.
func drawnFile(t *rapid.T) *file {
	made := &file{format: pain001.Format{
		Version:      rapid.SampledFrom(versions()).Draw(t, "version"),
		BatchBooking: rapid.Bool().Draw(t, "batch booking"), OneBlock: rapid.Bool().Draw(t, "one block"),
	}}
	blocks, n := rapid.IntRange(1, 4).Draw(t, "blocks"), 0

	if made.format.OneBlock {
		blocks = 1
	}

	for range blocks {
		debtor := drawnParty(t, "debtor")
		day := calendar.RollForward(calendar.Target{}, dueDate(t, "2026-01-01").AddDays(rapid.IntRange(0, 3_000).Draw(t, "day")))
		one := block{Block: pain001.Block{Debtor: debtor, DueDate: day}}

		for range rapid.IntRange(1, 6).Draw(t, "orders") {
			n++

			if made.format.OneBlock {
				debtor = drawnParty(t, "ultimate debtor")
				if rapid.Bool().Draw(t, "of the account's holder") {
					debtor.Name = reglement().Name
				}
			}

			one.payments = append(one.payments, transfer.Payment{
				EndToEndID: fmt.Sprintf("%s%d", rapid.StringMatching(`[a-zA-Z0-9:?(),.'+-]{1,20}/`).Draw(t, "EndToEndId"), n),
				Amount:     money.Cents(rapid.Int64Range(1, 99_999_999_999).Draw(t, "amount")),
				Debtor:     debtor, Creditor: drawnParty(t, "creditor"), Info: drawnText(t, "info"),
			})
		}

		made.blocks = append(made.blocks, one)
	}

	return made.total()
}

func isBlank(text string) bool { return strings.TrimSpace(text) == "" }

func carried(text string, limit int) string {
	written, _ := sepa.Append(nil, text, limit)

	return string(written)
}

func TestAFileReadsBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		given := drawnFile(t)
		content, _ := given.written(t)
		got := read(t, content)

		require.Equal(t, "urn:iso:std:iso:20022:tech:xsd:"+string(given.format.Version), got.XMLName.Space)
		require.Equal(t, "Document", got.XMLName.Local)
		require.Equal(t, given.message.ID, got.Message.ID)
		require.True(t, given.message.CreatedAt.Truncate(time.Second).Equal(got.Message.CreatedAt))
		require.Equal(t, given.message.Orders, got.Message.Orders)
		require.Equal(t, given.message.Sum.String(), got.Message.Sum)
		require.Equal(t, given.message.Initiator, got.Message.Initiator.Name)
		require.Len(t, got.Message.Blocks, len(given.blocks))

		for i := range given.blocks {
			requireBlock(t, given, &given.blocks[i], &got.Message.Blocks[i])
		}
	})
}

func requireBlock(t *rapid.T, given *file, want *block, got *readBlock) {
	debtor := want.Debtor
	if given.format.OneBlock {
		debtor = given.message.Account
	}

	require.Equal(t, "TRF SEPA SLEV", strings.Join([]string{got.Method, got.Level, got.Charges}, " "))
	require.Equal(t, strconv.FormatBool(given.format.BatchBooking), got.BatchBooking)
	require.Equal(t, want.Orders, got.Orders)
	require.Equal(t, want.Sum.String(), got.Sum)
	require.Equal(t, carried(debtor.Name, 70), got.Debtor.Name)
	require.Equal(t, debtor.IBAN, got.IBAN)
	require.Equal(t, debtor.BIC == "", got.Agent.Provided == "NOTPROVIDED")
	requireAgent(t, given.format.Version, debtor.BIC, &got.Agent)

	if given.format.Version == pain001.V03 {
		require.Equal(t, want.DueDate.String(), got.DueDate.Text)
		require.Empty(t, got.DueDate.Date)
	} else {
		require.Equal(t, want.DueDate.String(), got.DueDate.Date)
		require.Empty(t, got.DueDate.Text)
	}

	require.Len(t, got.Payment, len(want.payments))

	for i := range want.payments {
		requireOrder(t, given, debtor.Name, &want.payments[i], &got.Payment[i])
	}
}

func requireAgent(t *rapid.T, version pain001.Version, bic string, got *readAgent) {
	if version == pain001.V03 {
		require.Equal(t, bic, got.BIC)
		require.Empty(t, got.BICFI)
	} else {
		require.Equal(t, bic, got.BICFI)
		require.Empty(t, got.BIC)
	}
}

func requireOrder(t *rapid.T, given *file, debtor string, want *transfer.Payment, got *readOrder) {
	require.Equal(t, want.EndToEndID, got.EndToEndID)
	require.Equal(t, "EUR", got.Amount.Currency)
	require.Equal(t, want.Amount.String(), got.Amount.Value)
	require.Equal(t, carried(want.Creditor.Name, 70), got.Creditor.Name)
	require.Equal(t, want.Creditor.IBAN, got.IBAN)
	require.Equal(t, want.Creditor.BIC != "", got.Agent != nil)

	if got.Agent != nil {
		requireAgent(t, given.format.Version, want.Creditor.BIC, got.Agent)
	}

	if given.format.OneBlock && want.Debtor.Name != debtor {
		require.NotNil(t, got.UltimateDebtor)
		require.Equal(t, carried(want.Debtor.Name, 70), got.UltimateDebtor.Name)
	} else {
		require.Nil(t, got.UltimateDebtor)
	}

	if isBlank(want.Info) {
		require.Empty(t, got.Info)
	} else {
		require.Equal(t, []string{carried(want.Info, 140)}, got.Info)
	}
}

func TestTheSameOrdersGiveTheSameBytes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		given := drawnFile(t)
		once, _ := given.written(t)
		given.message.CreatedAt = given.message.CreatedAt.UTC().Truncate(time.Second)
		again, _ := given.written(t)
		require.Equal(t, string(once), string(again))

		given.message.CreatedAt = given.message.CreatedAt.Add(time.Second)
		other, _ := given.written(t)
		require.NotEqual(t, string(once), string(other))
	})
}

// TestISOsSchemasTakeAnyText writes many drawn files of texts of all kinds, and has xmllint judge one that holds them all.
func TestISOsSchemasTakeAnyText(t *testing.T) {
	t.Parallel()

	for _, version := range versions() {
		t.Run(string(version), func(t *testing.T) {
			t.Parallel()

			all := newFile(t, pain001.Format{Version: version, OneBlock: true}, 1, 1)
			rapid.Check(t, func(t *rapid.T) {
				one := payment(len(all.blocks[0].payments)+1, drawnParty(t, "debtor"))
				one.Creditor, one.Info = drawnParty(t, "creditor"), drawnText(t, "info")
				all.blocks[0].payments = append(all.blocks[0].payments, one)
			})

			content, _ := all.total().written(t)
			validate(t, version, content)
		})
	}
}

func TestBlocksAreNumbered(t *testing.T) {
	t.Parallel()

	content, _ := newFile(t, pain001.Format{Version: pain001.V03}, 40, 1).written(t)
	blocks := read(t, content).Message.Blocks

	for n, want := range map[int]string{0: bulkID, 1: bulkID + "001", 35: bulkID + "00z", 36: bulkID + "010", 39: bulkID + "013"} {
		require.Equal(t, want, blocks[n].ID)
	}
}

// TestEachOrderHasALine covers what a gate's refusal names an order by.
func TestEachOrderHasALine(t *testing.T) {
	t.Parallel()

	var content bytes.Buffer

	given := newFile(t, pain001.Format{Version: pain001.V09}, 3, 4)
	lines := make(map[string]int)
	writer, err := pain001.NewWriter(&content, given.format, given.message)
	require.NoError(t, err)

	for _, block := range given.blocks {
		require.NoError(t, writer.Begin(block.Block))

		for _, payment := range block.payments {
			lines[payment.EndToEndID] = writer.Line()
			require.NoError(t, writer.Write(payment))
		}
	}

	_, err = writer.Close()
	require.NoError(t, err)
	require.Len(t, lines, 12)

	written := strings.Split(content.String(), "\n")
	for id, line := range lines {
		require.Contains(t, written[line-1], "<EndToEndId>"+id+"</EndToEndId>")
		require.True(t, strings.HasPrefix(written[line-1], "<CdtTrfTxInf>"))
		require.True(t, strings.HasSuffix(written[line-1], "</CdtTrfTxInf>"))
	}
}

func TestTheInstantIsThatOfParis(t *testing.T) {
	t.Parallel()

	for instant, want := range map[string]string{
		"2026-07-01T22:30:00.999Z":      "2026-07-02T00:30:00+02:00",
		"2026-01-01T00:00:00Z":          "2026-01-01T01:00:00+01:00",
		"2026-10-25T00:59:59Z":          "2026-10-25T02:59:59+02:00",
		"2026-10-25T01:00:00Z":          "2026-10-25T02:00:00+01:00",
		"2026-10-25T03:00:00.5+02:00":   "2026-10-25T02:00:00+01:00",
		"0001-06-01T12:00:00Z":          "0001-06-01T12:09:21+00:09",
		"9999-12-31T22:59:59.999999Z":   "9999-12-31T23:59:59+01:00",
		"2026-03-17T10:00:00.4999-1130": "",
	} {
		at, err := time.Parse(time.RFC3339Nano, instant)
		if want == "" {
			require.Error(t, err)

			continue
		}

		require.NoError(t, err)

		given := newFile(t, pain001.Format{Version: pain001.V03}, 1, 1)
		given.message.CreatedAt = at
		content, _ := given.written(t)
		require.Contains(t, string(content), "<CreDtTm>"+want+"</CreDtTm>")
	}
}

func TestWhatIsReplacedIsReported(t *testing.T) {
	t.Parallel()

	given := newFile(t, pain001.Format{Version: pain001.V09, OneBlock: true}, 1, 3)
	given.message.Account.Name = "Société"
	given.message.Initiator = "É"
	payments := given.blocks[0].payments
	payments[0].Debtor.Name = "Élise & Fils"
	payments[1].Creditor.Name = strings.Repeat("Œ", 40)
	payments[1].Info = " \t "
	payments[2].Info = strings.Repeat("x", 141)

	content, summary := given.written(t)
	require.Equal(t, sepa.Report{
		Texts: []sepa.Replacement{
			{Field: "InitgPty/Nm", Change: sepa.Change{Replaced: 1}},
			{Field: "Dbtr/Nm", Change: sepa.Change{Replaced: 2}},
			{EndToEndID: payments[0].EndToEndID, Field: "UltmtDbtr/Nm", Change: sepa.Change{Replaced: 2}},
			{EndToEndID: payments[1].EndToEndID, Field: "Cdtr/Nm", Change: sepa.Change{Replaced: 40, Cut: 10}},
			{EndToEndID: payments[2].EndToEndID, Field: "RmtInf/Ustrd", Change: sepa.Change{Cut: 1}},
		},
		Count: 5, Replaced: 45, Cut: 11,
	}, summary.Replaced)
	require.Contains(t, string(content), "<UltmtDbtr><Nm>Elise + Fils</Nm></UltmtDbtr>")
	require.Equal(t, 2, strings.Count(string(content), "<Ustrd>"))
}

func TestWhatIsRefused(t *testing.T) {
	t.Parallel()

	const second = "of order 2, EndToEndId P260317000000002, "

	plain := func(change func(given *file)) func(*file) { return change }
	order := func(change func(one *transfer.Payment)) func(*file) {
		return func(given *file) { change(&given.blocks[0].payments[1]) }
	}
	begin := func(change func(one *pain001.Block)) func(*file) {
		return func(given *file) { change(&given.blocks[1].Block) }
	}

	for name, test := range map[string]struct {
		change      func(given *file)
		code        fault.Code
		line        int
		field, says string
	}{
		"another version": {plain(func(f *file) { f.format.Version = "pain.001.001.11" }), fault.CodeFormat, 0, "Document", "pain.001.001.09"},
		"an id too long":  {plain(func(f *file) { f.message.ID = strings.Repeat("a", 36) }), fault.CodePattern, 0, "MsgId", "1 to 35"},
		"an id of dashes and two slashes": {
			plain(func(f *file) { f.message.ID = "a//b" }), fault.CodePattern, 0, "MsgId", "'//'",
		},
		"no instant":          {plain(func(f *file) { f.message.CreatedAt = time.Time{} }), fault.CodeDate, 0, "CreDtTm", "instant"},
		"a year beyond":       {plain(func(f *file) { f.message.CreatedAt = time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC) }), fault.CodeDate, 0, "CreDtTm", "9999"},
		"no orders":           {plain(func(f *file) { f.message.Orders = 0 }), fault.CodeTrailerCount, 0, "NbOfTxs", "500000"},
		"too many orders":     {plain(func(f *file) { f.message.Orders = pain001.MaxOrders + 1 }), fault.CodeTrailerCount, 0, "NbOfTxs", "500000"},
		"no sum":              {plain(func(f *file) { f.message.Sum = 0 }), fault.CodeAmount, 0, "CtrlSum", "above zero"},
		"a sum beyond":        {plain(func(f *file) { f.message.Sum = money.Max + 1 }), fault.CodeAmount, 0, "CtrlSum", "999999999999.99"},
		"no initiator":        {plain(func(f *file) { f.message.Initiator = " " }), fault.CodeMissing, 0, "InitgPty/Nm", "filled"},
		"more orders":         {plain(func(f *file) { f.message.Orders++ }), fault.CodeTrailerCount, 12, "NbOfTxs", "of the file says 5 orders, and 4 were given"},
		"fewer orders":        {plain(func(f *file) { f.message.Orders-- }), fault.CodeTrailerCount, 8, "NbOfTxs", "of block 2 brings the orders beyond the 3 of the file"},
		"another sum":         {plain(func(f *file) { f.message.Sum++ }), fault.CodeTrailerSum, 12, "CtrlSum", "of the file says 0.15 EUR, and the orders come to 0.14"},
		"no block":            {plain(func(f *file) { f.blocks = nil }), fault.CodeTrailerCount, 4, "NbOfTxs", "4 orders, and 0 were given"},
		"a lost order":        {plain(func(f *file) { f.blocks[0].payments = f.blocks[0].payments[:1] }), fault.CodeTrailerCount, 7, "NbOfTxs", "of block 1 says 2 orders, and 1 were given"},
		"an order too many":   {plain(func(f *file) { f.blocks[1].payments = append(f.blocks[1].payments, payment(9, merchant(1))) }), fault.CodeTrailerCount, 11, "NbOfTxs", "of order 5, EndToEndId P260317000000009, is beyond the 2 orders of its block"},
		"a second block":      {plain(func(f *file) { f.format.OneBlock, f.message.Account = true, merchant(0) }), fault.CodeTooManyLines, 8, "PmtInf", "of block 2 is beyond the one"},
		"no room for a block": {plain(func(f *file) { f.message.ID += "x" }), fault.CodeTooLong, 8, "PmtInfId", "of 32"},
		"no account":          {plain(func(f *file) { f.format.OneBlock = true }), fault.CodeMissing, 0, "Dbtr/Nm", "settings"},
		"another account": {
			plain(func(f *file) { f.format.OneBlock, f.message.Account = true, reglement() }), fault.CodeIBAN, 4, "DbtrAcct/Id/IBAN", "of block 1 must be the account of the message",
		},

		"a block of nothing":    {begin(func(b *pain001.Block) { b.Orders = 0 }), fault.CodeTrailerCount, 8, "NbOfTxs", "of block 2 must be 1 or more"},
		"a block of no money":   {begin(func(b *pain001.Block) { b.Sum = 0 }), fault.CodeAmount, 8, "CtrlSum", "of block 2 must be above zero"},
		"a block's other sum":   {begin(func(b *pain001.Block) { b.Sum++ }), fault.CodeTrailerSum, 12, "CtrlSum", "of block 2 says 0.10 EUR, and the orders come to 0.09"},
		"a Saturday":            {begin(func(b *pain001.Block) { b.DueDate = dueDate(t, "2026-03-21") }), fault.CodeDate, 8, "ReqdExctnDt", "of block 2 must be a day on which TARGET settles"},
		"Easter Monday":         {begin(func(b *pain001.Block) { b.DueDate = dueDate(t, "2026-04-06") }), fault.CodeDate, 8, "ReqdExctnDt", "TARGET"},
		"no day":                {begin(func(b *pain001.Block) { b.DueDate = calendar.Date{} }), fault.CodeDate, 8, "ReqdExctnDt", "TARGET"},
		"a block of nobody":     {begin(func(b *pain001.Block) { b.Debtor.Name = "" }), fault.CodeMissing, 8, "Dbtr/Nm", "of block 2 must be filled"},
		"a block's wrong IBAN":  {begin(func(b *pain001.Block) { b.Debtor.IBAN = "FR7630006000011234567890188" }), fault.CodeIBAN, 8, "DbtrAcct/Id/IBAN", "of block 2 has wrong check digits"},
		"an account of another": {begin(func(b *pain001.Block) { b.Debtor = merchant(7) }), fault.CodeIBAN, 9, "DbtrAcct/Id/IBAN", "of order 3, EndToEndId P260317000000003, is not the account that its block debits"},

		"no identifier":              {order(func(p *transfer.Payment) { p.EndToEndID = "" }), fault.CodePattern, 6, "EndToEndId", "of order 2 must have 1 to 35"},
		"an identifier too long":     {order(func(p *transfer.Payment) { p.EndToEndID = strings.Repeat("1", 36) }), fault.CodePattern, 6, "EndToEndId", "of order 2 must have 1 to 35"},
		"an identifier with accents": {order(func(p *transfer.Payment) { p.EndToEndID = "Élise" }), fault.CodePattern, 6, "EndToEndId", "of order 2 must have no other characters"},
		"an identifier with slashes": {order(func(p *transfer.Payment) { p.EndToEndID = "/1" }), fault.CodePattern, 6, "EndToEndId", "of order 2 must neither begin"},
		"an identifier twice":        {order(func(p *transfer.Payment) { p.EndToEndID = "P260317000000001" }), fault.CodeDuplicate, 6, "EndToEndId", "of order 2, EndToEndId P260317000000001, stands in the file already"},
		"no amount":                  {order(func(p *transfer.Payment) { p.Amount = 0 }), fault.CodeAmount, 6, "InstdAmt", second + "must be 0.01 to 999999999.99 EUR"},
		"an amount below zero":       {order(func(p *transfer.Payment) { p.Amount = -1 }), fault.CodeAmount, 6, "InstdAmt", second},
		"an amount beyond":           {order(func(p *transfer.Payment) { p.Amount = 100_000_000_000 }), fault.CodeAmount, 6, "InstdAmt", second},
		"nobody":                     {order(func(p *transfer.Payment) { p.Creditor.Name = "\u00a0" }), fault.CodeMissing, 6, "Cdtr/Nm", second + "must be filled"},
		"no IBAN":                    {order(func(p *transfer.Payment) { p.Creditor.IBAN = "" }), fault.CodeIBAN, 6, "CdtrAcct/Id/IBAN", second + "must be two capital letters"},
		"wrong check digits":         {order(func(p *transfer.Payment) { p.Creditor.IBAN = "FR7630006000011234567890188" }), fault.CodeIBAN, 6, "CdtrAcct/Id/IBAN", second + "has wrong check digits"},
		"a wrong RIB key":            {order(func(p *transfer.Payment) { p.Creditor.IBAN = wrongRIBKey() }), fault.CodeIBAN, 6, "CdtrAcct/Id/IBAN", second + "has a wrong RIB key"},
		"an account outside SEPA":    {order(func(p *transfer.Payment) { p.Creditor.IBAN = "TR330006100519786457841326" }), fault.CodeIBAN, 6, "CdtrAcct/Id/IBAN", second + "is of a country outside SEPA"},
		"nobody's order in one block": {func(f *file) {
			f.format.OneBlock, f.message.Account = true, f.blocks[0].Debtor
			f.blocks[0].payments[1].Debtor.Name = ""
		}, fault.CodeMissing, 6, "UltmtDbtr/Nm", second + "must be filled"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			given := newFile(t, pain001.Format{Version: pain001.V03}, 2, 2)
			test.change(given)

			_, err := given.write(io.Discard)
			found, refused := errors.AsType[*fault.Fault](err)
			require.True(t, refused, "%v", err)
			require.Equal(t, test.code, found.Code, "%v", err)
			require.Equal(t, test.field, found.Field, "%v", err)
			require.Equal(t, test.line, found.Line, "%v", err)
			require.Contains(t, found.Reason, test.says)

			for _, secret := range []string{"FR76", "TR33", "MARCHAND", "CREDITEUR", "TEST", "REGLEMENT", "Élise"} {
				require.NotContains(t, err.Error(), secret)
			}
		})
	}
}

// wrongRIBKey has right check digits around a RIB with a wrong key.
func wrongRIBKey() string {
	const account = "30006000011234567890188"

	return "FR" + iban.CheckDigits("FR", account) + account
}

func TestAnIBANIsNoIdentifierToShow(t *testing.T) {
	t.Parallel()

	given := newFile(t, pain001.Format{Version: pain001.V09}, 1, 1)
	given.blocks[0].payments[0].EndToEndID = merchant(1).IBAN
	given.blocks[0].payments[0].Amount = 0

	_, err := given.write(io.Discard)
	require.ErrorContains(t, err, "InstdAmt of order 1 must be")
	require.NotContains(t, err.Error(), "FR76")
}

func TestBICsThatAVersionDoesNotHoldAreLeftOut(t *testing.T) {
	t.Parallel()

	for code, holds := range map[string][]pain001.Version{
		"TESTFR2P": {pain001.V03, pain001.V09}, "TESTFR0O": {pain001.V09}, "TESTFR0P": {pain001.V09}, "TESTFR2O": {pain001.V09},
		"TESTFRP": nil, "TEST": nil, "TESTXQ2P": nil,
	} {
		for _, version := range []pain001.Version{pain001.V03, pain001.V09} {
			given := newFile(t, pain001.Format{Version: version}, 1, 1)
			given.blocks[0].Debtor.BIC, given.blocks[0].payments[0].Creditor.BIC = code, code

			content, _ := given.written(t)
			held := slices.Contains(holds, version)
			require.Equal(t, held, bytes.Contains(content, []byte(">"+code+"</BIC")), "%s in %s", code, version)
			require.Equal(t, !held, bytes.Contains(content, []byte("NOTPROVIDED")), "%s in %s", code, version)
			validate(t, version, content)
		}
	}
}

func TestTooManyBlocks(t *testing.T) {
	t.Parallel()

	given := newFile(t, pain001.Format{Version: pain001.V03}, pain001.MaxBlocks+1, 1)
	_, err := given.write(io.Discard)
	require.ErrorContains(t, err, "PmtInf of block 46657 is beyond 46656 blocks")
}

func TestAWriterThatFailedStaysSo(t *testing.T) {
	t.Parallel()

	given := newFile(t, pain001.Format{Version: pain001.V03}, 1, 2)
	writer, err := pain001.NewWriter(io.Discard, given.format, given.message)
	require.NoError(t, err)
	require.NoError(t, writer.Begin(given.blocks[0].Block))

	good, bad := given.blocks[0].payments[0], given.blocks[0].payments[1]
	bad.Amount = 0
	failed := writer.Write(bad)
	require.Error(t, failed)
	require.Equal(t, failed, writer.Write(good))
	require.Equal(t, failed, writer.Begin(given.blocks[0].Block))

	_, err = writer.Close()
	require.Equal(t, failed, err)
}

func TestAFileIsEndedOnce(t *testing.T) {
	t.Parallel()

	given := newFile(t, pain001.Format{Version: pain001.V03}, 1, 1)
	writer, err := pain001.NewWriter(io.Discard, given.format, given.message)
	require.NoError(t, err)
	require.NoError(t, writer.Begin(given.blocks[0].Block))
	require.NoError(t, writer.Write(given.blocks[0].payments[0]))

	_, err = writer.Close()
	require.NoError(t, err)

	_, err = writer.Close()
	require.ErrorIs(t, err, pain001.ErrEnded)
	require.ErrorIs(t, writer.Write(given.blocks[0].payments[0]), pain001.ErrEnded)
	require.ErrorIs(t, writer.Begin(given.blocks[0].Block), pain001.ErrEnded)
}

// full takes that many bytes.
type full struct{ room int }

func (f *full) Write(bytes []byte) (int, error) {
	if len(bytes) > f.room {
		return 0, io.ErrShortWrite
	}

	f.room -= len(bytes)

	return len(bytes), nil
}

func TestADestinationThatIsFull(t *testing.T) {
	t.Parallel()

	for _, room := range []int{0, 1_000, 100_000} {
		_, err := newFile(t, pain001.Format{Version: pain001.V03}, 1, 1_000).write(&full{room: room})
		require.ErrorIs(t, err, io.ErrShortWrite)
		require.ErrorContains(t, err, "write "+bulkID)
	}
}
