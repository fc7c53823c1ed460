package settlement

import (
	"fmt"
	"io"

	"github.com/reglo/reglo/domain/lines"
)

// ReadHeader reads the first line of a file, and nothing behind it. It tells whether that line is a header whose reference
// can be read; what else is wrong with it, or with the file, is left to Read. The error is that of the source.
func ReadHeader(source io.Reader, layout Layout) (Header, bool, error) {
	text, sound, err := lines.First(source, layout.Text())
	if err != nil {
		return Header{}, false, fmt.Errorf("read the first line: %w", err)
	}

	if !sound {
		return Header{}, false, nil
	}

	var record Record

	layout.Decode(text, &record)

	if record.Kind != RecordHeader || record.isRefused(FieldRecord) || record.isRefused(FieldReference) {
		return Header{}, false, nil
	}

	return record.Header, true, nil
}
