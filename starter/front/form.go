package front

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/reglo/reglo/activities/payment"
	"github.com/reglo/reglo/domain/systempay"
)

// FormPattern is the route of [Forms].
const FormPattern = "POST /systempay/forms"

const (
	// maxFormRequest bounds a request for a form, in bytes: 999 products of 64
	// characters, and the rest.
	maxFormRequest = 128 << 10
	// beginTimeout is for one statement, on a database that is busy.
	beginTimeout = 5 * time.Second
)

// Beginner begins payments.
type Beginner interface {
	// Begin makes a form that is kept, see [payment.Desk.Begin].
	Begin(ctx context.Context, shop string, order systempay.Order, invoice payment.Invoice) (payment.Form, error)
}

// FormParts are what forms are made by.
type FormParts struct {
	Beginner Beginner
	// Key is that of who may ask, not empty.
	Key   string
	Clock func() time.Time
	Log   *slog.Logger
}

// Forms gives the shops' own programs the forms by which buyers pay.
type Forms struct {
	parts FormParts
	key   [sha256.Size]byte
}

// ErrKey says that there is no key, and anybody could ask.
var ErrKey = errors.New("forms need a key of who may ask")

// NewForms makes it. The error is [ErrKey].
func NewForms(parts FormParts) (*Forms, error) {
	if parts.Key == "" {
		return nil, ErrKey
	}
	return &Forms{parts: parts, key: sha256.Sum256([]byte(parts.Key))}, nil
}

// formRequest is what a shop's program asks for.
type formRequest struct {
	Shop string `json:"shop"`
	// OrderID is composed when it is empty, of Year, the day, the customer's number
	// and how many products.
	OrderID string `json:"orderId"`
	// Year is that to which the order belongs; that of the day when it is 0.
	Year     int    `json:"year"`
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
	// Plan is SINGLE, also when it is empty, MULTI:… or MULTI_EXT:….
	Plan     string `json:"plan"`
	Customer struct {
		ID        string `json:"id"`
		Email     string `json:"email"`
		FirstName string `json:"firstName"`
		LastName  string `json:"lastName"`
	} `json:"customer"`
	Products []string `json:"products"`
	Invoice  struct {
		Prefix     string `json:"prefix"`
		Piece      string `json:"piece"`
		ThirdParty string `json:"thirdParty"`
	} `json:"invoice"`
}

// formAnswer is a form, to be posted by the buyer's browser: the fields, and the
// signature as a field of that name.
type formAnswer struct {
	URL           string      `json:"url"`
	Fields        []formField `json:"fields"`
	Signature     string      `json:"signature"`
	TransactionID string      `json:"transactionId"`
	OrderID       string      `json:"orderId"`
	Number        int64       `json:"number"`
}

type formField struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// formError is what is wrong with a request: of which field, if any.
type formError struct {
	Field  string `json:"field,omitempty"`
	Reason string `json:"reason"`
}

type formErrors struct {
	Errors []formError `json:"errors"`
}

// ServeHTTP makes one form, and answers when what it asks for is safe.
func (f *Forms) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !f.allows(r) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="systempay"`)
		f.refuse(w, r, http.StatusUnauthorized, formError{Reason: "the key is absent or wrong"})
		return
	}
	text, err := body(w, r, maxFormRequest)
	if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
		w.Header().Set("Connection", "close") // the rest is not read
		f.refuse(w, r, http.StatusRequestEntityTooLarge, formError{Reason: "the request is too long"})
		return
	}
	if err != nil {
		f.refuse(w, r, http.StatusBadRequest, formError{Reason: "the request broke off"})
		return
	}
	request, err := readFormRequest(text)
	if err != nil {
		f.refuse(w, r, http.StatusBadRequest, formErrorsOf(err)...)
		return
	}
	order, err := request.order(f.parts.Clock())
	if err != nil {
		f.refuse(w, r, http.StatusBadRequest, formErrorsOf(err)...)
		return
	}
	f.begin(w, r, request, order)
}

// allows compares in a time that does not depend on where keys differ.
func (f *Forms) allows(r *http.Request) bool {
	const scheme = "Bearer "
	all := r.Header.Values("Authorization")
	if len(all) != 1 || len(all[0]) < len(scheme) || !strings.EqualFold(all[0][:len(scheme)], scheme) {
		return false
	}
	said := sha256.Sum256([]byte(all[0][len(scheme):]))
	return subtle.ConstantTimeCompare(said[:], f.key[:]) == 1
}

func (f *Forms) begin(w http.ResponseWriter, r *http.Request, request *formRequest, order *systempay.Order) {
	ctx, cancel := context.WithTimeout(r.Context(), beginTimeout)
	defer cancel()
	form, err := f.parts.Beginner.Begin(ctx, request.Shop, *order, payment.Invoice(request.Invoice))
	if found := formErrorsOf(err); found != nil {
		f.refuse(w, r, http.StatusBadRequest, found...)
		return
	}
	if err != nil {
		f.parts.Log.ErrorContext(ctx, "no payment form is made", "error", err)
		w.Header().Set("Retry-After", strconv.Itoa(comeAgain))
		writeJSON(w, http.StatusServiceUnavailable, formErrors{[]formError{{Reason: "the form is not kept: ask again"}}})
		return
	}
	f.parts.Log.InfoContext(ctx, "a payment form is made", "shop", request.Shop, "form", form.Number, "order", order.ID,
		"transaction", form.Expected.TransactionID)
	answer := formAnswer{
		URL: form.URL, Fields: make([]formField, 0, len(form.Fields)), Signature: form.Signature,
		TransactionID: form.Expected.TransactionID, OrderID: form.Expected.OrderID, Number: form.Number,
	}
	for _, field := range form.Fields {
		answer.Fields = append(answer.Fields, formField(field))
	}
	writeJSON(w, http.StatusCreated, answer)
}

// refuse answers what is wrong. It repeats no value, and the log only which fields.
func (f *Forms) refuse(w http.ResponseWriter, r *http.Request, status int, wrong ...formError) {
	fields := make([]string, 0, len(wrong))
	for _, one := range wrong {
		fields = append(fields, one.Field)
	}
	f.parts.Log.WarnContext(r.Context(), "a payment form is refused", "status", status, "fields", fields,
		"peer", PeerOf(r.Context()).String())
	writeJSON(w, status, formErrors{wrong})
}

// readFormRequest reads one JSON object, of known members. The error repeats no value.
func readFormRequest(text []byte) (*formRequest, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	request := new(formRequest)
	err := decoder.Decode(request)
	if kind, is := errors.AsType[*json.UnmarshalTypeError](err); is {
		return nil, &systempay.FieldError{Field: kind.Field, Reason: "must be a JSON " + jsonKind(kind.Type.Kind().String())}
	}
	const unknown = `json: unknown field "`
	if err != nil && strings.HasPrefix(err.Error(), unknown) {
		return nil, &systempay.FieldError{
			Field: strings.TrimSuffix(strings.TrimPrefix(err.Error(), unknown), `"`), Reason: "is no member of a request",
		}
	}
	if err == nil {
		if _, more := decoder.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("more than one document")
		}
	}
	if err != nil {
		return nil, &systempay.FieldError{Reason: "the request is not one JSON object"}
	}
	return request, nil
}

