package accounts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/reglo/reglo/activities/part"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/domain/debt"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/settlement"
	"github.com/reglo/reglo/domain/transfer"
)

// covers are what own money fills in this chunk.
type covers struct {
	sum    money.Cents // of the debts, those of unpaids that no CP can bear among them
	unpaid money.Cents // of these alone
	count  int         // debts opened or increased
	byCP   map[int32]money.Cents
	debts  []postgres.Movement // on the DEBT accounts
	bodies []ogep.Body
}

// cover finds the CPs that would end below zero, credits them against debts,
// makes debts of the unpaids that no CP can bear, and tells so. The CPs'
// balances are locked from here to the commit.
func (w *chunkWork) cover(ctx context.Context) (covers, error) {
	none := covers{}
	if !w.chunk.Last {
		return none, nil // sales only: no CP can end below zero
	}
	balances, err := postgres.LockBalances(ctx, w.tx, slices.Sorted(maps.Keys(w.cps)))
	if err != nil {
		return none, err
	}
	looked, err := w.shortfalls(balances)
	if err != nil || len(looked)+len(w.toDebt) == 0 {
		return none, err
	}
	sirets := slices.Collect(maps.Keys(w.toDebt))
	for _, one := range looked {
		if one.lacks > 0 {
			sirets = append(sirets, one.siret)
		}
	}
	slices.Sort(sirets)
	register, err := w.openRegister(ctx, slices.Compact(sirets))
	if err != nil {
		return none, err
	}
	made, err := w.owe(looked, register)
	if err != nil || made.count == 0 {
		return made, err
	}
	if err := w.creditCovers(ctx, looked, &made); err != nil {
		return none, err
	}
	return made, register.save(ctx, w.tx)
}

// shortfall is a CP whose balance is told: what it has to meet its refunds,
// unpaids and commissions, and what it lacks, zero for nothing.
type shortfall struct {
	*cp

	available money.Cents
	lacks     money.Cents
}

// shortfalls are the CPs that lack something and, in a file of unpaids, all
// those that an unpaid was taken from.
func (w *chunkWork) shortfalls(balances map[int32]money.Cents) ([]shortfall, error) {
	var looked []shortfall
	for _, holder := range w.holders() {
		available, err := balances[holder.account].Add(holder.sales)
		if err != nil {
			return nil, fmt.Errorf("balance of %s: %w", holder.id, err)
		}
		out, err := holder.refunds.Add(holder.taken)
		if err != nil {
			return nil, fmt.Errorf("outgoings of %s: %w", holder.id, err)
		}
		lacks, err := debt.Shortfall(available, 0, out)
		if err != nil {
			return nil, fmt.Errorf("shortfall of %s: %w", holder.id, err)
		}
		if lacks > 0 || w.posting.kind == settlement.KindImpaye && holder.refunds > 0 {
			looked = append(looked, shortfall{cp: holder, available: available, lacks: lacks})
		}
	}
	return looked, nil
}

// owe opens or increases the debts, in the order of the CPs and then of the
// SIRETs, and makes the events.
func (w *chunkWork) owe(looked []shortfall, register *register) (covers, error) {
	made := covers{byCP: make(map[int32]money.Cents, len(looked))}
	label := transfer.CoverLabel(w.posting.run.StartedAt)
	add := func(siret string, amount money.Cents) error {
		owed, err := register.add(siret, amount, w.now)
		if err != nil {
			return err
		}
		if made.sum, err = made.sum.Add(amount); err != nil {
			return fmt.Errorf("sum of debts: %w", err)
		}
		made.count++
		made.bodies = append(made.bodies, ogep.RegisterDebt{Debt: merchantDebt(owed)})
		return nil
	}
	for _, one := range looked {
		made.bodies = append(made.bodies, ogep.GetAccountBalance{AccountID: one.id, Balance: one.available})
		if one.lacks == 0 {
			continue
		}
		made.byCP[one.account] = one.lacks
		made.bodies = append(made.bodies, ogep.CreateAccountTransaction{AccountID: one.id, Transaction: ogep.AccountTransaction{
			Label: label, Amount: one.lacks, TransactionAt: w.posting.run.StartedAt, ValueAt: w.posting.valueDate.Midnight(),
		}})
		if err := add(one.siret, one.lacks); err != nil {
			return covers{}, err
		}
	}
	for _, siret := range slices.Sorted(maps.Keys(w.toDebt)) {
		if err := add(siret, w.toDebt[siret]); err != nil {
			return covers{}, err
		}
		made.unpaid += w.toDebt[siret] // not beyond the sum
	}
	return made, nil
}

