package reject

import (
	"errors"
	"io"
	"strings"

	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/iso20022"
	"github.com/reglo/reglo/domain/pain002"
)

// A report that is the detail of a lot is named by the label of the lot's bank line, which reports on bulks are not. An
// identifier has room for little else: whatever it puts between the label's words is passed over.
const (
	lotMark   = "LOTREJVIR"
	lotPrefix = "REJ" // of the lot's reference
	lotDigits = 12    // of the lot
	allDigits = 14    // with its part
)

// IsLot looks at a pain.002 and tells the detail of a lot of rejects from a report on a bulk. It controls nothing else, and
// what cannot be read so far is no detail. The error is that of the source.
func IsLot(source io.Reader) (bool, error) {
	is := false

	_, err := pain002.Read("", source, pain002.Handler{Group: func(report pain002.Report) error {
		is = digitsOfLot(report.ID) != ""

		return errFound
	}})
	if _, bad := errors.AsType[*fault.Faults](err); bad || errors.Is(err, errFound) {
		return is, nil
	}

	return is, err
}

// digitsOfLot are the digits of a report's identifier, and nothing when it is on no lot.
func digitsOfLot(id string) string {
	told := only(id, '0', '9')
	if len(told) < allDigits || !strings.Contains(only(id, 'A', 'Z'), lotMark) {
		return ""
	}

	return told
}

// readPain002 reads a report as the detail of a lot: the digits of its identifier end with the lot's. Orders that it does
// not reject are passed over.
func (r *reading) readPain002(name string, source io.Reader) error {
	read, err := pain002.Read(name, source, pain002.Handler{
		Group: func(report pain002.Report) error {
			if report.OriginalID != iso20022.NotProvided {
				r.detail.Bulk = report.OriginalID
			}

			told := digitsOfLot(report.ID)

			switch wanted := only(r.wanted, '0', '9'); {
			case told == "":
				return r.begin("")
			case wanted != "" && strings.HasSuffix(told, wanted):
				return r.begin(r.wanted)
			default:
				told = told[len(told)-allDigits:]

				return r.begin(lotPrefix + told[:lotDigits] + "-" + told[lotDigits:])
			}
		},
		Transaction: func(told pain002.Transaction) error {
			if told.Status.Rejected() {
				r.add(Reject{EndToEndID: told.EndToEndID, Amount: told.Amount, Code: reason(told.Reasons)})
			}

			return nil
		},
	})
	r.detail.SHA256, r.detail.Bytes = read.SHA256, read.Bytes

	return err
}

// reason is the first of the bank's reasons that is a code.
func reason(told []pain002.Reason) string {
	for _, one := range told {
		if one.Code != "" {
			return one.Code
		}
	}

	return ""
}

// only are the characters of an identifier from first to last.
func only(id string, first, last rune) string {
	return strings.Map(func(r rune) rune {
		if r < first || r > last {
			return -1
		}

		return r
	}, id)
}
