package divalto

import "github.com/reglo/reglo/activities/erp"

// ReadFound reads the answer to a look-up.
func ReadFound(c *Client, body []byte, label string) erp.Found {
	var found erp.Found
	c.readFound(&found, body, label)
	return found
}
