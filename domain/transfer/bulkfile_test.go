package transfer_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/transfer"
)

func payment(n int) transfer.Payment {
	return transfer.Payment{
		EndToEndID: fmt.Sprintf("P260317%09d", n), RefExterne: fmt.Sprintf("6a1f7d5e-21aa-11ea-9f0e-%012d-1578407231973", n),
		Amount:   money.Cents(n),
		Debtor:   transfer.Party{Name: "CHEZ <ÉLISE> & FILS", BIC: "TESTFRPPXXX", IBAN: iban.French(30006, 1, n)},
		Creditor: transfer.Party{Name: "Elise", BIC: "TESTFRPP", IBAN: "FR7630006000011234567890189"},
		Info:     "VIREMENT 15:27:11",
	}
}

// written is a bulk of that many payments, of 0.01, 0.02 and so on.
func written(t require.TestingT, orders int) (transfer.Bulk, []byte) {
	var file bytes.Buffer
	bulk := transfer.Bulk{
		Name: "MONEXTEUR20260317001", ID: "6a1f7d5e-21aa-11ea-9f0e-0242ac120002", Purpose: transfer.Payout,
		DueDate: date(t, 2026, time.March, 17), Orders: orders, Sum: money.Cents(orders * (orders + 1) / 2),
		DebitIBAN: "FR7630006000011234567890189",
	}
	writer, err := transfer.NewBulkWriter(&file, bulk)
	require.NoError(t, err)
	for n := range orders {
		require.NoError(t, writer.Write(payment(n+1)))
	}
	require.NoError(t, writer.Close())
	return bulk, file.Bytes()
}

func TestABulkFileReadsBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want, file := written(t, rapid.IntRange(1, 40).Draw(t, "orders"))
		var payments []transfer.Payment
		got, err := transfer.ReadBulk(want.Name, bytes.NewReader(file), func(read transfer.Payment) error {
			payments = append(payments, read)
			return nil
		})
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.Len(t, payments, want.Orders)
		for n, read := range payments {
			require.Equal(t, payment(n+1), read)
		}
		_, again := written(t, want.Orders)
		require.Equal(t, string(file), string(again))
	})
}

func TestABulkFileAsItIsWritten(t *testing.T) {
	t.Parallel()
	_, file := written(t, 1)
	records := strings.Split(string(file), "\n")
	require.Equal(t, []string{
		`{"format":"ogep-bulk/1","name":"MONEXTEUR20260317001","bulkId":"6a1f7d5e-21aa-11ea-9f0e-0242ac120002","purpose":"PAYOUT",` +
			`"dueDate":"2026-03-17","orders":1,"sum":"0.01","debitIban":"FR7630006000011234567890189"}`,
		`{"endToEndId":"P260317000000001","refExterne":"6a1f7d5e-21aa-11ea-9f0e-000000000001-1578407231973","amount":"0.01",` +
			`"debtorName":"CHEZ <ÉLISE> & FILS","debtorBic":"TESTFRPPXXX","debtorIban":"` + payment(1).Debtor.IBAN + `",` +
			`"creditorName":"Elise","creditorBic":"TESTFRPP","creditorIban":"FR7630006000011234567890189","info":"VIREMENT 15:27:11"}`,
	}, records[:2])
}

// sealed replaces text of a file and makes its checksum right again.
func sealed(file []byte, old, by string) []byte {
	records := strings.SplitAfter(strings.Replace(string(file), old, by, 1), "\n")
	before, trailer := strings.Join(records[:len(records)-2], ""), records[len(records)-2]
	at := strings.Index(trailer, `"sha256":"`) + len(`"sha256":"`)
	digest := sha256.Sum256([]byte(before))
	return []byte(before + trailer[:at] + hex.EncodeToString(digest[:]) + trailer[at+2*sha256.Size:])
}

