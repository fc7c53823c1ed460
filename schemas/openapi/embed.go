// Package openapischema holds the OpenAPI documents (3.1) of what the front answers programs.
package openapischema

import _ "embed"

// SystemPay describes the lists of SystemPay's notifications.
//
//go:embed systempay.json
var SystemPay []byte
