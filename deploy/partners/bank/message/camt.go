package message

import (
	"fmt"
	"io"

	"github.com/reglo/reglo/domain/money"
)

// WriteCamt053 writes statements as one camt.053: with opening (OPBD) and closing (CLBD) booked balances, the totals, and
// the entries. The same arguments give the same bytes. The error is that of the destination, or says what is wrong with
// the arguments.
func WriteCamt053(out io.Writer, envelope Envelope, statements ...Statement) error {
	if err := envelope.check(Camt053V02, Camt053V08); err != nil {
		return err
	}

	for i := range statements {
		if err := statements[i].check(); err != nil {
			return err
		}
	}

	d := camt{newDocument(out, envelope.Definition), envelope}
	d.in("BkToCstmrStmt", func() {
		d.header()

		for i := range statements {
			d.statement(&statements[i])
		}
	})

	if err := d.close(); err != nil {
		return fmt.Errorf("write %s %s: %w", envelope.Definition, envelope.ID, err)
	}

	return nil
}

// WriteCamt054 writes entries of an account as one camt.054, with their details. The errors are those of WriteCamt053.
func WriteCamt054(out io.Writer, envelope Envelope, iban string, entries ...Entry) error {
	if err := envelope.check(Camt054V02, Camt054V08); err != nil {
		return err
	}

	d := camt{newDocument(out, envelope.Definition), envelope}
	d.in("BkToCstmrDbtCdtNtfctn", func() {
		d.header()
		d.in("Ntfctn", func() {
			d.text("Id", envelope.ID)
			d.created(envelope.CreatedAt)
			d.account(iban)
			d.totals(entries)

			for i := range entries {
				d.entry(&entries[i])
			}
		})
	})

	if err := d.close(); err != nil {
		return fmt.Errorf("write %s %s: %w", envelope.Definition, envelope.ID, err)
	}

	return nil
}

// camt writes what camt.053 and camt.054 have in common. The older versions of both differ from the newer ones alike.
type camt struct {
	document

	envelope Envelope
}

func (c camt) old() bool {
	return c.envelope.Definition == Camt053V02 || c.envelope.Definition == Camt054V02
}

func (c camt) header() {
	c.in("GrpHdr", func() {
		c.text("MsgId", c.envelope.ID)
		c.created(c.envelope.CreatedAt)
	})
}

func (c camt) statement(s *Statement) {
	c.in("Stmt", func() {
		c.text("Id", s.ID)
		c.number("ElctrncSeqNb", s.Number)
		c.created(c.envelope.CreatedAt)
		c.account(s.IBAN)
		c.balance("OPBD", s.Opening)
		c.balance("CLBD", s.Closing)
		c.totals(s.Entries)

		for i := range s.Entries {
			c.entry(&s.Entries[i])
		}
	})
}

func (c camt) balance(code string, balance Balance) {
	c.in("Bal", func() {
		c.in("Tp", func() { c.in("CdOrPrtry", func() { c.text("Cd", code) }) })
		c.amount("Amt", balance.Amount)
		c.direction(balance.Amount)
		c.day("Dt", balance.Date)
	})
}

func (c camt) totals(entries []Entry) {
	var (
		credits, debits       int
		creditsSum, debitsSum money.Cents
	)

	for i := range entries {
		if amount := entries[i].Amount; amount < 0 {
			debits, debitsSum = debits+1, debitsSum-amount
		} else {
			credits, creditsSum = credits+1, creditsSum+amount
		}
	}

	c.in("TxsSummry", func() {
		c.in("TtlNtries", func() {
			c.number("NbOfNtries", credits+debits)
			c.text("Sum", (creditsSum + debitsSum).String())
			c.net(creditsSum - debitsSum)
		})
		c.total("TtlCdtNtries", credits, creditsSum)
		c.total("TtlDbtNtries", debits, debitsSum)
	})
}

