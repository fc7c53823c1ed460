package merchant

import (
	"fmt"
	"path"
	"strconv"
	"strings"
)

const (
	extension = ".csv"

	// sequenceWidth is the width of a sequence number written into a name; read, it may have any width up to nine digits.
	sequenceWidth    = 6
	maxSequenceWidth = 9
)

// FileName names the snapshot of a sequence number: "Merchants.000001.csv".
func FileName(base string, sequence int) string {
	return fmt.Sprintf("%s.%0*d%s", base, sequenceWidth, sequence, extension)
}

// SequenceFromName reads the sequence number of a snapshot from the name of its file, with or without its folder:
// `<name>.<sequence>.csv`. It tells whether there is one.
func SequenceFromName(name string) (int, bool) {
	stem, isCSV := strings.CutSuffix(path.Base(name), extension)
	dot := strings.LastIndexByte(stem, '.')

	if !isCSV || dot < 1 {
		return 0, false
	}

	digits := stem[dot+1:]
	if len(digits) > maxSequenceWidth || strings.Trim(digits, "0123456789") != "" {
		return 0, false
	}

	sequence, err := strconv.Atoi(digits)

	return sequence, err == nil
}
