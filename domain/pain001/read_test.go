package pain001_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/pain001"
)

// told is what is told of a file.
type told struct {
	message pain001.Message
	blocks  []pain001.Instruction
	orders  [][]pain001.Order
	file    pain001.File
}

func readBack(content io.Reader) (got told, err error) {
	got.file, err = pain001.Read("ORDERS.xml", content, pain001.Handler{
		Begin: func(message pain001.Message) error {
			got.message = message

			return nil
		},
		Block: func(block pain001.Instruction) error {
			got.blocks = append(got.blocks, block)
			got.orders = append(got.orders, nil)

			return nil
		},
		Order: func(order pain001.Order) error {
			got.orders[len(got.orders)-1] = append(got.orders[len(got.orders)-1], order)

			return nil
		},
	})

	return got, err
}

func TestReadGivesBackWhatWasWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		given := drawnFile(t)
		content, written := given.written(t)

		got, err := readBack(bytes.NewReader(content))
		require.NoError(t, err)

		want := given.message
		want.CreatedAt, want.Account = got.message.CreatedAt, got.message.Account
		require.Equal(t, want, got.message)
		require.Equal(t, createdAt().Unix(), got.message.CreatedAt.Unix())
		require.Equal(t, pain001.File{
			Version: given.format.Version, Message: got.message, Blocks: written.Blocks, SHA256: written.SHA256, Bytes: written.Bytes,
		}, got.file)
		require.Len(t, got.blocks, len(given.blocks))

		for n := range given.blocks {
			taken, block, orders := given.taken(n), got.blocks[n], got.orders[n]
			require.Equal(t, given.blocks[n].Orders, block.Orders)
			require.Equal(t, given.blocks[n].Sum, block.Sum)
			require.Equal(t, given.blocks[n].DueDate, block.DueDate)
			require.Equal(t, given.format.BatchBooking, block.BatchBooking)
			require.Equal(t, taken.Debtor.Name, block.Debtor.Name)
			require.Equal(t, taken.Debtor.IBAN, block.Debtor.IBAN)
			require.Equal(t, taken.Debtor.BIC, block.Debtor.BIC)

			place, is := pain001.BlockOf(bulkID, block.ID)
			require.True(t, is)
			require.Equal(t, n, place)
			require.Len(t, orders, len(taken.Payments))

			for i, payment := range taken.Payments {
				order := orders[i]
				require.Equal(t, payment.EndToEndID, order.EndToEndID)
				require.Equal(t, payment.Amount, order.Amount)
				require.Equal(t, payment.Info, order.Info)
				require.Equal(t, payment.Creditor.Name, order.Creditor.Name)
				require.Equal(t, payment.Creditor.IBAN, order.Creditor.IBAN)
				require.Equal(t, payment.Creditor.BIC, order.Creditor.BIC)
				require.Equal(t, block.Debtor.IBAN, order.Debtor.IBAN)

				if payment.UltimateDebtor != "" {
					require.Equal(t, payment.UltimateDebtor, order.Debtor.Name)
				}

				require.Contains(t, strings.Split(string(content), "\n")[order.Line-1], "<EndToEndId>"+order.EndToEndID+"</EndToEndId>")
			}
		}
	})
}

