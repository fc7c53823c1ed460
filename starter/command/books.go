package command

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
)

func newBooks(s *session) *cobra.Command {
	group := &cobra.Command{Use: "books", Short: "Open the books, and add own money"}
	group.AddCommand(newBooksOpen(s), newBooksFund(s))
	return group
}

func newBooksOpen(s *session) *cobra.Command {
	var fonctionnement, reglement, cantonnement string
	cmd := &cobra.Command{
		Use:   "open --fonctionnement AMOUNT [--reglement AMOUNT] [--cantonnement AMOUNT]",
		Short: "Take into the books what stands on the three bank accounts",
		Long: `Take into the books what stands on the three bank accounts when the engine
begins, in euros: Dr BK.x / Cr EQ.OPEN. Done once for the life of a database:
the same amounts again change nothing, other amounts are refused.`,
		Example: "  starter books open --fonctionnement 50000.00",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			amounts, err := openingAmounts(map[ledger.Code]string{
				ledger.Fonctionnement: fonctionnement, ledger.Reglement: reglement, ledger.Cantonnement: cantonnement,
			})
			if err != nil {
				return err
			}
			pool, _, err := s.database(cmd)
			if err != nil {
				return err
			}
			opened, err := postgres.OpenBooks(cmd.Context(), pool, amounts, s.now())
			if _, other := errors.AsType[*postgres.KeyConflictError](err); other {
				return &InputError{
					What: "the books were opened before with other amounts; nothing was changed",
					Next: "`starter balance` shows what stands in the books",
				}
			}
			if err != nil {
				return err
			}
			return s.show(openedBooks{
				Reglement: amounts[ledger.Reglement], Cantonnement: amounts[ledger.Cantonnement],
				Fonctionnement: amounts[ledger.Fonctionnement], Again: !opened,
			})
		},
	}
	cmd.Flags().StringVar(&fonctionnement, "fonctionnement", "", "own money, in euros (1234.56)")
	cmd.Flags().StringVar(&reglement, "reglement", "0", "settlement account, in euros")
	cmd.Flags().StringVar(&cantonnement, "cantonnement", "0", "safeguarded client money, in euros")
	return cmd
}

func newBooksFund(s *session) *cobra.Command {
	var amount, reference string
	cmd := &cobra.Command{
		Use:   "fund --amount AMOUNT --reference REFERENCE",
		Short: "Take into the books that own money was added to fonctionnement",
		Long: `Take into the books that the EP transferred money of its own to
fonctionnement, in euros: Dr BK.FON / Cr EQ.OPEN. The bank's reference of the
transfer names it: the same again changes nothing, another amount under the
same reference is refused.`,
		Example: "  starter books fund --amount 25000.00 --reference VIR20260317-1",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cents, err := money.Parse(amount)
			if err != nil {
				return err
			}
			if cents <= 0 || reference == "" {
				return &InputError{
					What: "own money is added by a positive --amount under a --reference",
					Next: "give both: --amount 25000.00 --reference VIR20260317-1",
				}
			}
			pool, _, err := s.database(cmd)
			if err != nil {
				return err
			}
			added, err := postgres.FundOwnMoney(cmd.Context(), pool, reference, cents, s.now())
			if _, other := errors.AsType[*postgres.KeyConflictError](err); other {
				return &InputError{
					What: "reference " + reference + " was recorded before with another amount; nothing was changed",
					Next: "give the reference of this transfer, or look at `starter balance BK.FON`",
				}
			}
			if err != nil {
				return err
			}
			return s.show(fundedBooks{Amount: cents, Reference: reference, Again: !added})
		},
	}
	cmd.Flags().StringVar(&amount, "amount", "", "what was added, in euros (1234.56)")
	cmd.Flags().StringVar(&reference, "reference", "", "the bank's reference of the transfer")
	return cmd
}

// fundedBooks is own money that was added.
type fundedBooks struct {
	Amount    money.Cents `json:"amountCents"`
	Reference string      `json:"reference"`
	Again     bool        `json:"again"` // it was recorded before
}

func (d fundedBooks) writeText(t *text) {
	if d.Again {
		t.linef("%s under %s was recorded before", euros(d.Amount), d.Reference)
		return
	}
	t.linef("%s recorded on %s under %s", euros(d.Amount), ledger.Fonctionnement, d.Reference)
}

func openingAmounts(texts map[ledger.Code]string) (map[ledger.Code]money.Cents, error) {
	if texts[ledger.Fonctionnement] == "" {
		return nil, &InputError{
			What: "--fonctionnement is missing",
			Next: "give the own money that shortfalls are covered from, in euros: --fonctionnement 50000.00",
		}
	}
	amounts := make(map[ledger.Code]money.Cents)
	for code, value := range texts {
		amount, err := money.Parse(value)
		if err != nil {
			return nil, err
		}
		if amount < 0 {
			return nil, &InputError{
				What: "opening of " + string(code) + ": " + euros(amount) + " is below zero", Next: "give what stands there",
			}
		}
		amounts[code] = amount
	}
	return amounts, nil
}

// openedBooks are the opening balances in force.
type openedBooks struct {
	Reglement      money.Cents `json:"reglementCents"`
	Cantonnement   money.Cents `json:"cantonnementCents"`
	Fonctionnement money.Cents `json:"fonctionnementCents"`
	Again          bool        `json:"again"` // they were open before
}

func (d openedBooks) writeText(t *text) {
	if d.Again {
		t.linef("the books were open before with these amounts")
	} else {
		t.linef("the books are open")
	}
	t.rows([][]string{
		{string(ledger.Reglement), euros(d.Reglement)},
		{string(ledger.Cantonnement), euros(d.Cantonnement)},
		{string(ledger.Fonctionnement), euros(d.Fonctionnement)},
	})
}
