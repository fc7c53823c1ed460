package reject

import (
	"io"
	"strings"

	"github.com/reglo/reglo/domain/pain002"
)

// readPain002 reads a report as the detail of a lot: the digits of its identifier end with the lot's. Orders that it does
// not reject are passed over.
func (r *reading) readPain002(name string, source io.Reader) error {
	read, err := pain002.Read(name, source, pain002.Handler{
		Group: func(report pain002.Report) error {
			if report.OriginalID != pain002.NotProvided {
				r.detail.Bulk = report.OriginalID
			}

			if wanted := digits(r.wanted); wanted != "" && strings.HasSuffix(digits(report.ID), wanted) {
				return r.begin(r.wanted)
			}

			return nil
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

// digits are the digits of an identifier.
func digits(id string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}

		return r
	}, id)
}