// two is a file of two blocks of two orders each.
func two(t require.TestingT, version pain001.Version) string {
	content, _ := newFile(t, pain001.Format{Version: version}, 2, 2).written(t)

	return string(content)
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()

	const (
		block = "/PmtInf"
		order = block + "/CdtTrfTxInf"
		head  = "/GrpHdr"
	)

	good := two(t, pain001.V03)
	debtor := merchant(0).IBAN
	creditor := payment(1, merchant(0)).Creditor.IBAN

	for name, test := range map[string]struct {
		old, text string // the first is replaced
		want      []string
	}{
		"another version":         {"pain.001.001.03", "pain.001.001.08", []string{"FORMAT 2 Document"}},
		"another message":         {"pain.001.001.03", "camt.053.001.08", []string{"FORMAT 2 Document"}},
		"no reference":            {"<MsgId>" + bulkID + "</MsgId>", "", []string{"MISSING 3 " + head + "/MsgId"}},
		"a reference of nothing":  {"<MsgId>" + bulkID, "<MsgId>", []string{"PATTERN 3 " + head + "/MsgId"}},
		"no such instant":         {"2020-01-07T15", "2020-01-07T25", []string{"DATE 3 " + head + "/CreDtTm"}},
		"another number":          {"<NbOfTxs>4<", "<NbOfTxs>5<", []string{"TRAILER_COUNT 3 " + head + "/NbOfTxs"}},
		"no number":               {"<NbOfTxs>4<", "<NbOfTxs>four<", []string{"TRAILER_COUNT 3 " + head + "/NbOfTxs"}},
		"another sum":             {"<CtrlSum>0.14<", "<CtrlSum>0.15<", []string{"TRAILER_SUM 3 " + head + "/CtrlSum"}},
		"no sum":                  {"<CtrlSum>0.14<", "<CtrlSum>0,14<", []string{"TRAILER_SUM 3 " + head + "/CtrlSum"}},
		"a block's number":        {"<NbOfTxs>2<", "<NbOfTxs>1<", []string{"TRAILER_COUNT 4 " + block + "/NbOfTxs"}},
		"a block's sum":           {"<CtrlSum>0.05<", "<CtrlSum>0.06<", []string{"TRAILER_SUM 4 " + block + "/CtrlSum"}},
		"a block twice":           {bulkID + "001", bulkID, []string{"DUPLICATE 8 " + block + "/PmtInfId"}},
		"a cheque":                {"TRF", "CHK", []string{"UNKNOWN 4 " + block + "/PmtMtd"}},
		"an urgent payment":       {">SEPA<", ">URGP<", []string{"UNKNOWN 4 " + block + "/PmtTpInf/SvcLvl/Cd"}},
		"booked 1":                {">false<", ">1<", []string{"UNKNOWN 4 " + block + "/BtchBookg"}},
		"no such day":             {"2026-03-17", "2026-02-30", []string{"DATE 4 " + block + "/ReqdExctnDt"}},
		"a Sunday":                {"2026-03-17", "2026-03-15", []string{"DATE 4 " + block + "/ReqdExctnDt"}},
		"who pays charges":        {"SLEV", "DEBT", []string{"UNKNOWN 4 " + block + "/ChrgBr"}},
		"no debtor's account":     {"<DbtrAcct><Id><IBAN>" + debtor + "</IBAN></Id></DbtrAcct>", "", []string{"MISSING 4 " + block + "/DbtrAcct"}},
		"the debtor's account":    {debtor, debtor[:26] + "X", []string{"IBAN 4 " + block + "/DbtrAcct/Id/IBAN"}},
		"the debtor's bank":       {"TESTFRPP", "TESTXXPP", []string{"PATTERN 4 " + block + "/DbtrAgt/FinInstnId/BIC"}},
		"no debtor's bank":        {"<BIC>TESTFRPP</BIC>", "", []string{"MISSING 4 " + block + "/DbtrAgt/FinInstnId/BIC"}},
		"another bank's word":     {"<BIC>TESTFRPP</BIC>", "<Othr><Id>X</Id></Othr>", []string{"UNKNOWN 4 " + block + "/DbtrAgt/FinInstnId/Othr/Id"}},
		"two debtor's banks":      {"<BIC>TESTFRPP</BIC>", "<BIC>TESTFRPP</BIC><Othr><Id>NOTPROVIDED</Id></Othr>", []string{"ELEMENT 4 " + block + "/DbtrAgt/FinInstnId"}},
		"a BIC for version 09":    {"TESTFRPPXXX", "TESTFR1PXXX", []string{"PATTERN 5 " + order + "/CdtrAgt/FinInstnId/BIC"}},
		"no EndToEndId":           {"<EndToEndId>P260317000000001</EndToEndId>", "", []string{"MISSING 5 " + order + "/PmtId/EndToEndId"}},
		"an EndToEndId twice":     {"P260317000000003", "P260317000000001", []string{"DUPLICATE 9 " + order + "/PmtId/EndToEndId"}},
		"two slashes":             {"P260317000000001", "P//1", []string{"PATTERN 5 " + order + "/PmtId/EndToEndId"}},
		"dollars":                 {`Ccy="EUR"`, `Ccy="USD"`, []string{"CURRENCY 5 " + order + "/Amt/InstdAmt"}},
		"no amount":               {">0.02<", "><", []string{"AMOUNT 5 " + order + "/Amt/InstdAmt"}},
		"nothing":                 {">0.02<", ">0.00<", []string{"AMOUNT 5 " + order + "/Amt/InstdAmt"}},
		"a third of a cent":       {">0.02<", ">0.023<", []string{"AMOUNT 5 " + order + "/Amt/InstdAmt"}},
		"more than SEPA carries":  {">0.02<", ">1000000000<", []string{"AMOUNT 5 " + order + "/Amt/InstdAmt"}},
		"an accent":               {"CREDITEUR 1<", "CRÉDITEUR 1<", []string{"PATTERN 5 " + order + "/Cdtr/Nm"}},
		"a name too long":         {"CREDITEUR 1<", strings.Repeat("C", 71) + "<", []string{"TOO_LONG 5 " + order + "/Cdtr/Nm"}},
		"no name":                 {"CREDITEUR 1<", "<", []string{"MISSING 5 " + order + "/Cdtr/Nm"}},
		"a free address":          {"CREDITEUR 1</Nm>", "CREDITEUR 1</Nm><PstlAdr><AdrLine>rue</AdrLine></PstlAdr>", []string{"MISSING 5 " + order + "/Cdtr/PstlAdr/TwnNm", "MISSING 5 " + order + "/Cdtr/PstlAdr/Ctry", "ELEMENT 5 " + order + "/Cdtr/PstlAdr/AdrLine"}},
		"the creditor's account":  {creditor, creditor[:26] + "X", []string{"IBAN 5 " + order + "/CdtrAcct/Id/IBAN"}},
		"an account out of reach": {creditor, "TR330006100519786457841326", []string{"IBAN 5 " + order + "/CdtrAcct/Id/IBAN"}},
		"an element twice":        {"<ChrgBr>", "<PmtMtd>TRF</PmtMtd><ChrgBr>", []string{"ELEMENT 4 " + block + "/PmtMtd"}},
		"an unknown element":      {"<ChrgBr>", "<UltmtDbtr><Nm>DUPONT</Nm></UltmtDbtr><ChrgBr>", []string{"ELEMENT 4 " + block + "/UltmtDbtr"}},
		"an element too late":     {"</PmtInf>", "<ChrgBr>SLEV</ChrgBr></PmtInf>", []string{"ELEMENT 7 " + block + "/ChrgBr"}},
		"an element in a text":    {"CREDITEUR 1<", "<b>CREDITEUR</b><", []string{"ELEMENT 5 " + order + "/Cdtr/Nm/b"}},
		"a second message":        {"</Document>", "<CstmrCdtTrfInitn/></Document>", []string{"ELEMENT 12 "}},
		"cut":                     {"</Document>", "", []string{"TRUNCATED 13 Document"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			bad := strings.Replace(good, test.old, test.text, 1)
			require.NotEqual(t, good, bad)

			_, err := readBack(strings.NewReader(bad))
			refused, isRefused := errors.AsType[*fault.Faults](err)
			require.True(t, isRefused, "%v", err)

			said := []string{}
			for _, found := range refused.Faults {
				require.Equal(t, "ORDERS.xml", found.File)
				require.NotEmpty(t, found.Reason)

				said = append(said, fmt.Sprintf("%s %d %s", found.Code, found.Line,
					strings.TrimPrefix(found.Field, "Document/CstmrCdtTrfInitn")))
			}

			require.Equal(t, test.want, said)

			for _, secret := range []string{"CREDITEUR", "CRÉDITEUR", "MARCHAND", "DUPONT", "CCC", debtor[4:22], creditor[4:22]} {
				require.NotContains(t, err.Error(), secret)
			}
		})
	}
}

