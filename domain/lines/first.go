package lines

import (
	"crypto/sha256"
	"io"

	"github.com/reglo/reglo/domain/fault"
)

// First gives the first line of a file as Reader.Text does, and tells whether it is sound: complete, not too long, and in
// the encoding that options declare. It reads no further than the longest line reaches, in as much memory, so that many
// files can be told apart by how they begin. The error is that of the source.
func First(source io.Reader, options Options) (text []byte, sound bool, err error) {
	const around = 64 // the line's ending, the byte order mark before it, and never a full buffer

	reader := &Reader{
		source: io.LimitReader(source, MaxLength+around/2), options: options, faults: &fault.Faults{},
		buffer: make([]byte, MaxLength+around), digest: sha256.New(),
	}
	if !reader.Next() {
		return nil, false, reader.Err()
	}

	return reader.Text(), reader.Sound(), reader.Err()
}