func TestWhatIsNoBulkFile(t *testing.T) {
	t.Parallel()
	_, file := written(t, 3)
	for name, test := range map[string]struct {
		file []byte
		code fault.Code
	}{
		"nothing":               {nil, fault.CodeEmpty},
		"another format":        {sealed(file, "ogep-bulk/1", "ogep-bulk/2"), fault.CodeNoHeader},
		"no trailer":            {file[:bytes.LastIndex(file, []byte(`{"lines"`))], fault.CodeNoTrailer},
		"cut":                   {file[:len(file)-1], fault.CodeTruncated},
		"more after its end":    {append(bytes.Clone(file), file...), fault.CodeAfterTrailer},
		"another byte":          {bytes.Replace(file, []byte("LISE>"), []byte("LISA>"), 1), fault.CodeChecksum},
		"another amount":        {sealed(file, `"amount":"0.02"`, `"amount":"0.03"`), fault.CodeTrailerSum},
		"a lost payment":        {sealed(file, string(bytes.SplitAfter(file, []byte("\n"))[2]), ""), fault.CodeTrailerCount},
		"a payment twice":       {sealed(file, "P260317000000002", "P260317000000001"), fault.CodeDuplicate},
		"a member twice":        {sealed(file, `"info":`, `"amount":"0.01","info":`), fault.CodeRecord},
		"an unknown member":     {sealed(file, `"info":`, `"x":1,"info":`), fault.CodeRecord},
		"an amount in short":    {sealed(file, `"amount":"0.02"`, `"amount":".02"`), fault.CodeAmount},
		"an amount below zero":  {sealed(file, `"amount":"0.02"`, `"amount":"-0.02"`), fault.CodeAmount},
		"a wrong IBAN":          {sealed(file, payment(2).Debtor.IBAN, "FR7630006000011234567890188"), fault.CodeIBAN},
		"a wrong BIC":           {sealed(file, "TESTFRPP\"", "TEST\""), fault.CodePattern},
		"nobody's name":         {sealed(file, `"Elise"`, `" "`), fault.CodeTooLong},
		"no day":                {sealed(file, "2026-03-17", "2026-03-32"), fault.CodeDate},
		"another purpose":       {sealed(file, "PAYOUT", "GIFT"), fault.CodePattern},
		"a name with a path":    {sealed(file, "MONEXTEUR20260317001", "../../MONEXTEUR20260"), fault.CodePattern},
		"a control character":   {sealed(file, "LISE>", "L\x1fSE>"), fault.CodeControl},
		"a sum as a number":     {sealed(file, `"sum":"0.06"`, `"sum":0.06`), fault.CodeNoHeader},
		"a sum in another form": {sealed(file, `"sum":"0.06"`, `"sum":"0.060"`), fault.CodeAmount},
	} {
		_, err := transfer.ReadBulk("bulk", bytes.NewReader(test.file), func(transfer.Payment) error { return nil })
		faults, refused := errors.AsType[*fault.Faults](err)
		require.True(t, refused, "%s: %v", name, err)
		require.Positive(t, faults.ByCode[test.code], "%s: %v", name, err)
		require.NotContains(t, err.Error(), "FR76", name)
		require.NotContains(t, strings.ToUpper(err.Error()), "ELISE", name)
	}
}

func TestAWriterRefusesWhatAReaderWould(t *testing.T) {
	t.Parallel()
	bulk, _ := written(t, 2)
	for name, payments := range map[string][]transfer.Payment{
		"too few": {payment(1)}, "too many": {payment(1), payment(2), payment(3)}, "twice the same": {payment(1), payment(1)},
		"too much": {payment(1), payment(5)}, "none": nil,
		"of nobody": {{EndToEndID: "1", RefExterne: "1", Amount: 1}, payment(2)},
	} {
		writer, err := transfer.NewBulkWriter(io.Discard, bulk)
		require.NoError(t, err)
		for _, one := range payments {
			if err = writer.Write(one); err != nil {
				break
			}
		}
		if err == nil {
			err = writer.Close()
		}
		_, refused := errors.AsType[*fault.Fault](err)
		require.True(t, refused, "%s: %v", name, err)
	}
	bulk.DebitIBAN = ""
	_, err := transfer.NewBulkWriter(io.Discard, bulk)
	require.ErrorContains(t, err, "debitIban")
}

func TestTheLargestBulkFile(t *testing.T) {
	t.Parallel()
	bulk, file := written(t, transfer.MaxOrdersABulk)
	read := 0
	_, err := transfer.ReadBulk(bulk.Name, bytes.NewReader(file), func(transfer.Payment) error {
		read++
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, transfer.MaxOrdersABulk, read)

	_, err = transfer.ReadBulk(bulk.Name, bytes.NewReader(file), func(transfer.Payment) error { return io.ErrClosedPipe })
	require.ErrorIs(t, err, io.ErrClosedPipe)

	records := bytes.SplitAfter(file, []byte("\n"))
	more := bytes.Join(append(records[:len(records)-2], bytes.Replace(records[1], []byte("P260317000000001"), []byte("P260317999999999"), 1)), nil)
	_, err = transfer.ReadBulk(bulk.Name, bytes.NewReader(more), func(transfer.Payment) error { return nil })
	require.ErrorContains(t, err, "beyond the limit of 10000")
}

func TestCheckBulkName(t *testing.T) {
	t.Parallel()
	require.NoError(t, transfer.CheckBulkName("MONEXTINT202603170001"))
	for _, name := range []string{"", "..", "MONEXTEUR", "MONEXTEUR2026031700/", "MONEXTEUR20260317001\n"} {
		require.ErrorIs(t, transfer.CheckBulkName(name), transfer.ErrNotABulk)
	}
}

// FuzzReadBulk: what is accepted says one thing only, so that writing it again gives the same bytes.
func FuzzReadBulk(f *testing.F) {
	_, file := written(f, 2)
	f.Add(file)
	f.Add(sealed(file, "0.02", "0.03"))
	f.Add([]byte(`{"format":"ogep-bulk/1"}` + "\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		var payments []transfer.Payment
		bulk, err := transfer.ReadBulk("fuzz", bytes.NewReader(file), func(read transfer.Payment) error {
			payments = append(payments, read)
			return nil
		})
		if err != nil {
			return
		}
		var again bytes.Buffer
		writer, err := transfer.NewBulkWriter(&again, bulk)
		require.NoError(t, err)
		for _, read := range payments {
			require.NoError(t, writer.Write(read))
		}
		require.NoError(t, writer.Close())
		require.Equal(t, string(file), again.String())
	})
}
