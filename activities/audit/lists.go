package audit

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/reglo/reglo/activities/audit/internal/db"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
)

// Balance is where an account stands, in cents. Balance has the account's
// natural sign: what an asset has on its debit side, what any other has on its credit side.
type Balance struct {
	Account ledger.Code  `json:"account"`
	Class   ledger.Class `json:"class"`
	Debit   money.Cents  `json:"debitCents"`
	Credit  money.Cents  `json:"creditCents"`
	Balance money.Cents  `json:"balanceCents"`
}

// ClassTotal is where all accounts of a class stand together, as in [Balance].
type ClassTotal struct {
	Class    ledger.Class `json:"class"`
	Accounts int64        `json:"accounts"`
	Debit    money.Cents  `json:"debitCents"`
	Credit   money.Cents  `json:"creditCents"`
	Balance  money.Cents  `json:"balanceCents"`
}

// BalanceSheet is what [Balances] reads.
type BalanceSheet struct {
	Accounts []Balance `json:"accounts"`
	// Classes are the totals of all accounts; none when accounts were named.
	Classes []ClassTotal `json:"classes,omitempty"`
}

// natural is credit less debit, or the opposite for assets: what stands at the
// bank or is on its way between our accounts there, and what merchants owe.
func natural(class ledger.Class, debit, credit money.Cents) money.Cents {
	switch class {
	case ledger.ClassBank, ledger.ClassTransit, ledger.ClassDebt:
		return debit - credit
	default:
		return credit - debit
	}
}

func balanceOf(code, class string, debit, credit int64) Balance {
	d, c := money.Cents(debit), money.Cents(credit)
	return Balance{
		Account: ledger.Code(code), Class: ledger.Class(class), Debit: d, Credit: c,
		Balance: natural(ledger.Class(class), d, c),
	}
}

// Balances reads the accounts of those codes; a code without its class, such as
// 1A17660007, is a CP's. Without codes it reads the EP's own accounts, and the
// totals by class. The error is a [*NotFoundError] for the first unknown code.
func Balances(ctx context.Context, pool *pgxpool.Pool, codes []string) (BalanceSheet, error) {
	if len(codes) == 0 {
		return ownBalances(ctx, pool)
	}
	full := make([]string, len(codes))
	for i, code := range codes {
		full[i] = code
		if ledger.Code(code).Class() == "" {
			full[i] = string(ledger.CP(code))
		}
	}
	rows, err := db.New(pool).Accounts(ctx, full)
	if err != nil {
		return BalanceSheet{}, fmt.Errorf("read accounts: %w", err)
	}
	known := make(map[string]Balance, len(rows))
	for _, row := range rows {
		known[row.Code] = balanceOf(row.Code, row.Class, row.DebitCents, row.CreditCents)
	}
	sheet := BalanceSheet{Accounts: make([]Balance, 0, len(codes))}
	for i, code := range full {
		balance, found := known[code]
		if !found {
			return BalanceSheet{}, &NotFoundError{ID: codes[i], LookedFor: []string{"account " + code}}
		}
		sheet.Accounts = append(sheet.Accounts, balance)
	}
	return sheet, nil
}

func ownBalances(ctx context.Context, pool *pgxpool.Pool) (BalanceSheet, error) {
	queries := db.New(pool)
	rows, err := queries.InternalAccounts(ctx)
	if err != nil {
		return BalanceSheet{}, fmt.Errorf("read own accounts: %w", err)
	}
	sheet := BalanceSheet{Accounts: make([]Balance, 0, len(rows))}
	for _, row := range rows {
		sheet.Accounts = append(sheet.Accounts, balanceOf(row.Code, row.Class, row.DebitCents, row.CreditCents))
	}
	classes, err := queries.Classes(ctx)
	if err != nil {
		return BalanceSheet{}, fmt.Errorf("sum accounts by class: %w", err)
	}
	for _, row := range classes {
		total := balanceOf("", row.Class, row.DebitCents, row.CreditCents)
		sheet.Classes = append(sheet.Classes, ClassTotal{
			Class: total.Class, Accounts: row.Accounts, Debit: total.Debit, Credit: total.Credit, Balance: total.Balance,
		})
	}
	return sheet, nil
}

// LargestBalances reads the n CPs that hold most, the largest first.
func LargestBalances(ctx context.Context, pool *pgxpool.Pool, n int32) ([]Balance, error) {
	rows, err := db.New(pool).LargestBalances(ctx, n)
	if err != nil {
		return nil, fmt.Errorf("read the largest balances: %w", err)
	}
	balances := make([]Balance, 0, len(rows))
	for _, row := range rows {
		balances = append(balances, balanceOf(row.Code, row.Class, row.DebitCents, row.CreditCents))
	}
	return balances, nil
}

