package pain001

import (
	"strconv"
	"strings"
)

// BlockOf is the place of a block in a message's file, from 0 on, by its PmtInfId; false for what is the PmtInfId of none,
// whatever the number of blocks.
func BlockOf(message, blockID string) (place int, is bool) {
	digits, ours := strings.CutPrefix(blockID, message)
	if !ours || digits == "" {
		return 0, ours
	}

	number, err := strconv.ParseInt(digits, base36, 32)
	if err != nil || number < 1 || number >= MaxBlocks || suffix(int(number)) != digits {
		return 0, false
	}

	return int(number), true
}