func TestReadWantsTheMessageItself(t *testing.T) {
	t.Parallel()

	_, err := readBack(strings.NewReader(strings.ReplaceAll(two(t, pain001.V03), "CstmrCdtTrfInitn", "CstmrDrctDbtInitn")))
	require.ErrorContains(t, err, "line 2 column 66: Document/CstmrDrctDbtInitn must be CstmrCdtTrfInitn")
}

func TestReadFindsAllFaults(t *testing.T) {
	t.Parallel()

	bad := strings.NewReplacer("TRF", "CHK", ">0.02<", ">x<", "CREDITEUR 2<", "<", "<NbOfTxs>4<", "<NbOfTxs>9<").Replace(two(t, pain001.V09))

	got, err := readBack(strings.NewReader(bad))
	refused, isRefused := errors.AsType[*fault.Faults](err)
	require.True(t, isRefused, "%v", err)
	require.Equal(t, map[fault.Code]int{fault.CodeUnknown: 2, fault.CodeAmount: 1, fault.CodeMissing: 1, fault.CodeTrailerCount: 1}, refused.ByCode)
	require.Equal(t, []int{3, 4, 5, 6, 8}, []int{
		refused.Faults[0].Line, refused.Faults[1].Line, refused.Faults[2].Line, refused.Faults[3].Line, refused.Faults[4].Line,
	}, "in the order of the file")
	require.Empty(t, got.orders, "the handler is told nothing after a fault")
}

