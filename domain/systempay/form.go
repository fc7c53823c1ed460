package systempay

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"time"

	"github.com/shopspring/decimal"
)

const (
	// MaxTransaction is the largest number of a transaction: forms of one shop, mode and day (in UTC) are numbered from 0.
	// SystemPay keeps the numbers above for its back office.
	MaxTransaction = 899_999
	// MaxProducts is how many products an order may have, of which each is a field: as many as the default reference of an
	// order has digits for, within what a page is sure to post.
	MaxProducts = 999

	maxEmail        = 150 // characters
	maxCustomer     = 63  // characters of the reference, the first name and the last name each
	maxProduct      = 64  // characters of the reference of a product
	maxCustomerCode = 99_999_999_999
)

// Customer is who pays. All of it is a person's own, and the empty parts are left out of the form.
type Customer struct {
	ID        string // our reference, which comes back with the notification; at most 63 characters
	Email     string // SystemPay writes to it when the payment is done; at most 150 characters
	FirstName string // at most 63 characters
	LastName  string // at most 63 characters
}

// Format hides it.
func (c Customer) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// Order is what is to be paid for.
type Order struct {
	ID       string // 1 to 64 letters, digits, - and _: see OrderID
	Amount   decimal.Decimal
	Currency string // of ISO 4217: three letters or three digits
	Plan     Plan
	Customer Customer
	Products []string // their references; at most 64 letters, digits, - and _ each
}

// Expected is what a form asked for, to be kept before it is shown: the notification is matched with it.
type Expected struct {
	SiteID        string
	Mode          Mode
	TransactionID string
	At            time.Time // in UTC, of the form; to the second
	OrderID       string
	Amount        Amount // the whole, also of an order paid in instalments
	Plan          Plan
}

// Form is what the buyer's browser posts. Printed, it shows what was asked for, and nothing of the buyer.
type Form struct {
	URL       string
	Fields    []Field // in the order of the page; each name once, none empty
	Signature string  // the field signature, which goes with them
	Expected  Expected
}

// Format prints what was asked for, whatever the verb.
func (f Form) Format(state fmt.State, _ rune) {
	_, _ = fmt.Fprintf(state, "form of order %s at site %s: %d of currency %s, %s",
		f.Expected.OrderID, f.Expected.SiteID, f.Expected.Amount.Units, f.Expected.Amount.Currency, f.Expected.Plan)
}

var (
	emailPattern       = regexp.MustCompile(`^[^@\s]+@[^@\s]+$`)
	orderPattern       = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	transactionPattern = regexp.MustCompile(`^[0-8]\d{5}$`)
)

// OrderID composes a reference: TS, the year to which the order belongs, the day of the order (in the zone that it is given
// in), the customer's number on 11 digits, and how many products. The error is a *FieldError.
func OrderID(year int, day time.Time, customer int64, products int) (string, error) {
	const field = "vads_order_id"

	switch {
	case year < 1000 || year > 9999 || day.Year() < 1000 || day.Year() > 9999:
		return "", refuse(field, "has a year that is not one of 4 digits")
	case customer < 0 || customer > maxCustomerCode:
		return "", refuse(field, "has a customer's number that is not one of 11 digits at most")
	case products < 1 || products > MaxProducts:
		return "", refuse(field, "must be of 1 to "+strconv.Itoa(MaxProducts)+" products")
	}

	return fmt.Sprintf("TS%04d-%s-%011d-%d", year, day.Format(compactDay), customer, products), nil
}

// TransactionID writes the number of a form, from 0 to MaxTransaction. The error is a *FieldError.
func TransactionID(number int) (string, error) {
	if number < 0 || number > MaxTransaction {
		return "", refuse("vads_trans_id", "has no number left for this shop and day: go on tomorrow (UTC), or by another shop")
	}

	return fmt.Sprintf("%06d", number), nil
}

