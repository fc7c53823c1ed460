package channel

import (
	"github.com/reglo/reglo/activities/channels/pesitrest"
	"github.com/reglo/reglo/worker/boot/config"
)

// NewProduct makes the channel to PeSIT Wizard as itself, at no pace, for what
// only that product is told: where to call us. It calls nobody. The error is a
// [config.Error].
func NewProduct(settings config.Config) (*pesitrest.Channel, error) { return newPesitREST(settings) }
