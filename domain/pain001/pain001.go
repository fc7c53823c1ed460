// Package pain001 writes orders of transfers for a bank, and reads them back: CustomerCreditTransferInitiation messages of
// ISO 20022, with the elements and the rules of SEPA, in one pass. Everything in a file is derived from what the writer is
// given, so that a file that is written again has the same bytes.
//
// Written parties have no address: the structured one that SEPA takes is optional, and an order has none. A BIC that is none, or
// that the version does not hold, is left out: SEPA routes by the IBAN.
package pain001

import (
	"crypto/sha256"
	"errors"
	"time"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/sepa"
	"github.com/reglo/reglo/domain/transfer"
)

// Version is the definition of the message, which its namespace ends with.
type Version string

// The versions.
const (
	V03 Version = "pain.001.001.03" // of the OG-EP reference
	V09 Version = "pain.001.001.09" // of the banks since SEPA's change of version
)

const (
	// MaxOrders is how many orders a file has at most, fifty times what a bulk holds. The writer keeps their identifiers
	// to prove them unique: some 5 MB for 100,000 orders, 40 MB for MaxOrders, allocated as the file is begun. The rest of
	// its memory does not grow with the file.
	MaxOrders = 500_000
	// MaxBlocks is how many PmtInf a file has at most: what three digits of base 36 number, the first one being that
	// without number.
	MaxBlocks = base36 * base36 * base36

	base36 = 36
)

// ErrEnded says that the file is ended, and takes nothing more.
var ErrEnded = errors.New("the file is ended: write what is left to another one")

// Format is how a bank wants its files.
type Format struct {
	Version Version
	// BatchBooking asks the bank to book each block in one amount, instead of each of its orders.
	BatchBooking bool
	// OneBlock puts all orders into one block, which debits the account of the message. The debtor of an order is then its
	// UltmtDbtr, by its name, unless the account's holder has the same.
	OneBlock bool
}

// Message is the file as a whole.
type Message struct {
	ID        string    // MsgId, a reference of at most 35 characters, 32 where there are several blocks: the bulk's uuid without dashes
	CreatedAt time.Time // CreDtTm: the bulk's instant, not the attempt's; written to the second, as clocks in Paris show it, with offset
	Initiator string    // name of who gives the orders
	Orders    int       // 1 to MaxOrders
	Sum       money.Cents
	Account   transfer.Party // debited when OneBlock, else left out; its BIC may be empty
}

// Block is a PmtInf: the orders that debit one account on one day. Its PmtInfId is the message's ID, followed from the
// second block on by its number from 1 on, in three digits of base 36.
type Block struct {
	Debtor  transfer.Party // debited; its BIC may be empty. When OneBlock it is the account of the message, or left out
	DueDate calendar.Date  // ReqdExctnDt, a business day of TARGET
	Orders  int            // 1 or more
	Sum     money.Cents
}

// Summary is what was written.
type Summary struct {
	Orders   int
	Blocks   int
	Sum      money.Cents
	SHA256   [sha256.Size]byte // of the file
	Bytes    int64             // of the file
	Replaced sepa.Report       // texts that are not in the file as they were given
}