// jsonKind is what JSON calls a kind of Go's.
func jsonKind(kind string) string {
	switch kind {
	case "slice":
		return "array"
	case "struct":
		return "object"
	case "int":
		return "whole number"
	default:
		return kind
	}
}

// order is what is to be paid for.
func (r *formRequest) order(now time.Time) (*systempay.Order, error) {
	var wrong []error
	var amount decimal.Decimal
	err := errors.New("too long, or with an exponent")
	if len(r.Amount) <= maxAmount && !strings.ContainsAny(r.Amount, "eE") {
		amount, err = decimal.NewFromString(r.Amount)
	}
	if err != nil {
		wrong = append(wrong, &systempay.FieldError{Field: "amount", Reason: `must be a decimal in quotes, such as "19.99"`})
	}
	order := &systempay.Order{
		ID: r.OrderID, Amount: amount, Currency: r.Currency, Customer: systempay.Customer(r.Customer), Products: r.Products,
	}
	if r.Plan != "" {
		order.Plan, err = systempay.ParsePlan(r.Plan)
		wrong = append(wrong, err)
	}
	if r.OrderID == "" {
		order.ID, err = payment.OrderID(order, r.Year, now)
		wrong = append(wrong, err)
	}
	return order, errors.Join(wrong...)
}

// maxAmount is how many characters an amount has at most: 12 digits, a sign, a point.
const maxAmount = 14

// formErrorsOf are the errors of what was asked for, none for another error.
func formErrorsOf(err error) []formError {
	if errors.Is(err, payment.ErrNoShop) {
		return []formError{{Field: "shop", Reason: payment.ErrNoShop.Error()}}
	}
	var found []formError
	switch one := err.(type) { //nolint:errorlint // the tree is walked
	case nil:
	case *systempay.FieldError:
		found = append(found, formError{Field: memberOf(one.Field), Reason: one.Reason})
	case interface{ Unwrap() []error }:
		for _, each := range one.Unwrap() {
			found = append(found, formErrorsOf(each)...)
		}
	case interface{ Unwrap() error }:
		return formErrorsOf(one.Unwrap())
	}
	return found
}

// memberOf is the member of a request from which a field of the form comes.
func memberOf(field string) string {
	members := map[string]string{
		"vads_order_id": "orderId", "vads_amount": "amount", "vads_currency": "currency", "vads_payment_config": "plan",
		"vads_cust_id": "customer.id", "vads_cust_email": "customer.email", "vads_cust_first_name": "customer.firstName",
		"vads_cust_last_name": "customer.lastName", "vads_product_ref": "products", "vads_nb_products": "products",
		"vads_trans_id": "shop",
	}
	if member, known := members[field]; known {
		return member
	}
	return field
}

// writeJSON answers with a document that nobody else is to see or to keep.
func writeJSON(w http.ResponseWriter, status int, document any) {
	text, err := json.Marshal(document)
	if err != nil { // of strings and numbers there is none
		say(w, http.StatusInternalServerError, "an error of ours")
		return
	}
	header := w.Header()
	header.Set("Content-Type", "application/json; charset=utf-8")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // the caller has gone, then
}
