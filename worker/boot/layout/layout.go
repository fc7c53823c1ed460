// Package layout reads the layouts of a site's own files, which the settings name.
package layout

import (
	"errors"
	"fmt"

	"github.com/reglo/reglo/domain/layout"
	"github.com/reglo/reglo/domain/merchant"
	"github.com/reglo/reglo/domain/payline"
	"github.com/reglo/reglo/domain/settlement"
	layoutschema "github.com/reglo/reglo/schemas/layout"
	"github.com/reglo/reglo/worker/boot/config"
)

// Layouts says how each file is read.
type Layouts struct {
	CRE settlement.Layout
	// Merchants is nil for the format of our own, ogep-merchants/1.
	Merchants merchant.Layout
	Payline   payline.Layout
}

// Read reads and compiles the layouts that the settings name; where they name none, files have the formats of our own.
// The error says on one line which setting, which file, which line of it, and why.
func Read(settings config.Layout) (Layouts, error) {
	layouts := Layouts{CRE: settlement.CRE1{}, Payline: payline.Ogep1{}}
	for _, one := range []struct {
		setting, path, reads string
		take                 func(layout.Layout) bool
	}{
		{"layout.cre", settings.CRE, layout.ReadsCRE, func(found layout.Layout) bool {
			layouts.CRE = found.CRE
			return found.CRE != nil
		}},
		{"layout.merchants", settings.Merchants, layout.ReadsMerchants, func(found layout.Layout) bool {
			layouts.Merchants = found.Merchants
			return found.Merchants != nil
		}},
		{"layout.payline", settings.Payline, layout.ReadsPayline, func(found layout.Layout) bool {
			layouts.Payline = found.Payline
			return found.Payline != nil
		}},
	} {
		if one.path == "" {
			continue
		}
		found, err := layoutschema.Load(one.path)
		if err == nil && !one.take(found) {
			err = errors.New(one.path + ": reads: must be " + one.reads + " for this setting")
		}
		if err != nil {
			return Layouts{}, fmt.Errorf("%s: %w", one.setting, err)
		}
	}
	return layouts, nil
}
