package reject

import (
	"io"

	"github.com/reglo/reglo/domain/camt"
)

// readCamt reads a notification: each booked entry whose information is the label of a lot's bank line details that lot.
// Its other entries are passed over.
func (r *reading) readCamt(name string, source io.Reader) error {
	read, err := camt.Read(name, source, camt.Handler{Entry: func(entry *camt.Entry) error {
		lot := ""
		if entry.Status == camt.Booked {
			lot = r.lotOf(entry.Info, entry.Amount)
		}

		if err := r.begin(lot); err != nil {
			return err
		}

		for i := range entry.Details {
			detail := &entry.Details[i]
			r.add(Reject{EndToEndID: detail.EndToEndID, Amount: detail.Amount, Code: detail.Reason})
		}

		return nil
	}})
	r.detail.SHA256, r.detail.Bytes = read.SHA256, read.Bytes

	return err
}
