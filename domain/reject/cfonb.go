package reject

import (
	"io"
	"strings"

	"github.com/reglo/reglo/domain/cfonb"
)

// readCFONB reads returns of CFONB 240: the description of a record 31 begins with the label of the lot's bank line, and
// that of a 34 is an endToEndId and the reason's code. What stands behind them is the bank's own.
func (r *reading) readCFONB(name string, source io.Reader) error {
	read, err := cfonb.Read240(name, source, cfonb.Options{}, cfonb.AdviceHandler{
		Begin: func(advice *cfonb.Advice) error {
			if advice.Operation != cfonb.TransferRejected {
				return r.begin("")
			}

			return r.begin(r.lotBeginning(advice.Description))
		},
		Detail: func(detail *cfonb.Detail) error {
			var found Reject

			words := strings.Fields(detail.Description)
			if len(words) > 0 {
				found.EndToEndID = words[0]
			}

			if len(words) > 1 {
				found.Code = words[1]
			}

			found.Amount = detail.Amount
			r.add(found)

			return nil
		},
	})
	r.detail.SHA256, r.detail.Bytes = read.SHA256, read.Bytes

	return err
}

// lotBeginning is the reference of the lot with whose label a text begins, the longest label that does.
func (r *reading) lotBeginning(text string) string {
	words := strings.Fields(text)

	for end := len(words); end > 0; end-- {
		// Any credit will do: a lot is one.
		if lot := r.lotOf(strings.Join(words[:end], " "), 1); lot != "" {
			return lot
		}
	}

	return ""
}
