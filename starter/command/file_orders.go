package command

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/reglo/reglo/domain/cfonb"
	"github.com/reglo/reglo/domain/delivery"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/iso20022"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/pain001"
	"github.com/reglo/reglo/domain/pain008"
	"github.com/reglo/reglo/schemas/xsd"
)

// checkedTransfers is what a file of orders says as a whole.
type checkedTransfers struct {
	ID        string         `json:"id,omitempty"`
	CreatedAt string         `json:"createdAt,omitempty"`
	Initiator string         `json:"initiator,omitempty"`
	Orders    int            `json:"orders"`
	Sum       money.Cents    `json:"sumCents"`
	Blocks    int            `json:"blocks"`
	First     []checkedBlock `json:"first"`
}

// checkedBlock is orders of one account on one day.
type checkedBlock struct {
	ID      string      `json:"id,omitempty"`
	Line    int         `json:"line,omitempty"`
	Account string      `json:"account,omitempty"`
	DueDate string      `json:"dueDate"`
	Orders  int         `json:"orders"`
	Sum     money.Cents `json:"sumCents"`
}

func (d *checkedTransfers) rows() [][]string {
	return about(
		[]string{"id", d.ID}, []string{"created", d.CreatedAt}, []string{"initiator", d.Initiator},
		[]string{"blocks", number(d.Blocks)}, []string{"orders", number(d.Orders)}, []string{"sum", euros(d.Sum)})
}

func (d *checkedTransfers) parts() parts {
	return blockParts(d.First, d.Blocks)
}

func blockParts(first []checkedBlock, blocks int) parts {
	of := parts{noun: "block", header: []string{"block", "account", "date", "orders", "sum"}, count: blocks}
	for _, block := range first {
		of.rows = append(of.rows, []string{block.ID, block.Account, block.DueDate, number(block.Orders), euros(block.Sum)})
	}
	return of
}

// add counts a block, and keeps the first.
func (d *checkedTransfers) add(block checkedBlock) {
	d.Blocks++
	d.Orders += block.Orders
	d.Sum += block.Sum
	if len(d.First) < shownParts {
		d.First = append(d.First, block)
	}
}

// orders reads a pain.001 twice: by the rules of SEPA, then by the schema that
// orders pass before they leave.
func (c *check) orders(file *content) (checkedFile, error) {
	found := &checkedTransfers{First: []checkedBlock{}}
	read, err := pain001.Read(c.name, file, pain001.Handler{
		Block: func(block pain001.Instruction) error {
			found.add(checkedBlock{
				ID: plain(block.ID), Line: block.Line, Account: maskAccount(block.Debtor.IBAN), DueDate: block.DueDate.String(),
				Orders: block.Orders, Sum: block.Sum,
			})
			return c.take("block", block.Line, func(r *checkedRecord) {
				r.add("id", block.ID)
				r.date("dueDate", block.DueDate)
				r.name("debtorName", block.Debtor.Name)
				r.account("debtorIban", block.Debtor.IBAN)
				r.add("debtorBic", block.Debtor.BIC)
				r.add("orders", number(block.Orders))
				r.cents("sumCents", block.Sum)
			})
		},
		Order: func(order pain001.Order) error {
			return c.take("order", order.Line, func(r *checkedRecord) {
				r.add("instructionId", order.InstructionID)
				r.add("endToEndId", order.EndToEndID)
				r.cents("amountCents", order.Amount)
				r.name("debtorName", order.Debtor.Name)
				r.name("creditorName", order.Creditor.Name)
				r.account("creditorIban", order.Creditor.IBAN)
				r.add("creditorBic", order.Creditor.BIC)
				r.add("info", order.Info)
			})
		},
	})
	faults, refused := errors.AsType[*fault.Faults](err)
	if err != nil && !refused {
		return checkedFile{}, err
	}
	if faults, err = c.judged(file, faults); err != nil {
		return checkedFile{}, err
	}
	if faults != nil {
		return checkedFile{}, faults
	}
	found.ID, found.CreatedAt, found.Initiator = plain(read.Message.ID), moment(read.Message.CreatedAt), maskName(read.Message.Initiator)
	return checkedFile{SHA256: hex.EncodeToString(read.SHA256[:]), Bytes: read.Bytes, Transfers: found}, nil
}

// codeSchema is that of what the schema refuses.
const codeSchema fault.Code = "SCHEMA"

