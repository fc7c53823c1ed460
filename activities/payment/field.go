package payment

import (
	"regexp"
	"strings"

	"github.com/reglo/reglo/domain/systempay"
)

// describing are fields of which the value is kept, besides those that a log may
// show: what settles and explains a payment. None says who the buyer is.
var describing = regexp.MustCompile(`^vads_(cust_id|card_number|contract_used|auth_number|payment_certificate|card_country|` +
	`bank_product|nb_product|product_ref\d{1,4}|theme_config|language|threeds_(enrolled|status|eci|auth_type)|` +
	`risk_control|risk_analysis_result|brand_management|archival_reference_identifier)$`)

// keptFields are all fields of a notification. Of those that could say who the
// buyer is, among them all that nobody knows, the names alone are kept.
func keptFields(n *systempay.Notification) map[string]string {
	kept := n.Redacted()
	for name, value := range n.Fields() {
		if describing.MatchString(name) {
			kept[name] = bounded(value)
		}
	}
	return kept
}

// bounded is as much of a value as [systempay.MaxReference] lets stand.
func bounded(value string) string {
	if len(value) <= systempay.MaxReference {
		return value
	}
	return strings.ToValidUTF8(value[:systempay.MaxReference], "")
}
