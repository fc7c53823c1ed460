// Package shop reads the shops that take card payments by SystemPay, which the
// settings name.
package shop

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"

	"github.com/reglo/reglo/domain/divalto"
	"github.com/reglo/reglo/domain/systempay"
	"github.com/reglo/reglo/worker/boot/config"
)

// Shop is one of ours: as SystemPay knows it, and as CRE files and the ERP do.
type Shop struct {
	systempay.Shop

	// Contracts are the acceptance contracts by which CRE files name its lines. No
	// two shops have one of them.
	Contracts []string
	// ThirdParty is whom the ERP has its payments from where the form names nobody;
	// empty where every form does.
	ThirdParty string
}

// setting names the file.
const setting = "systempay.shops"

// Limits of the file.
const (
	// maxShops is far above the shops of one payment institution, each of which is
	// looked for by its name.
	maxShops = 1_000
	// maxContracts is far above what a shop has: one a currency and a kind of card.
	maxContracts = 100
)

// contractPattern is how CRE files have a contract.
var contractPattern = regexp.MustCompile(`^[0-9A-Za-z]{1,32}$`)

// Read reads the shops of the file that the settings name, none where they name
// none. It reads the keys' files, too. The error is a [config.Error], which says
// on which line of the file what is wrong, and repeats nothing of a key.
func Read(settings config.Config) ([]Shop, error) {
	path := settings.SystemPay.Shops
	if path == "" {
		return nil, nil
	}
	entries, err := readFile(path)
	if err != nil {
		return nil, settings.Refuse(setting, err.Error())
	}
	shops := make([]Shop, 0, len(entries))
	for i := range entries {
		shop, err := entries[i].shop(path)
		if err == nil {
			err = entries[i].apart(&shop, shops)
		}
		if err != nil {
			return nil, settings.Refuse(setting, path+": "+err.Error())
		}
		shops = append(shops, shop)
	}
	return shops, nil
}

// Gateways are the shops as SystemPay knows them.
func Gateways(shops []Shop) []systempay.Shop {
	known := make([]systempay.Shop, 0, len(shops))
	for i := range shops {
		known = append(known, shops[i].Shop)
	}
	return known
}

// Contracts are those of all shops.
func Contracts(shops []Shop) []string {
	var all []string
	for i := range shops {
		all = append(all, shops[i].Contracts...)
	}
	return all
}

// shop checks an entry and reads its keys.
func (e *entry) shop(path string) (Shop, error) {
	made := Shop{Shop: systempay.Shop{
		Name: e.Name, SiteID: e.SiteID, Mode: systempay.Mode(e.Mode), Algorithm: systempay.Algorithm(e.Algorithm), Page: e.Page.page(),
	}, Contracts: e.Contracts, ThirdParty: e.ThirdParty}
	for _, text := range e.Ranges {
		network, err := netip.ParsePrefix(text)
		if err != nil || network != network.Masked() || network.Addr().Is4In6() {
			return Shop{}, e.wrong("ranges", "must be networks such as 194.50.38.0/24")
		}
		made.Ranges = append(made.Ranges, network)
	}
	if e.Ranges != nil && len(e.Ranges) == 0 {
		return Shop{}, e.wrong("ranges", "is empty: leave it out for SystemPay's own, or name networks")
	}
	for i, contract := range e.Contracts {
		if !contractPattern.MatchString(contract) || slices.Contains(e.Contracts[:i], contract) || i == maxContracts {
			return Shop{}, e.wrong("contracts", "must be at most "+strconv.Itoa(maxContracts)+
				" numbers of contracts, each once: 1 to 32 letters and digits in quotes")
		}
	}
	if len([]rune(e.ThirdParty)) > divalto.MaxCode {
		return Shop{}, e.wrong("third_party", "must have at most "+strconv.Itoa(divalto.MaxCode)+" characters")
	}
	var err error
	if made.Keys, err = e.keys(path, made.Mode); err != nil {
		return Shop{}, err
	}
	if err := made.Check(); err != nil {
		if field, is := errors.AsType[*systempay.FieldError](err); is {
			return Shop{}, e.wrong(keyOf(field.Field), field.Reason)
		}
		return Shop{}, e.wrong("", err.Error())
	}
	return made, nil
}

// keys reads the keys of both modes.
func (e *entry) keys(path string, mode systempay.Mode) (systempay.Keys, error) {
	if mode != systempay.Test && mode != systempay.Production {
		return systempay.Keys{}, e.wrong("mode", "must be TEST or PRODUCTION")
	}
	if e.KeyFile == "" {
		return systempay.Keys{}, e.wrong("key_file", "must name the file of the key")
	}
	own, err := readKey(path, e.KeyFile)
	if err != nil {
		return systempay.Keys{}, e.wrong("key_file", err.Error())
	}
	var other systempay.Key
	if e.OtherKeyFile != "" {
		if other, err = readKey(path, e.OtherKeyFile); err != nil {
			return systempay.Keys{}, e.wrong("other_key_file", err.Error())
		}
	}
	if mode == systempay.Production {
		return systempay.Keys{Production: own, Test: other}, nil
	}
	return systempay.Keys{Test: own, Production: other}, nil
}

// apart is nil for a shop that can be told from those before it.
func (e *entry) apart(shop *Shop, before []Shop) error {
	for i := range before {
		other := &before[i]
		switch {
		case shop.Name == other.Name:
			return e.wrong("name", "stands there already")
		case shop.SiteID == other.SiteID && shop.Mode == other.Mode:
			return e.wrong("site_id", "is that of shop "+other.Name+", in the same mode")
		case slices.ContainsFunc(shop.Contracts, func(contract string) bool { return slices.Contains(other.Contracts, contract) }):
			return e.wrong("contracts", "has one of shop "+other.Name+": a line of a CRE file would be of both")
		}
	}
	return nil
}

// wrong says on which line of the file which key of the shop is wrong.
func (e *entry) wrong(key, reason string) error {
	line := e.line
	if at, found := e.lines[key]; found {
		line = at
	}
	name := e.Name
	if name == "" {
		name = "without a name"
	}
	return fmt.Errorf("line %d: shop %s: %s %s", line, name, key, reason)
}

// keyOf is the key of the file from which a field of the shop comes.
func keyOf(field string) string {
	keys := map[string]string{
		"vads_site_id": "site_id", "vads_ctx_mode": "mode",
		"key of mode TEST": "key_file", "key of mode PRODUCTION": "key_file",
		"url of the payment page": "page.url",
		"vads_url_check":          "page.check", "vads_url_success": "page.success", "vads_url_refused": "page.refused",
		"vads_url_cancel": "page.cancel", "vads_url_error": "page.error",
		"vads_theme_config": "page.theme", "vads_capture_delay": "page.capture_delay", "vads_validation_mode": "page.validation",
		"vads_redirect_success_timeout": "page.after_success.seconds", "vads_redirect_success_message": "page.after_success.message",
		"vads_redirect_error_timeout": "page.after_error.seconds", "vads_redirect_error_message": "page.after_error.message",
		"vads_product_ref": "page.product_fields.first",
	}
	if key, known := keys[field]; known {
		return key
	}
	return field
}