// judged adds what the schema refuses to the faults, which may be none. The
// schema says the first only.
func (c *check) judged(file *content, faults *fault.Faults) (*fault.Faults, error) {
	for _, code := range []fault.Code{
		iso20022.CodeSyntax, iso20022.CodeForbidden, iso20022.CodeLimit, iso20022.CodeNamespace, fault.CodeTruncated, fault.CodeEncoding,
		fault.CodeControl, fault.CodeEmpty, fault.CodeFormat,
	} {
		if faults != nil && faults.ByCode[code] > 0 {
			return faults, nil // it is no document: the schema says no more
		}
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	definition, err := delivery.Layouts{}.Recognise(file)
	if err != nil {
		return nil, err
	}
	gate, err := xsd.NewGate(string(definition))
	if err != nil {
		return nil, err
	}
	err = gate.Check(context.Background(), file)
	refusal, refused := errors.AsType[*xsd.Refusal](err)
	if !refused {
		return faults, err
	}
	if faults == nil {
		faults = &fault.Faults{File: c.name}
	}
	said := func(found fault.Fault) bool { return found.Line == refusal.Line && "/"+found.Field == refusal.Path }
	if !slices.ContainsFunc(faults.Faults, said) {
		faults.Add(fault.Fault{
			Line: refusal.Line, Column: refusal.Column, Field: strings.TrimPrefix(refusal.Path, "/"), Code: codeSchema,
			Reason: refusal.Reason + ", by the schema of orders",
		})
		faults.Sort()
	}
	return faults, nil
}

func (c *check) cfonb160(file *content) (checkedFile, error) {
	found := &checkedTransfers{First: []checkedBlock{}}
	summary, err := cfonb.Read160(c.name, file, cfonb.Options{}, c.today, cfonb.RemittanceHandler{
		Begin: func(remittance *cfonb.Remittance) error {
			return c.take("remittance", remittance.Line, func(r *checkedRecord) {
				r.add("issuer", remittance.Issuer)
				r.add("batch", remittance.Batch)
				r.date("date", remittance.Date)
				r.name("name", remittance.Name)
				r.add("account", remittance.Account.String())
				r.add("ordererId", remittance.OrdererID)
			})
		},
		Order: func(order *cfonb.Order) error {
			return c.take("order", order.Line, func(r *checkedRecord) {
				r.add("reference", order.Reference)
				r.cents("amountCents", order.Amount)
				r.name("name", order.Name)
				r.add("bankName", order.BankName)
				r.add("account", order.Account.String())
				r.add("label", order.Label)
				r.add("complements", unsaid(len(order.Complements)))
			})
		},
		End: func(remittance *cfonb.Remittance) error {
			found.add(checkedBlock{
				ID: plain(remittance.Batch), Line: remittance.Line, Account: remittance.Account.String(),
				DueDate: dated(remittance.Date), Orders: remittance.Orders, Sum: remittance.Sum,
			})
			return nil
		},
	})
	return checkedFile{SHA256: hex.EncodeToString(summary.SHA256[:]), Bytes: summary.Bytes, Transfers: found}, err
}

// checkedDebits is what a file of direct debits says as a whole.
type checkedDebits struct {
	ID         string         `json:"id"`
	CreatedAt  string         `json:"createdAt"`
	Debits     int            `json:"debits"`
	Sum        money.Cents    `json:"sumCents"`
	BySequence tally          `json:"bySequence"`
	ByScheme   tally          `json:"byScheme"`
	Blocks     int            `json:"blocks"`
	First      []checkedBlock `json:"first"`
}

func (d *checkedDebits) rows() [][]string {
	return about(
		[]string{"id", d.ID}, []string{"created", d.CreatedAt}, []string{"blocks", number(d.Blocks)},
		[]string{"direct debits", counts(d.Debits, d.BySequence)}, []string{"schemes", parted(d.ByScheme)},
		[]string{"sum", euros(d.Sum)})
}

func (d *checkedDebits) parts() parts { return blockParts(d.First, d.Blocks) }

// debits reads a pain.008, of whose reading only the blocks are told.
func (c *check) debits(file *content) (checkedFile, error) {
	summary, err := pain008.Read(c.name, file)
	if err != nil {
		return checkedFile{}, err
	}
	found := &checkedDebits{
		ID: plain(summary.ID), CreatedAt: moment(summary.CreatedAt), Debits: summary.Total.Debits, Sum: summary.Total.Sum,
		BySequence: tally{}, ByScheme: tally{}, Blocks: len(summary.Blocks), First: []checkedBlock{},
	}
	for sequence, total := range summary.BySequence {
		found.BySequence[string(sequence)] = total.Debits
	}
	for scheme, total := range summary.ByScheme {
		found.ByScheme[string(scheme)] = total.Debits
	}
	for i := range summary.Blocks {
		block := &summary.Blocks[i]
		if i < shownParts {
			found.First = append(found.First, checkedBlock{
				ID: plain(block.ID), DueDate: block.CollectOn.String(), Orders: block.Total.Debits, Sum: block.Total.Sum,
			})
		}
		if err := c.take("block", 0, func(r *checkedRecord) {
			r.add("id", block.ID)
			r.date("collectOn", block.CollectOn)
			r.add("debits", number(block.Total.Debits))
			r.cents("sumCents", block.Total.Sum)
		}); err != nil {
			return checkedFile{}, err
		}
	}
	return checkedFile{SHA256: hex.EncodeToString(summary.SHA256[:]), Bytes: summary.Bytes, Debits: found}, nil
}
