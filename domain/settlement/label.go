package settlement

import (
	"fmt"
	"strings"

	"github.com/reglo/reglo/domain/calendar"
)

const (
	referenceSuffix = "UEP"
	sequenceLength  = 6
	dateLength      = len("20060102")
	referenceLength = sequenceLength + dateLength + len(referenceSuffix)

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

// Label writes what ParseLabel reads.
func (m Movement) Label() string { return "REM E " + m.OperationType + " " + m.Reference }

// ParseLabel reads the bank's label of a settlement, and tells whether it is one. Banks pad and cut labels: any run of
// spaces separates its words.
func ParseLabel(label string) (Movement, bool) {
	const words = 4

	word := strings.Fields(label)
	if len(word) != words || word[0] != "REM" || word[1] != "E" || !validReference(word[3]) {
		return Movement{}, false
	}

	return Movement{OperationType: word[2], Reference: word[3]}, true
}

func validReference(reference string) bool {
	if len(reference) != referenceLength || !strings.HasSuffix(reference, referenceSuffix) {
		return false
	}

	for i := range sequenceLength {
		if !digit(reference[i]) {
			return false
		}
	}

	_, err := calendar.ParseCompact([]byte(reference[sequenceLength : sequenceLength+dateLength]))

	return err == nil
}
