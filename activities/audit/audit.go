// Package audit reads the books for operators and auditors: it proves the
// invariants, traces a correlation, a settlement or a card line from end to end,
// and lists balances, debts and parked lines. It changes nothing.
package audit
