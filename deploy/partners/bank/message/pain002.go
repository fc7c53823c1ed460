package message

import (
	"fmt"
	"io"

	"github.com/reglo/reglo/domain/money"
)

// Status is what became of a group of orders, or of one of them.
type Status string

// The statuses that the bank gives.
const (
	AcceptedTechnically Status = "ACTC" // its form is right
	Accepted            Status = "ACCP" // it will be executed
	Partly              Status = "PART" // some of it is, the rest is rejected
	Rejected            Status = "RJCT"
)

// Report is what the bank says of a message of orders.
type Report struct {
	MessageID  string // OrgnlMsgId
	Definition string // OrgnlMsgNmId
	Orders     int    // of the message; 0 when it could not be read
	Sum        money.Cents
	Status     Status
	Code, Info string // why the whole is rejected, empty otherwise
	// Executed is what is left to execute beside the rejected, for the totals of a report on a part.
	Executed    int
	ExecutedSum money.Cents
	Rejected    []Detail
}

// WritePain002 writes a report, with the rejected orders under the blocks that they came in. The same arguments give the
// same bytes. The error is that of the destination, or says what is wrong with the envelope.
func WritePain002(out io.Writer, envelope Envelope, report Report) error {
	if err := envelope.check(Pain002V03, Pain002V10); err != nil {
		return err
	}

	d := newDocument(out, envelope.Definition)
	d.in("CstmrPmtStsRpt", func() {
		d.in("GrpHdr", func() {
			d.text("MsgId", envelope.ID)
			d.created(envelope.CreatedAt)
		})
		d.original(&report)

		for _, block := range blocks(report.Rejected) {
			d.in("OrgnlPmtInfAndSts", func() {
				d.text("OrgnlPmtInfId", block[0].PaymentID)

				for i := range block {
					d.rejected(&block[i])
				}
			})
		}
	})

	if err := d.close(); err != nil {
		return fmt.Errorf("write %s %s: %w", envelope.Definition, envelope.ID, err)
	}

	return nil
}

// original writes what is said of the message as a whole.
func (d document) original(report *Report) {
	d.in("OrgnlGrpInfAndSts", func() {
		d.text("OrgnlMsgId", report.MessageID)
		d.text("OrgnlMsgNmId", report.Definition)

		if report.Orders > 0 {
			d.number("OrgnlNbOfTxs", report.Orders)
			d.text("OrgnlCtrlSum", report.Sum.String())
		}

		d.text("GrpSts", string(report.Status))
		d.reason(report.Code, report.Info)

		if report.Executed > 0 {
			d.detailed(Accepted, report.Executed, report.ExecutedSum)
		}

		if len(report.Rejected) > 0 {
			var sum money.Cents
			for i := range report.Rejected {
				sum += report.Rejected[i].Amount
			}

			d.detailed(Rejected, len(report.Rejected), sum)
		}
	})
}

func (d document) detailed(status Status, orders int, sum money.Cents) {
	d.in("NbOfTxsPerSts", func() {
		d.number("DtldNbOfTxs", orders)
		d.text("DtldSts", string(status))
		d.text("DtldCtrlSum", sum.String())
	})
}

func (d document) rejected(detail *Detail) {
	d.in("TxInfAndSts", func() {
		d.text("OrgnlInstrId", detail.InstructionID)
		d.text("OrgnlEndToEndId", detail.EndToEndID)
		d.text("TxSts", string(Rejected))
		d.reason(detail.Code, "")
		d.in("OrgnlTxRef", func() { d.in("Amt", func() { d.amount("InstdAmt", detail.Amount) }) })
	})
}

// maxInfo is the longest additional information of a reason, in characters: an ISO 20022 Max105Text.
const maxInfo = 105

func (d document) reason(code, info string) {
	if code == "" {
		return
	}

	if characters := []rune(info); len(characters) > maxInfo {
		info = string(characters[:maxInfo])
	}

	d.in("StsRsnInf", func() {
		d.in("Rsn", func() { d.text("Cd", code) })
		d.text("AddtlInf", info)
	})
}

// blocks parts payments by their blocks, in the order in which these come first.
func blocks(details []Detail) [][]Detail {
	var parted [][]Detail

	places := map[string]int{}

	for _, detail := range details {
		place, known := places[detail.PaymentID]
		if !known {
			place = len(parted)
			places[detail.PaymentID] = place
			parted = append(parted, nil)
		}

		parted[place] = append(parted[place], detail)
	}

	return parted
}
