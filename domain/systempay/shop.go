package systempay

import (
	"errors"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
)

const (
	// PaymentPage is where forms are posted unless the shop says otherwise.
	PaymentPage = "https://paiement.systempay.fr/vads-payment/"

	maxURL          = 1024 // characters of an address
	maxMessage      = 255  // characters of a message to the buyer
	maxTheme        = 255  // characters of the theme
	maxWait         = 300  // seconds after which the buyer goes back to the shop by itself
	maxCaptureDelay = 365  // days
)

// Keys are a shop's, one a mode. The one of the shop's mode is needed.
type Keys struct {
	Test, Production Key
}

// of is the key of a mode.
func (k Keys) of(mode Mode) Key {
	switch mode {
	case Test:
		return k.Test
	case Production:
		return k.Production
	default:
		return Key{}
	}
}

// Shop is one of ours as SystemPay knows it.
type Shop struct {
	Name      string // ours, as it stands in the address of its notifications: letters, digits, - and _, at most 32
	SiteID    string // SystemPay's: 8 digits
	Mode      Mode
	Algorithm Algorithm
	Keys      Keys
	Ranges    []netip.Prefix // where its notifications come from; SystemPay's own when there are none
	Page      Page
}

// Page is how the payment page is and what it does. What is empty is left out of the form, and SystemPay's back office
// decides.
type Page struct {
	URL string // where forms are posted; PaymentPage when it is empty
	// CaptureDelay is how many days after the payment it is handed to the bank: 0 to 365.
	CaptureDelay int
	Validation   Validation
	Theme        string // SystemPay's settings of how the page looks, at most 255 characters
	// Success, Refused, Cancel and Error are where the buyer goes back to.
	Success, Refused, Cancel, Error string
	// Check is where the notification goes.
	Check         string
	AfterSuccess  Return
	AfterError    Return
	ProductFields ProductFields
}

// Return is how the buyer goes back to the shop.
type Return struct {
	Seconds int    // before it happens by itself: 0 (at once) to 300
	Message string // shown meanwhile, at most 255 characters
}

// Validation is who lets a payment through to the bank.
type Validation string

// The validations.
const (
	ValidationOfShop Validation = ""  // as the back office says
	Automatic        Validation = "0" // SystemPay
	Manual           Validation = "1" // somebody, in the back office
)

// ProductFields is how the fields of an order's products are called, which differs between SystemPay's own guide (the zero
// value) and what some shops agreed with it.
type ProductFields struct {
	First    int  // number of the first product: 0 or 1
	Singular bool // the count is vads_nb_product, not vads_nb_products
}

var (
	namePattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,32}$`)
	sitePattern = regexp.MustCompile(`^\d{8}$`)
)

// DefaultRanges is where SystemPay's notifications come from.
func DefaultRanges() []netip.Prefix {
	return []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{194, 50, 38, 0}), 24)}
}

// Allows tells whether a shop's notification may come from an address: that of the peer, or the one that a trusted proxy
// names.
func (s *Shop) Allows(address netip.Addr) bool {
	ranges := s.Ranges
	if len(ranges) == 0 {
		ranges = DefaultRanges()
	}

	address = address.Unmap() // a socket that listens to IPv6 too has ::ffff:194.50.38.1

	return slices.ContainsFunc(ranges, func(r netip.Prefix) bool { return r.Contains(address) })
}

// Check is nil for settings that forms and notifications can do with. The error joins one *FieldError a wrong setting.
func (s *Shop) Check() error {
	var wrong []error

	must := func(right bool, field, reason string) {
		if !right {
			wrong = append(wrong, refuse(field, reason))
		}
	}
	must(namePattern.MatchString(s.Name), "name", "must be 1 to 32 letters, digits, - or _")
	must(sitePattern.MatchString(s.SiteID), siteField, "must be the 8 digits that SystemPay gave to the shop")
	must(s.Mode == Test || s.Mode == Production, modeField, "must be TEST or PRODUCTION")
	must(s.Algorithm == SHA1 || s.Algorithm == HMACSHA256, "algorithm", "must be HMAC-SHA-256 or SHA-1, as the back office says")

	for _, r := range s.Ranges {
		must(r.IsValid() && !r.Addr().Is4In6(), "ranges", "must be ranges of addresses such as 194.50.38.0/24")
	}

	wrong = append(wrong, s.Keys.of(s.Mode).check("key of mode "+string(s.Mode)), s.Page.check())

	return errors.Join(wrong...)
}

func (p *Page) check() error {
	wrong := []error{
		checkNumber("vads_capture_delay", p.CaptureDelay, maxCaptureDelay, "days"),
		checkNumber("vads_redirect_success_timeout", p.AfterSuccess.Seconds, maxWait, "seconds"),
		checkNumber("vads_redirect_error_timeout", p.AfterError.Seconds, maxWait, "seconds"),
		checkNumber("vads_product_ref", p.ProductFields.First, 1, "for the first product"),
		checkText("vads_redirect_success_message", p.AfterSuccess.Message, maxMessage),
		checkText("vads_redirect_error_message", p.AfterError.Message, maxMessage),
		checkText("vads_theme_config", p.Theme, maxTheme),
		checkURL("url of the payment page", p.URL),
		checkURL("vads_url_success", p.Success), checkURL("vads_url_refused", p.Refused), checkURL("vads_url_cancel", p.Cancel),
		checkURL("vads_url_error", p.Error), checkURL("vads_url_check", p.Check),
	}

	switch p.Validation {
	case ValidationOfShop, Automatic, Manual:
	default:
		wrong = append(wrong, refuse("vads_validation_mode", "must be empty, 0 (automatic) or 1 (manual)"))
	}

	return errors.Join(wrong...)
}

func checkNumber(field string, number, limit int, unit string) error {
	if number < 0 || number > limit {
		return refuse(field, "must be 0 to "+strconv.Itoa(limit)+" "+unit)
	}

	return nil
}

// checkURL is nil for no address, and for an absolute one on the web.
func checkURL(field, address string) error {
	if address == "" {
		return nil
	}

	if err := checkText(field, address, maxURL); err != nil {
		return err
	}

	parsed, err := url.Parse(address)
	if err != nil || parsed.Scheme != "https" && parsed.Scheme != "http" || parsed.Host == "" || parsed.User != nil {
		return refuse(field, "must be an address such as https://shop.example/back, without a user")
	}

	return nil
}
