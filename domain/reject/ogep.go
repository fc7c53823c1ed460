package reject

import (
	"io"

	"github.com/reglo/reglo/domain/statement"
)

// readOgep reads a detail of the format ogep-rejects/1.
func (r *reading) readOgep(name string, source io.Reader) error {
	var found []statement.Reject

	read, err := statement.ReadRejects(name, source, func(reject statement.Reject) error {
		found = append(found, reject)

		return nil
	})
	if err != nil {
		return err
	}

	r.detail.SHA256, r.detail.Bytes = read.SHA256, read.Bytes

	if err := r.begin(read.Lot); err != nil {
		return err
	}

	for _, one := range found {
		r.add(Reject(one))
	}

	return nil
}