func TestABlockIsToldWhole(t *testing.T) {
	t.Parallel()

	missing := "<DbtrAcct><Id><IBAN>" + merchant(0).IBAN + "</IBAN></Id></DbtrAcct>"
	got, err := readBack(strings.NewReader(strings.Replace(two(t, pain001.V03), missing, "", 1)))
	require.Error(t, err)
	require.Empty(t, got.blocks)
}

func TestReadPassesErrorsOn(t *testing.T) {
	t.Parallel()

	good, broken := two(t, pain001.V03), errors.New("disk")
	_, err := readBack(io.MultiReader(strings.NewReader(good[:900]), iotest.ErrReader(broken)))
	require.ErrorIs(t, err, broken)

	fail := func() error { return broken }
	for _, handler := range []pain001.Handler{
		{Begin: func(pain001.Message) error { return fail() }},
		{Block: func(pain001.Instruction) error { return fail() }},
		{Order: func(pain001.Order) error { return fail() }},
	} {
		_, err := pain001.Read("ORDERS.xml", strings.NewReader(good), handler)
		require.ErrorIs(t, err, broken)
		require.ErrorContains(t, err, "read ORDERS.xml: line ")
	}
}

// TestReadKeepsIdentifiersOnly holds the memory of a reading to what its limits promise: 100,000 orders have 3.5 MB of
// identifiers.
//
//nolint:paralleltest // the memory is that of the whole process
func TestReadKeepsIdentifiersOnly(t *testing.T) {
	reader, writer := io.Pipe()
	given := newFile(t, pain001.Format{Version: pain001.V03}, 10, 10_000)

	go func() {
		_, err := given.write(writer)
		_ = writer.CloseWithError(err)
	}()

	var before, during runtime.MemStats

	most, orders := uint64(0), 0

	_, err := pain001.Read("ORDERS.xml", reader, pain001.Handler{Order: func(pain001.Order) error {
		orders++

		switch {
		case orders == 1:
			runtime.GC()
			runtime.ReadMemStats(&before)
		case orders%25_000 == 0:
			runtime.GC()
			runtime.ReadMemStats(&during)
			most = max(most, during.HeapAlloc)
		}

		return nil
	}})
	require.NoError(t, err)
	require.Equal(t, 100_000, orders)
	require.Less(t, most, before.HeapAlloc+32<<20)
}

// FuzzRead expects that what is accepted adds up.
func FuzzRead(f *testing.F) {
	for _, version := range versions() {
		f.Add([]byte(two(f, version)))
		f.Add([]byte(strings.ReplaceAll(two(f, version), "\n", "\r\n")))
		f.Add([]byte(strings.Replace(two(f, version), "<BtchBookg>", "<PmtMtd>TRF</PmtMtd><BtchBookg>", 1)))
	}

	f.Fuzz(func(t *testing.T, content []byte) {
		got, err := readBack(bytes.NewReader(content))
		if refused, isRefused := errors.AsType[*fault.Faults](err); isRefused {
			require.Positive(t, refused.Count)
			require.NotContains(t, refused.Error(), "\n")

			return
		}

		require.NoError(t, err)
		require.Equal(t, sha256.Sum256(content), got.file.SHA256)
		require.Equal(t, got.message, got.file.Message)
		require.Len(t, got.blocks, got.file.Blocks)

		for n := range got.orders {
			for _, order := range got.orders[n] {
				got.message.Orders--
				got.message.Sum -= order.Amount
				got.blocks[n].Orders--
				got.blocks[n].Sum -= order.Amount
			}

			require.Zero(t, got.blocks[n].Orders)
			require.Zero(t, got.blocks[n].Sum)
		}

		require.Zero(t, got.message.Orders)
		require.Zero(t, got.message.Sum)
	})
}

// BenchmarkRead reads 100,000 orders.
func BenchmarkRead(b *testing.B) {
	content, _ := newFile(b, pain001.Format{Version: pain001.V03}, 1, 100_000).written(b)

	b.SetBytes(int64(len(content)))
	b.ReportAllocs()

	for b.Loop() {
		if _, err := pain001.Read("bench", bytes.NewReader(content), pain001.Handler{}); err != nil {
			b.Fatal(err)
		}
	}
}