// Debt is an open créance, in cents.
type Debt struct {
	Siret      string      `json:"siret"`
	CreatedAt  time.Time   `json:"createdAt"`
	ModifiedAt *time.Time  `json:"modifiedAt,omitempty"`
	Initial    money.Cents `json:"initialCents"`
	Remaining  money.Cents `json:"remainingCents"`
}

// DebtList is the open créances, oldest first, and their totals.
type DebtList struct {
	Debts     []Debt      `json:"debts"`
	Initial   money.Cents `json:"initialCents"`
	Remaining money.Cents `json:"remainingCents"`
}

// Debts reads the open créances: one a merchant at most.
func Debts(ctx context.Context, pool *pgxpool.Pool) (DebtList, error) {
	rows, err := db.New(pool).OpenDebts(ctx)
	if err != nil {
		return DebtList{}, fmt.Errorf("read open debts: %w", err)
	}
	list := DebtList{Debts: make([]Debt, 0, len(rows))}
	for _, row := range rows {
		debt := Debt{
			Siret: row.Siret, CreatedAt: row.CreatedAt, ModifiedAt: row.ModifiedAt,
			Initial: money.Cents(row.InitialCents), Remaining: money.Cents(row.RemainingCents),
		}
		list.Debts = append(list.Debts, debt)
		if list.Initial, err = list.Initial.Add(debt.Initial); err != nil {
			return DebtList{}, fmt.Errorf("sum of debts: %w", err)
		}
		if list.Remaining, err = list.Remaining.Add(debt.Remaining); err != nil {
			return DebtList{}, fmt.Errorf("sum of debts: %w", err)
		}
	}
	return list, nil
}

// ParkedLine is a card line whose money stands on TR.PARK. Gross is signed.
type ParkedLine struct {
	Reference  string      `json:"reference"`
	Line       int         `json:"line"`
	CreID      string      `json:"creId"`
	AccountID  string      `json:"accountId"`
	Siret      string      `json:"siret"`
	Scheme     string      `json:"scheme"`
	Type       string      `json:"type"`
	Gross      money.Cents `json:"grossCents"`
	Commission money.Cents `json:"commissionCents"`
	Reason     string      `json:"reason"`
	ParkedAt   time.Time   `json:"parkedAt"`
	// AssignedTo is the CP that an operator assigned it to, empty while it waits.
	AssignedTo string `json:"assignedTo,omitempty"`

	assignedBatch int64
}

func parkedOf(row db.ParkedLinesRow) ParkedLine {
	return ParkedLine{
		Reference: row.Reference, Line: int(row.Line), CreID: row.CreID, AccountID: row.AccountID, Siret: row.Siret,
		Scheme: row.Scheme, Type: row.Type, Gross: money.Cents(row.GrossCents), Commission: money.Cents(row.CommissionCents),
		Reason: row.Reason, ParkedAt: row.ParkedAt, AssignedTo: row.AssignedTo, assignedBatch: row.AssignedBatch,
	}
}

// ParkedList is parked lines, oldest first, and the totals of all.
type ParkedList struct {
	Lines      []ParkedLine `json:"lines"`
	Total      int64        `json:"total"`
	Gross      money.Cents  `json:"grossCents"`
	Commission money.Cents  `json:"commissionCents"`
}

// Parked reads the parked lines, [ListMax] at most; the totals count all.
func Parked(ctx context.Context, pool *pgxpool.Pool) (ParkedList, error) {
	queries := db.New(pool)
	total, err := queries.ParkedTotal(ctx)
	if err != nil {
		return ParkedList{}, fmt.Errorf("sum parked lines: %w", err)
	}
	rows, err := queries.ParkedLines(ctx, "", 0, ListMax)
	if err != nil {
		return ParkedList{}, fmt.Errorf("read parked lines: %w", err)
	}
	list := ParkedList{
		Lines: make([]ParkedLine, 0, len(rows)), Total: total.Lines,
		Gross: money.Cents(total.GrossCents), Commission: money.Cents(total.CommissionCents),
	}
	for _, row := range rows {
		list.Lines = append(list.Lines, parkedOf(row))
	}
	return list, nil
}

// TypeCount is how many events of a type there are.
type TypeCount struct {
	Type   ogep.Type `json:"type"`
	Events int64     `json:"events"`
}

// EventsByType counts a correlation's events by type, or those of all
// correlations for an empty one, rendered ones included. In the types' order.
func EventsByType(ctx context.Context, pool *pgxpool.Pool, correlationID string) ([]TypeCount, error) {
	rows, err := db.New(pool).EventsByType(ctx, correlationID)
	if err != nil {
		return nil, fmt.Errorf("count events by type: %w", err)
	}
	counts := make([]TypeCount, 0, len(rows))
	for _, row := range rows {
		counts = append(counts, TypeCount{Type: ogep.Type(row.Type), Events: row.Events})
	}
	return counts, nil
}