// creditCovers posts the covers, Dr DEBT / Cr CP, then the unpaids that no CP
// can bear, Dr DEBT / Cr TR.SET.
func (w *chunkWork) creditCovers(ctx context.Context, looked []shortfall, made *covers) error {
	owed := maps.Clone(w.toDebt)
	for _, one := range looked {
		if one.lacks > 0 {
			owed[one.siret] += one.lacks // not beyond their sum
		}
	}
	codes := make([]ledger.Code, 0, len(owed))
	for siret := range owed {
		codes = append(codes, ledger.Debt(siret))
	}
	ids, err := postgres.Accounts(ctx, w.tx, codes)
	if err != nil {
		return err
	}
	for siret, amount := range owed {
		made.debts = append(made.debts, postgres.Movement{Account: ids[ledger.Debt(siret)], Debit: int64(amount)})
	}
	_, err = postgres.Copy(ctx, w.tx, postgres.EntryTable, postgres.EntryColumns(), func(rows *postgres.Rows) error {
		label := []byte(transfer.CoverLabel(w.posting.run.StartedAt))
		for _, one := range looked {
			if one.lacks == 0 {
				continue
			}
			err := w.appendLast(rows, postgres.EntryRow{
				Kind: ledger.KindCover, Debit: ids[ledger.Debt(one.siret)], Credit: one.account, Amount: one.lacks,
				TransactionAt: w.posting.run.StartedAt, ValueDate: w.posting.valueDate, Label: label,
			})
			if err != nil {
				return err
			}
		}
		return w.postUnpaidDebts(rows, ids, made.unpaid)
	})
	return err
}

// appendLast encodes an entry behind those that events are rendered from.
func (w *chunkWork) appendLast(rows *postgres.Rows, entry postgres.EntryRow) error {
	last := &w.batches[len(w.batches)-1]
	entry.Batch, entry.Ordinal = last.id, last.entries
	last.entries++
	return postgres.AppendEntry(rows, entry)
}

// postUnpaidDebts reads the part's unpaids a second time, for those that no CP
// can bear: their accounts could not be made while the entries before were copied.
func (w *chunkWork) postUnpaidDebts(rows *postgres.Rows, ids map[ledger.Code]int32, want money.Cents) error {
	if want == 0 {
		return nil
	}
	others, err := w.posting.folder.Others(w.chunk.Part)
	if err != nil {
		return err
	}
	defer func() { _ = others.Close() }() // only read
	var line settlement.Line
	for want > 0 {
		account, err := others.Next(&line)
		if errors.Is(err, io.EOF) {
			return part.ErrDamaged
		}
		if err != nil {
			return err
		}
		if account != part.ToDebt {
			continue
		}
		err = w.appendLast(rows, postgres.EntryRow{
			Kind: ledger.KindUnpaidDebt, Debit: ids[ledger.Debt(string(line.Siret))], Credit: w.internal.suspense,
			Amount: line.Gross.Neg(), Line: line.Number,
			TransactionAt: line.TransactionAt, ValueDate: line.ValueDate, Label: line.Label,
		})
		if err != nil {
			return err
		}
		want += line.Gross
	}
	return nil
}
