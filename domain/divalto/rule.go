package divalto

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/reglo/reglo/domain/money"
)

// Rule names what has to hold of an entry before it is sent.
type Rule string

// The rules.
const (
	RuleRequired   Rule = "required"    // a field has to be given
	RuleLength     Rule = "length"      // a field, or the list of details, is too long
	RuleCharacters Rule = "characters"  // a field holds what cannot be written or compared
	RuleAmount     Rule = "amount"      // an amount is above zero and within money.Max
	RuleSum        Rule = "sum"         // the payment lines add up to the settlement's amount, items to the deposit's
	RuleThirdParty Rule = "third-party" // a detail's third party is the settlement's
	RuleNature     Rule = "nature"      // a detail's nature is a known one
	RulePiece      Rule = "piece"       // an advance has no piece, every other line has one
	RuleDifference Rule = "difference"  // a line that completes a piece needs a payment line on it
	RuleDirection  Rule = "direction"   // an encashment or a disbursement
	RuleState      Rule = "state"       // the pair of state change and final state is configured and coherent
	RuleOrder      Rule = "order"       // an item's number of order is from 1
	RuleItem       Rule = "item"        // an item goes to the bank once
)

// shownCharacters is how much of a refused value an error repeats: codes of the
// ERP are shorter, an IBAN or a card number put in their place is not.
const shownCharacters = 12

// RuleError is a rule that an entry breaks. It is not to be sent.
type RuleError struct {
	Line  int    // the detail or item, from 1; 0 is the header
	Rule  Rule   // which rule
	Field string // the field, by its name in the ERP's dictionary
	Value string // what stands there; longer ones are masked but for their beginning
	Todo  string // what is wrong, and what to do
}

// Error names line, field, value and what to do.
func (e *RuleError) Error() string {
	where := "the settlement's header"
	if e.Line > 0 {
		where = "the settlement's line " + strconv.Itoa(e.Line)
	}

	return fmt.Sprintf("%s, field %s, value %q (rule %s): %s", where, e.Field, e.Value, e.Rule, e.Todo)
}

func broken(line int, rule Rule, field, value, todo string) error {
	return &RuleError{Line: line, Rule: rule, Field: field, Value: shown(value), Todo: todo}
}

// shown masks what is longer than a code: it may be something that an error must
// not repeat.
func shown(value string) string {
	const beginning = 2

	characters := []rune(value)
	if len(characters) <= shownCharacters {
		return value
	}

	return string(characters[:beginning]) + "… (" + strconv.Itoa(len(characters)) + " characters)"
}

// Check holds the posting against the rules that the ERP wants. The error is a
// *RuleError, of the first rule that is broken.
func (p Posting) Check() error {
	if p.Direction != Encashment && p.Direction != Disbursement {
		return broken(0, RuleDirection, fieldDirection, strconv.Itoa(int(p.Direction)), "say 1 for an encashment, 2 for a disbursement")
	}

	if p.Date.IsZero() {
		return broken(0, RuleRequired, fieldDate, "", "give the date of the transaction")
	}

	if err := checkCode(0, fieldThirdParty, p.ThirdParty); err != nil {
		return err
	}

	if err := checkOptional(0, fieldEtb, p.Etb); err != nil {
		return err
	}

	if err := checkAmount(0, fieldAmount, p.Amount); err != nil {
		return err
	}

	if err := checkLabel(p.Label); err != nil {
		return err
	}

	if err := checkState(p.State); err != nil {
		return err
	}

	return p.checkDetails()
}

// piece is what a detail settles.
type piece struct{ prefix, number string }

func (p Posting) checkDetails() error {
	if err := checkCount(len(p.Details)); err != nil {
		return err
	}

	var sum money.Cents

	paid := make(map[piece]bool, len(p.Details))

	for i := range p.Details {
		detail := &p.Details[i]

		if err := detail.check(i+1, p.ThirdParty); err != nil {
			return err
		}

		if !detail.Nature.Pays() {
			continue
		}

		paid[detail.piece()] = true

		var err error
		if sum, err = sum.Add(detail.Amount); err != nil {
			return broken(i+1, RuleSum, fieldLineAmount, detail.Amount.String(),
				"the lines add up beyond what an amount may be: split the settlement")
		}
	}

	for i := range p.Details {
		if detail := &p.Details[i]; detail.Nature.Completes() && !paid[detail.piece()] {
			return broken(i+1, RuleDifference, fieldPiece, detail.Piece, "a line of nature "+string(detail.Nature)+
				" completes a piece that a payment line settles: add that payment line, or leave this line out")
		}
	}

	if sum != p.Amount {
		return &RuleError{
			Rule: RuleSum, Field: fieldAmount, Value: p.Amount.String(),
			Todo: "the payment lines add up to " + sum.String() + ": correct the amount or the lines",
		}
	}

	return nil
}

func (d *Detail) piece() piece { return piece{prefix: d.Prefix, number: d.Piece} }

func (d *Detail) check(line int, thirdParty string) error {
	if !d.Nature.Pays() && !d.Nature.Completes() {
		return broken(line, RuleNature, fieldNature, string(d.Nature), "say nothing for a payment, or WDR, WDC, WE, WAR, WPA")
	}

	if err := checkAmount(line, fieldLineAmount, d.Amount); err != nil {
		return err
	}

	if d.ThirdParty != thirdParty {
		return broken(line, RuleThirdParty, fieldThirdParty, d.ThirdParty,
			"a line's third party is the settlement's: post it as a settlement of its own")
	}

	if d.Nature == Advance {
		if d.Piece != "" || d.Prefix != "" {
			return broken(line, RulePiece, fieldPiece, d.Prefix+d.Piece,
				"an advance settles no piece: leave the piece out, or change the nature")
		}

		return nil
	}

	if d.Piece == "" {
		return broken(line, RulePiece, fieldPiece, "", "name the piece that the line settles, or say WAR for an advance")
	}

	if err := checkOptional(line, fieldPrefix, d.Prefix); err != nil {
		return err
	}

	return checkCode(line, fieldPiece, d.Piece)
}

