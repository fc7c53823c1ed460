package command

import (
	"encoding/hex"
	"strings"

	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/pain002"
)

// checkedReport is what a report on orders says as a whole.
type checkedReport struct {
	ID         string                `json:"id"`
	CreatedAt  string                `json:"createdAt"`
	Message    string                `json:"message"` // reported on
	Definition string                `json:"definition"`
	Orders     int                   `json:"orders,omitempty"` // of that message
	Sum        money.Cents           `json:"sumCents,omitempty"`
	Status     pain002.Status        `json:"status,omitempty"`
	Reasons    []string              `json:"reasons,omitempty"`
	Counts     []checkedStatus       `json:"counts,omitempty"` // as the report says them
	Blocks     int                   `json:"blocks"`
	Named      int                   `json:"named"` // orders
	ByStatus   tally                 `json:"byStatus,omitempty"`
	ByReason   tally                 `json:"byReason,omitempty"`
	First      []checkedReportedPart `json:"first"`
}

// checkedStatus is how many orders have a status.
type checkedStatus struct {
	Status pain002.Status `json:"status"`
	Orders int            `json:"orders"`
	Sum    money.Cents    `json:"sumCents,omitempty"`
}

// checkedReportedPart is what is said of a block.
type checkedReportedPart struct {
	ID      string         `json:"id"`
	Status  pain002.Status `json:"status,omitempty"`
	Reasons []string       `json:"reasons,omitempty"`
	Orders  int            `json:"orders,omitempty"`
	Sum     money.Cents    `json:"sumCents,omitempty"`
	Named   int            `json:"named"`
}

func (d *checkedReport) rows() [][]string {
	said := make([]string, 0, len(d.Counts))
	for _, one := range d.Counts {
		part := string(one.Status) + " " + number(one.Orders)
		if one.Sum != 0 {
			part += " of " + euros(one.Sum)
		}
		said = append(said, part)
	}
	return about(
		[]string{"id", d.ID}, []string{"created", d.CreatedAt}, []string{"message", d.Message + ", " + d.Definition},
		[]string{"status", strings.Join(append([]string{string(d.Status)}, d.Reasons...), " ")},
		[]string{"orders", unsaid(d.Orders)}, []string{"sum", saidSum(d.Sum)}, []string{"by status", strings.Join(said, ", ")},
		[]string{"blocks named", number(d.Blocks)}, []string{"orders named", counts(d.Named, d.ByStatus)},
		[]string{"reasons", parted(d.ByReason)})
}

func (d *checkedReport) parts() parts {
	of := parts{noun: "block", header: []string{"block", "status", "orders", "sum", "named"}, count: d.Blocks}
	for _, block := range d.First {
		status := strings.Join(append([]string{string(block.Status)}, block.Reasons...), " ")
		of.rows = append(of.rows, []string{block.ID, status, unsaid(block.Orders), saidSum(block.Sum), number(block.Named)})
	}
	return of
}

// reasonCodes are the codes of reasons, those that say one.
func reasonCodes(reasons []pain002.Reason) []string {
	var codes []string
	for _, reason := range reasons {
		if reason.Code != "" {
			codes = append(codes, plain(reason.Code))
		}
	}
	return codes
}

func (c *check) report(file *content) (checkedFile, error) {
	found := &checkedReport{ByStatus: tally{}, ByReason: tally{}, First: []checkedReportedPart{}}
	unexplained := 0
	read, err := pain002.Read(c.name, file, pain002.Handler{
		Group: func(report pain002.Report) error {
			return c.take("report", 0, func(r *checkedRecord) {
				r.add("id", report.ID)
				r.add("message", report.OriginalID)
				r.add("definition", report.OriginalDefinition)
				r.add("status", string(report.Status))
				r.add("reasons", strings.Join(reasonCodes(report.Reasons), " "))
			})
		},
		Payment: func(block pain002.Payment) error {
			found.block(&block)
			return c.take("block", 0, func(r *checkedRecord) {
				r.add("id", block.OriginalID)
				r.add("status", string(block.Status))
				r.add("reasons", strings.Join(reasonCodes(block.Reasons), " "))
				r.add("orders", unsaid(block.Orders))
			})
		},
		Transaction: func(order pain002.Transaction) error {
			if !found.order(&order) {
				unexplained++
			}
			return c.take("order", 0, func(r *checkedRecord) { fillReported(r, &order) })
		},
	})
	found.message(&read)
	checked := checkedFile{SHA256: hex.EncodeToString(read.SHA256[:]), Bytes: read.Bytes, Report: found}
	checked.Warnings.add(unexplained, "order", "rejected without the code of a reason")
	return checked, err
}

func fillReported(r *checkedRecord, order *pain002.Transaction) {
	r.add("block", order.PaymentID)
	r.add("statusId", order.StatusID)
	r.add("instructionId", order.InstructionID)
	r.add("endToEndId", order.EndToEndID)
	r.add("status", string(order.Status))
	r.add("reasons", strings.Join(reasonCodes(order.Reasons), " "))
	if order.Amount != 0 {
		r.cents("amountCents", order.Amount)
	}
}

// message takes over what is said of the message as a whole.
func (d *checkedReport) message(read *pain002.Report) {
	d.ID, d.CreatedAt = plain(read.ID), moment(read.CreatedAt)
	d.Message, d.Definition = plain(read.OriginalID), plain(read.OriginalDefinition)
	d.Orders, d.Sum, d.Status, d.Reasons = read.Orders, read.Sum, read.Status, reasonCodes(read.Reasons)
	for _, said := range read.Counts {
		d.Counts = append(d.Counts, checkedStatus{Status: said.Status, Orders: said.Orders, Sum: said.Sum})
	}
}

func (d *checkedReport) block(block *pain002.Payment) {
	d.Blocks++
	if len(d.First) < shownParts {
		d.First = append(d.First, checkedReportedPart{
			ID: plain(block.OriginalID), Status: block.Status, Reasons: reasonCodes(block.Reasons), Orders: block.Orders, Sum: block.Sum,
		})
	}
}

// order counts an order, and tells whether a rejected one says why.
func (d *checkedReport) order(order *pain002.Transaction) bool {
	d.Named++
	if d.Blocks <= len(d.First) && d.Blocks > 0 {
		d.First[d.Blocks-1].Named++
	}
	d.ByStatus.add(string(order.Status))
	codes := reasonCodes(order.Reasons)
	for _, code := range codes {
		d.ByReason.add(code)
	}
	return len(codes) > 0 || !order.Status.Rejected()
}
