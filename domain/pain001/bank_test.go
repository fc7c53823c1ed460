package pain001_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/deploy/partners/bank/message"
)

// TestTheBankTakesWhatIsWritten has the stand-in bank, which was written from the format alone, judge the files.
func TestTheBankTakesWhatIsWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		given := drawnFile(t)
		content, _ := given.written(t)
		want := message.Orders{
			Definition: string(given.format.Version), MessageID: bulkID, CreatedAt: "2020-01-07T15:27:11+01:00",
			Count: given.message.Orders, Sum: given.message.Sum, Initiator: initiator,
		}

		for n := range given.blocks {
			want.Blocks = append(want.Blocks, given.taken(n))
		}

		got, err := message.ReadPain001(bytes.NewReader(content))
		require.NoError(t, err)

		for n := range got.Blocks {
			require.LessOrEqual(t, len(got.Blocks[n].ID), 35)
			got.Blocks[n].ID = ""
		}

		require.Equal(t, want, got)
	})
}

// taken is what the bank is to understand of a block.
func (f *file) taken(n int) message.Block {
	given := &f.blocks[n]
	debtor := given.Debtor

	if f.format.OneBlock {
		debtor = f.message.Account
	}

	block := message.Block{
		BatchBooking: f.format.BatchBooking, DueDate: given.DueDate,
		Debtor: message.Party{Name: carried(debtor.Name, 70), IBAN: debtor.IBAN, BIC: debtor.BIC},
	}

	for i := range given.payments {
		one := &given.payments[i]
		payment := message.Payment{
			EndToEndID: one.EndToEndID, Amount: one.Amount,
			Creditor: message.Party{Name: carried(one.Creditor.Name, 70), IBAN: one.Creditor.IBAN, BIC: one.Creditor.BIC},
		}

		if f.format.OneBlock && one.Debtor.Name != debtor.Name {
			payment.UltimateDebtor = carried(one.Debtor.Name, 70)
		}

		if !isBlank(one.Info) {
			payment.Info = carried(one.Info, 140)
		}

		block.Payments = append(block.Payments, payment)
	}

	return block
}
