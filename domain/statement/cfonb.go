package statement

import (
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/reglo/reglo/domain/cfonb"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/ledger"
)

// readCFONB reads CFONB 120.
func (a *assembly) readCFONB(name string, source io.Reader) error {
	read, err := cfonb.Read120(name, source, cfonb.Options{}, cfonb.StatementHandler{
		Begin: a.beginCFONB, Movement: a.movement, End: a.endCFONB,
	})
	a.file.SHA256, a.file.Bytes = read.SHA256, read.Bytes

	return err
}

func (a *assembly) beginCFONB(begun *cfonb.Statement) error {
	place := fault.Fault{Line: begun.Line, Field: "account"}

	code, ours := a.accounts.french(begun.Account)
	if !ours {
		a.foreign(begun.Account.String(), place)

		return nil
	}

	return a.begin(Statement{Account: code, From: begun.OpenedOn, Opening: begun.Opening}, place)
}

// french finds the account whose IBAN holds the number.
func (a Accounts) french(account cfonb.Account) (ledger.Code, bool) {
	for code, iban := range a {
		if account.Is(iban) {
			return code, true
		}
	}

	return "", false
}

func (a *assembly) endCFONB(ended *cfonb.Statement) error {
	if a.current != nil {
		a.current.Date, a.current.Closing = ended.ClosedOn, ended.Closing
	}

	return a.end()
}

// movement makes a line of a movement. Neither its number nor its reference tells it from others: see Identify.
func (a *assembly) movement(read *cfonb.Movement) error {
	if read.Amount == 0 {
		a.leaveOut()

		return nil
	}

	booked := read.BookedOn.Midnight()
	line := Line{
		Label: told(cfonbLabel(read), "OPERATION "+read.Code), Amount: read.Amount,
		BookedAt: booked, TransactionAt: booked, ValueAt: moment(time.Time{}, read.ValueOn, read.BookedOn),
	}

	if id := read.EndToEndID(); id != "" {
		line.Details = []Detail{{EndToEndID: id, Amount: read.Amount, Code: read.RejectReason}}
	}

	return a.line(line, fault.Fault{Line: read.Line})
}

// The label of a CFONB movement, and the complement that goes on with it.
const (
	cfonbLabelLength = 31 // columns
	qualifierLabel   = "LIB"
)

// cfonbLabel is the movement's label alone: what complements add to it (a name, a mandate) would hide what it is from the
// grammars. Only a label that fills its columns may have been cut, and then the complements hold the whole of it if they
// begin as it does.
func cfonbLabel(read *cfonb.Movement) string {
	// The last column is empty where the label was cut between two words.
	if utf8.RuneCountInString(read.Label) < cfonbLabelLength-1 {
		return read.Label
	}

	var whole []string

	for _, complement := range read.Complements {
		if complement.Qualifier == qualifierLabel {
			whole = append(whole, strings.Fields(complement.Text)...)
		}
	}

	if text := strings.Join(whole, " "); strings.HasPrefix(text, strings.Join(strings.Fields(read.Label), " ")) {
		return text
	}

	return read.Label
}
