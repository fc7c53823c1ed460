package statement

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/reglo/reglo/domain/lines"
)

// ReadLot looks at the beginning of a file and gives the lot of rejects that it details; found is false when its first line
// is no header of the format ogep-rejects/1. It tells files apart, and controls nothing else. The error is that of the source.
func ReadLot(source io.Reader) (lot string, found bool, err error) {
	first, sound, err := lines.First(source, lines.Options{})
	if err != nil {
		return "", false, fmt.Errorf("read the first line: %w", err)
	}

	var header struct {
		Format string `json:"format"`
		Lot    string `json:"lot"`
	}

	readable := sound && json.Unmarshal(first, &header) == nil

	if !readable || header.Format != RejectsFormat {
		return "", false, nil
	}

	return header.Lot, true, nil
}
