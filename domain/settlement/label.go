package settlement

import (
	"fmt"

	"github.com/reglo/reglo/domain/calendar"
)

const (
	referenceSuffix = "UEP"
	sequenceLength  = 6

	// MaxSequence is the largest sequence number of a reference: six digits.
	MaxSequence = 999_999
)

// Movement is what the bank's label of a settlement says: `REM E <operationType> <reference>`.
type Movement struct {
	OperationType string // "100"
	Reference     string // `<sequence, 6 digits><yyyyMMdd>UEP`, also that of the CRE file which explains the movement
}

// NewReference makes the reference of a settlement from its sequence number, 0 to MaxSequence, and its date.
func NewReference(sequence int, date calendar.Date) string {
	return fmt.Sprintf("%0*d%s%s", sequenceLength, sequence, date.Compact(), referenceSuffix)
}

// Label is the movement's label as the bank words it; domain/label reads it back.
func (m Movement) Label() string { return "REM E " + m.OperationType + " " + m.Reference }
