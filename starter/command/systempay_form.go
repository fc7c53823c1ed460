package command

import (
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"os"
	"strings"
	"time"

	"github.com/shopspring/decimal"
	"github.com/spf13/cobra"

	"github.com/reglo/reglo/activities/payment"
	"github.com/reglo/reglo/domain/systempay"
	"github.com/reglo/reglo/worker/boot/shop"
)

//go:embed systempay_form.html
var paymentPage string

// formFlags are an order as the command line has it.
type formFlags struct {
	shop, amount, plan, out string
	year                    int
	order                   systempay.Order
	invoice                 payment.Invoice
}

func newSystemPayForm(s *session) *cobra.Command {
	flags := new(formFlags)
	cmd := &cobra.Command{
		Use:   "form --shop NAME --amount AMOUNT [--order REFERENCE]",
		Short: "Ask for a payment: keep its form, and write the page that a buyer's browser posts",
		Long: `Ask for a payment: keep its form, and write the page that a buyer's browser
posts, which has one button and no script. What it asks for is in the database
before the page is written, and notifications are held against it.

SystemPay takes a page within some hours of its making, and once. With --out the
page is written to a file that nobody else can read: it holds what is said here of
the buyer. Without it, the page goes to the standard output.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return s.paymentForm(cmd, flags) },
	}
	set := cmd.Flags()
	set.StringVar(&flags.shop, "shop", "", "name of the shop, of the file of shops")
	set.StringVar(&flags.order.ID, "order", "", "the order's reference, 1 to 64 letters, digits, - and _ "+
		"(default: TS and the year, the day, the customer's number and how many products)")
	set.IntVar(&flags.year, "year", 0, "year to which the order belongs, of a reference that is composed (default: this one)")
	set.StringVar(&flags.amount, "amount", "", "amount, such as 19.99")
	set.StringVar(&flags.order.Currency, "currency", "EUR", "currency: three letters of ISO 4217")
	set.StringVar(&flags.plan, "plan", "SINGLE",
		"SINGLE, MULTI:first=…;count=…;period=… or MULTI_EXT:yyyyMMdd=…;…, amounts in the currency's smallest unit")
	set.StringVar(&flags.order.Customer.ID, "customer", "", "the shop's own number of the customer")
	set.StringVar(&flags.order.Customer.Email, "email", "", "where SystemPay writes to the buyer")
	set.StringVar(&flags.order.Customer.FirstName, "first-name", "", "the buyer's first name")
	set.StringVar(&flags.order.Customer.LastName, "last-name", "", "the buyer's last name")
	set.StringArrayVar(&flags.order.Products, "product", nil, "reference of a product; may be repeated")
	set.StringVar(&flags.invoice.Prefix, "invoice-prefix", "", "prefix of the ERP's invoice that is paid")
	set.StringVar(&flags.invoice.Piece, "invoice-piece", "", "number of that invoice")
	set.StringVar(&flags.invoice.ThirdParty, "third-party", "", "whose it is, by the ERP's code (default: the shop's)")
	set.StringVar(&flags.out, "out", "", "file of the page, which must not be there yet")
	return cmd
}

// paymentForm keeps a form and writes its page.
func (s *session) paymentForm(cmd *cobra.Command, flags *formFlags) error {
	if err := flags.complete(s.now()); err != nil {
		return wrongForm(err)
	}
	pool, settings, err := s.database(cmd)
	if err != nil {
		return err
	}
	shops, err := shop.Read(settings)
	if err != nil {
		return wrongSettings(err)
	}
	file, err := reserve(flags.out)
	if err != nil {
		return err
	}
	desk := payment.New(payment.Parts{Pool: pool, Clock: s.now, Shops: shop.Gateways(shops)})
	form, err := desk.Begin(cmd.Context(), flags.shop, flags.order, flags.invoice)
	if err != nil {
		return errors.Join(wrongForm(err), release(file))
	}
	document := newPaymentDocument(&form, flags)
	if file == nil {
		return s.show(document)
	}
	page, err := document.page()
	if err == nil {
		_, err = file.WriteString(page)
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return &InputError{
			What: "write " + flags.out, Err: err,
			Next: "make room there, remove it and ask again: the form is kept, and stands in nobody's way",
		}
	}
	return s.show(document)
}

// reserve makes the file of the page, before anything is kept; nil for none.
func reserve(path string) (*os.File, error) {
	if path == "" {
		return nil, nil //nolint:nilnil // nil is no file
	}
	const own = 0o600
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, own)
	if err != nil {
		return nil, &InputError{What: "--out", Next: "name a file that is not there yet, in a folder that is", Err: err}
	}
	return file, nil
}

// release takes away the file of a page that there is none of.
func release(file *os.File) error {
	if file == nil {
		return nil
	}
	if err := errors.Join(file.Close(), os.Remove(file.Name())); err != nil {
		return fmt.Errorf("remove the empty page: %w", err)
	}
	return nil
}

// complete reads what the command line has as text.
func (f *formFlags) complete(now time.Time) error {
	for _, given := range []struct{ flag, value string }{{"--shop", f.shop}, {"--amount", f.amount}} {
		if given.value == "" {
			return &systempay.FieldError{Field: given.flag, Reason: "is missing"}
		}
	}
	amount, err := decimal.NewFromString(f.amount)
	if err != nil {
		return &systempay.FieldError{Field: "--amount", Reason: "must be an amount, such as 19.99"}
	}
	f.order.Amount = amount
	if f.order.Plan, err = systempay.ParsePlan(f.plan); err != nil {
		return err
	}
	if f.order.ID != "" {
		return nil
	}
	f.order.ID, err = payment.OrderID(&f.order, f.year, now)
	return err
}

// wrongForm names flags where the form names fields.
func wrongForm(err error) error {
	if errors.Is(err, payment.ErrNoShop) {
		return &InputError{What: "--shop: " + err.Error(), Next: "see systempay.shops"}
	}
	if _, is := errors.AsType[*systempay.FieldError](err); !is {
		return err // not of what was asked for
	}
	flags := strings.NewReplacer(
		"vads_order_id", "--order", "vads_amount", "--amount", "vads_currency", "--currency", "vads_payment_config", "--plan",
		"vads_cust_id", "--customer", "vads_cust_email", "--email", "vads_cust_first_name", "--first-name",
		"vads_cust_last_name", "--last-name", "vads_product_ref", "--product", "vads_nb_products", "--product", "vads_trans_id", "--shop",
		"invoice.prefix", "--invoice-prefix", "invoice.piece", "--invoice-piece", "invoice.thirdParty", "--third-party",
	)
	return &InputError{
		What: strings.ReplaceAll(flags.Replace(err.Error()), "\n", "; "), Next: "correct it and ask again: nothing is kept",
	}
}

// paymentDocument is a form as the command shows it.
type paymentDocument struct {
	Number        int64          `json:"number"`
	Shop          string         `json:"shop"`
	OrderID       string         `json:"orderId"`
	TransactionID string         `json:"transactionId"`
	Amount        string         `json:"amount"`
	Currency      string         `json:"currency"`
	File          string         `json:"file,omitempty"`
	URL           string         `json:"url"`
	Fields        []paymentField `json:"fields"`
	Signature     string         `json:"signature"`
}

type paymentField struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func newPaymentDocument(form *payment.Form, flags *formFlags) *paymentDocument {
	document := &paymentDocument{
		Number: form.Number, Shop: flags.shop, OrderID: form.Expected.OrderID, TransactionID: form.Expected.TransactionID,
		Amount: flags.order.Amount.String(), Currency: flags.order.Currency, File: flags.out,
		URL: form.URL, Fields: make([]paymentField, 0, len(form.Fields)), Signature: form.Signature,
	}
	for _, field := range form.Fields {
		document.Fields = append(document.Fields, paymentField(field))
	}
	return document
}

// page is what a browser posts.
func (d *paymentDocument) page() (string, error) {
	page, err := template.New("page").Parse(paymentPage)
	if err != nil {
		return "", fmt.Errorf("read the page's template: %w", err)
	}
	var text strings.Builder
	if err := page.Execute(&text, d); err != nil {
		return "", fmt.Errorf("write the page: %w", err)
	}
	return text.String(), nil
}

func (d *paymentDocument) writeText(t *text) {
	if d.File != "" {
		t.linef("form %d, transaction %s, of order %s is kept: open %s in a browser", d.Number, d.TransactionID, d.OrderID, d.File)
		return
	}
	page, err := d.page()
	if err != nil {
		t.err = err
		return
	}
	t.write(page)
}