func (c camt) net(net money.Cents) {
	if c.old() {
		c.text("TtlNetNtryAmt", net.Abs().String())
		c.direction(net)

		return
	}

	c.in("TtlNetNtry", func() {
		c.text("Amt", net.Abs().String())
		c.direction(net)
	})
}

func (c camt) total(name string, entries int, sum money.Cents) {
	c.in(name, func() {
		c.number("NbOfNtries", entries)
		c.text("Sum", sum.String())
	})
}

func (c camt) entry(e *Entry) {
	c.in("Ntry", func() {
		c.amount("Amt", e.Amount)
		c.direction(e.Amount)

		if c.old() {
			c.text("Sts", "BOOK")
		} else {
			c.in("Sts", func() { c.text("Cd", "BOOK") })
		}

		c.day("BookgDt", e.BookedOn)
		c.day("ValDt", e.ValueOn)
		c.text("AcctSvcrRef", e.ID)
		c.code(e)
		c.details(e)
		c.text("AddtlNtryInf", e.Label)
	})
}

// code names what an entry is, by ISO's codes and by the CFONB's, as French banks do.
func (c camt) code(e *Entry) {
	family, subfamily := e.isoCode()

	c.in("BkTxCd", func() {
		c.in("Domn", func() {
			c.text("Cd", "PMNT")
			c.in("Fmly", func() {
				c.text("Cd", family)
				c.text("SubFmlyCd", subfamily)
			})
		})
		c.in("Prtry", func() {
			c.text("Cd", e.cfonbCode())
			c.text("Issr", "CFB")
		})
	})
}

func (e *Entry) isoCode() (family, subfamily string) {
	switch {
	case e.Kind == Settled && e.Amount < 0:
		return "MCRD", "UPCT" // unpaid card transactions
	case e.Kind == Settled:
		return "MCRD", "POSP" // payments at the point of sale
	case e.Kind == Remitted:
		return "ICDT", "ESCT" // SEPA credit transfers issued
	case e.Kind == Returned:
		return "ICDT", "RRTN" // transfers issued that were returned
	case e.Kind == Own && e.Amount < 0:
		return "ICDT", "BOOK"
	case e.Kind == Own:
		return "RCDT", "BOOK"
	default:
		return "OTHR", "OTHR"
	}
}

func (c camt) details(e *Entry) {
	if e.Batch == nil && len(e.Details) == 0 {
		return
	}

	c.in("NtryDtls", func() {
		message := ""

		if e.Batch != nil {
			message = e.Batch.MessageID
			c.in("Btch", func() {
				c.text("MsgId", message)
				c.number("NbOfTxs", e.Batch.Orders)
				c.amount("TtlAmt", e.Amount)
				c.direction(e.Amount)
			})
		}

		for i := range e.Details {
			c.detail(e, message, &e.Details[i])
		}
	})
}

func (c camt) detail(e *Entry, message string, detail *Detail) {
	c.in("TxDtls", func() {
		c.in("Refs", func() {
			c.text("MsgId", message)
			c.text("PmtInfId", detail.PaymentID)
			c.text("InstrId", detail.InstructionID)
			c.text("EndToEndId", detail.EndToEndID)
		})

		if c.old() {
			c.in("AmtDtls", func() { c.in("TxAmt", func() { c.amount("Amt", detail.Amount) }) })
		} else {
			c.amount("Amt", detail.Amount)
			c.direction(e.Amount)
		}

		c.creditor(detail.Creditor)

		if detail.Code != "" {
			c.in("RtrInf", func() { c.in("Rsn", func() { c.text("Cd", detail.Code) }) })
		}
	})
}

func (c camt) creditor(creditor Party) {
	if creditor.IBAN == "" {
		return
	}

	c.in("RltdPties", func() {
		name := func() { c.text("Nm", creditor.Name) }

		if c.old() {
			c.in("Cdtr", name)
		} else {
			c.in("Cdtr", func() { c.in("Pty", name) })
		}

		c.in("CdtrAcct", func() { c.in("Id", func() { c.text("IBAN", creditor.IBAN) }) })
	})
}
