// Package audit reads the books for operators and auditors: it proves the
// invariants, follows any identifier from end to end, states where the bank
// accounts stand, and lists what the books hold. It changes nothing.
package audit