// BuildForm makes the form by which an order is paid at a shop, shown at that instant, under the number of a transaction
// that no other form of the shop, mode and day (in UTC) has. The error joins one *FieldError for each thing that is wrong
// with the order or with the shop.
func BuildForm(order *Order, shop *Shop, now time.Time, transactionID string) (Form, error) {
	now = now.UTC().Truncate(time.Second)

	amount, err := order.amount()
	if err == nil {
		err = order.Plan.check(amount.Units, now, shop.Page.CaptureDelay)
	}

	wrong := []error{shop.Check(), order.check(), err}
	if !transactionPattern.MatchString(transactionID) {
		wrong = append(wrong, refuse("vads_trans_id", "must be 6 digits, from 000000 to 899999"))
	}

	if err := errors.Join(wrong...); err != nil {
		return Form{}, err
	}

	form := Form{
		URL: shop.Page.URL,
		Expected: Expected{
			SiteID: shop.SiteID, Mode: shop.Mode, TransactionID: transactionID, At: now, OrderID: order.ID,
			Amount: amount, Plan: order.Plan,
		},
	}
	if form.URL == "" {
		form.URL = PaymentPage
	}

	signed := make(map[string]string)

	for _, field := range append(form.Expected.fields(), append(order.fields(), shop.Page.fields(order.Products)...)...) {
		if field.Value != "" {
			form.Fields = append(form.Fields, field)
			signed[field.Name] = field.Value
		}
	}

	form.Signature = Sign(signed, shop.Algorithm, shop.Keys.of(shop.Mode))

	return form, nil
}

// amount is what the order is of, as the form has it.
func (o *Order) amount() (Amount, error) {
	currency, err := CurrencyOf(o.Currency)
	if err != nil {
		return Amount{}, err
	}

	units, err := currency.Units(o.Amount)

	return Amount{Units: units, Currency: currency.Numeric}, err
}

func (o *Order) check() error {
	wrong := []error{
		checkText("vads_cust_id", o.Customer.ID, maxCustomer), checkText("vads_cust_email", o.Customer.Email, maxEmail),
		checkText("vads_cust_first_name", o.Customer.FirstName, maxCustomer),
		checkText("vads_cust_last_name", o.Customer.LastName, maxCustomer),
	}
	if o.Customer.Email != "" && !emailPattern.MatchString(o.Customer.Email) {
		wrong = append(wrong, refuse("vads_cust_email", "is no address of mail: correct it or leave it out"))
	}

	if !orderPattern.MatchString(o.ID) {
		wrong = append(wrong, refuse("vads_order_id", "must be 1 to 64 letters, digits, - or _"))
	}

	if len(o.Products) > MaxProducts {
		wrong = append(wrong, refuse("vads_nb_products", "is beyond "+strconv.Itoa(MaxProducts)+": split the order"))
	}

	for _, product := range o.Products {
		if len(product) > maxProduct || !orderPattern.MatchString(product) {
			wrong = append(wrong, refuse("vads_product_ref", "must be 1 to 64 letters, digits, - or _"))

			break
		}
	}

	return errors.Join(wrong...)
}

func (e *Expected) fields() []Field {
	return []Field{
		{siteField, e.SiteID},
		{modeField, string(e.Mode)},
		{"vads_trans_id", e.TransactionID},
		{"vads_trans_date", e.At.Format(stamp)},
		{"vads_amount", strconv.FormatInt(e.Amount.Units, 10)},
		{"vads_currency", e.Amount.Currency},
		{"vads_action_mode", "INTERACTIVE"},
		{"vads_page_action", "PAYMENT"},
		{"vads_version", version},
		{planField, e.Plan.String()},
	}
}

func (o *Order) fields() []Field {
	return []Field{
		{"vads_cust_email", o.Customer.Email},
		{"vads_cust_id", o.Customer.ID},
		{"vads_cust_first_name", o.Customer.FirstName},
		{"vads_cust_last_name", o.Customer.LastName},
		{"vads_order_id", o.ID},
	}
}

func (p *Page) fields(products []string) []Field {
	fields := []Field{
		{"vads_capture_delay", strconv.Itoa(p.CaptureDelay)},
		{"vads_validation_mode", string(p.Validation)},
		{"vads_theme_config", p.Theme},
		{"vads_url_success", p.Success},
		{"vads_url_refused", p.Refused},
		{"vads_url_cancel", p.Cancel},
		{"vads_url_error", p.Error},
		{"vads_url_check", p.Check},
		{"vads_redirect_success_timeout", strconv.Itoa(p.AfterSuccess.Seconds)},
		{"vads_redirect_success_message", p.AfterSuccess.Message},
		{"vads_redirect_error_timeout", strconv.Itoa(p.AfterError.Seconds)},
		{"vads_redirect_error_message", p.AfterError.Message},
	}
	if len(products) == 0 {
		return fields
	}

	count := "vads_nb_products"
	if p.ProductFields.Singular {
		count = "vads_nb_product"
	}

	fields = append(fields, Field{count, strconv.Itoa(len(products))})
	for i, product := range products {
		fields = append(fields, Field{"vads_product_ref" + strconv.Itoa(p.ProductFields.First+i), product})
	}

	return fields
}
