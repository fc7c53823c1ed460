// Package part splits a CRE file by merchant, so that a transaction can post
// all of a merchant's lines and share no account with another transaction.
//
// A part is two files in the work folder: sales, which may be posted in several
// chunks, and the other lines, which are posted with the last of them. Each
// line is the ledger's number of the CP, a space and the canonical CRE line.
// Parts can always be made again from the CRE file; the hashes kept in the
// database prove that they are what was written.
package part

import (
	"fmt"

	"github.com/reglo/reglo/domain/money"
)

const (
	// bytesAPart is how much of a file goes into one part: about as many lines
	// as one transaction posts.
	bytesAPart = 8 << 20
	// partsMax bounds the files that are open at once, two a part.
	partsMax = 256
)

// Cut is how parts are cut into transactions, in lines.
type Cut struct {
	// ChunkLines is how many sales one transaction posts.
	ChunkLines int
	// BatchLines is how many lines one batch of the journal holds. Only a
	// merchant with more refunds than that in one file needs several in its last
	// transaction.
	BatchLines int
}

// OrdinaryCut has chunks so large that a commit and its round trips cost nothing
// beside the rows, and so small that a crash repeats a moment's work; batches
// that leave half of what an emission of events may hold for commissions and covers.
func OrdinaryCut() Cut {
	const chunkLines, batchLines = 50_000, 500_000
	return Cut{ChunkLines: chunkLines, BatchLines: batchLines}
}

// Parked is the number of the part that holds the lines to be parked. The
// others are numbered from 1.
const Parked = 0

// ToDebt stands before an unpaid that becomes its merchant's debt as a whole,
// where other lines have the CP's number: no account of the ledger has it.
const ToDebt = 0

// Count is how many parts a file of that many bytes is split into, the parked
// one not counted.
func Count(bytes int64) int {
	return int(min(max((bytes+bytesAPart-1)/bytesAPart, 1), partsMax))
}

// Part is what one part holds: lines, cents, and the SHA-256 of its two files.
// Sales are all lines in the merchant's favour, unpaids that were paid after all
// among them: they may be posted before the others, and in several transactions,
// without any CP going below zero.
type Part struct {
	Number      int
	Sales       int
	SalesSum    money.Cents
	Others      int
	OthersSum   money.Cents
	Commissions money.Cents
	SalesHash   [32]byte
	OthersHash  [32]byte
}

// Lines is how many lines the part has.
func (p Part) Lines() int { return p.Sales + p.Others }

// Chunk is what one transaction posts: sales From (included) to To (not
// included) of a part and, with the last chunk of the part, its other lines,
// its commissions and its covers.
type Chunk struct {
	Number   int
	Part     Part
	From, To int
	Last     bool
}

// Lines is how many lines the chunk posts.
func (c Chunk) Lines() int {
	if c.Last {
		return c.To - c.From + c.Part.Others
	}
	return c.To - c.From
}

// String names the chunk in errors and hashes.
func (c Chunk) String() string {
	return fmt.Sprintf("chunk %d: part %d, sales %d to %d of %d (%s), others %d (%s), commissions %s",
		c.Number, c.Part.Number, c.From, c.To, c.Part.Sales, c.Part.SalesSum, c.Part.Others, c.Part.OthersSum, c.Part.Commissions)
}

// Chunks lists the transactions that post the parts, in their order: the same
// for ever for the same plan, so that a resumed run goes on where the last
// stopped. Parked lines are not among them: they are posted when the file is accepted.
func (p Plan) Chunks() []Chunk {
	var chunks []Chunk
	for _, part := range p.Parts {
		if part.Number == Parked || part.Lines() == 0 {
			continue
		}
		for from := 0; ; from += p.Cut.ChunkLines {
			to := min(from+p.Cut.ChunkLines, part.Sales)
			last := to == part.Sales
			chunks = append(chunks, Chunk{Number: len(chunks), Part: part, From: from, To: to, Last: last})
			if last {
				break
			}
		}
	}
	return chunks
}