// Check holds the deposit against the rules that the ERP wants. The error is a
// *RuleError, of the first rule that is broken.
func (d Deposit) Check() error {
	if d.Date.IsZero() {
		return broken(0, RuleRequired, fieldDate, "", "give the date of the deposit")
	}

	if err := checkCode(0, fieldBank, d.Bank); err != nil {
		return err
	}

	if err := checkLabel(d.Label); err != nil {
		return err
	}

	if err := checkCode(0, fieldChange, d.State.Change); err != nil {
		return err
	}

	if d.State.Final != "" && d.State.Final != chequeInBank {
		return broken(0, RuleState, fieldFinal, d.State.Final, "a deposit ends in "+chequeInBank+": say so, or leave the final state out")
	}

	return d.checkItems()
}

// taken is what says which item of the portfolio is meant.
type taken struct {
	transaction string
	order       int
}

func (d Deposit) checkItems() error {
	if err := checkCount(len(d.Items)); err != nil {
		return err
	}

	seen := make(map[taken]bool, len(d.Items))

	for i, item := range d.Items {
		if err := checkCode(i+1, fieldTransaction, item.Transaction); err != nil {
			return err
		}

		if item.Order < 1 {
			return broken(i+1, RuleOrder, fieldOrder, strconv.Itoa(item.Order), "the first item of a transaction is 1")
		}

		if seen[taken{item.Transaction, item.Order}] {
			return broken(i+1, RuleItem, fieldTransaction, item.Transaction,
				"another line takes the same item to the bank: leave one of them out")
		}

		seen[taken{item.Transaction, item.Order}] = true
	}

	sum, err := sumItems(d.Items)
	if err != nil {
		return err
	}

	if sum != d.Amount {
		return &RuleError{
			Rule: RuleSum, Field: fieldAmount, Value: d.Amount.String(),
			Todo: "the items add up to " + sum.String() + ": correct the amount or the items",
		}
	}

	return nil
}

func sumItems(items []Item) (money.Cents, error) {
	var sum money.Cents

	for i, item := range items {
		if err := checkAmount(i+1, fieldAmount, item.Amount); err != nil {
			return 0, err
		}

		var err error
		if sum, err = sum.Add(item.Amount); err != nil {
			return 0, broken(i+1, RuleSum, fieldAmount, item.Amount.String(),
				"the items add up beyond what an amount may be: split the deposit")
		}
	}

	return sum, nil
}

func checkCount(lines int) error {
	switch {
	case lines == 0:
		return broken(0, RuleRequired, "DetailReglementtb", "", "give one line at least")
	case lines > MaxDetails:
		return broken(0, RuleLength, "DetailReglementtb", strconv.Itoa(lines), "at most "+strconv.Itoa(MaxDetails)+" lines: split it")
	default:
		return nil
	}
}

func checkAmount(line int, field string, amount money.Cents) error {
	if amount <= 0 || amount > money.Max {
		return &RuleError{
			Line: line, Rule: RuleAmount, Field: field, Value: amount.String(),
			Todo: "an amount is above zero and at most " + money.Max.String(),
		}
	}

	return nil
}

func checkState(state State) error {
	if err := checkCode(0, fieldChange, state.Change); err != nil {
		return err
	}

	if !isFinal(state.Final) {
		return broken(0, RuleState, fieldFinal, state.Final, "not a final state of the ERP: correct the table of states")
	}

	return nil
}

func checkLabel(label string) error {
	switch {
	case label == "":
		return broken(0, RuleRequired, fieldLabel, "", "give the label by which the ERP is to be searched")
	case utf8.RuneCountInString(label) > MaxLabel:
		return broken(0, RuleLength, fieldLabel, label, "at most "+strconv.Itoa(MaxLabel)+" characters")
	case strings.Contains(label, ";"):
		return broken(0, RuleCharacters, fieldLabel, label, "no semicolon: the ERP's look-ups separate their conditions by it")
	default:
		return checkCharacters(0, fieldLabel, label)
	}
}

func checkCode(line int, field, value string) error {
	if value == "" {
		return broken(line, RuleRequired, field, "", "give the code that the ERP knows")
	}

	return checkOptional(line, field, value)
}

func checkOptional(line int, field, value string) error {
	if utf8.RuneCountInString(value) > MaxCode {
		return broken(line, RuleLength, field, value, "at most "+strconv.Itoa(MaxCode)+" characters")
	}

	return checkCharacters(line, field, value)
}

// checkCharacters refuses what the ERP would change: its fields are of a fixed
// width, so that spaces at an end say nothing, and of Latin characters.
func checkCharacters(line int, field, value string) error {
	if value != "" && (value[0] == ' ' || value[len(value)-1] == ' ') {
		return broken(line, RuleCharacters, field, value, "no space at either end: the ERP does not keep them")
	}

	for _, char := range value {
		if !printable(char) {
			return broken(line, RuleCharacters, field, value, "printable Latin characters only")
		}
	}

	return nil
}

// printable tells whether the ERP's code page prints the character: Latin-1
// without its controls, and the typographic apostrophe, which stands for the
// plain one where that would end the value.
func printable(char rune) bool {
	return char <= unicode.MaxLatin1 && unicode.IsPrint(char) || char == typographicApostrophe
}
