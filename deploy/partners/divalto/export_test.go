package divalto

// Requote gives requote to the tests.
func Requote(text string) (string, error) { return requote(text) }

// ReadParam tells the script and how many headers a param has.
func ReadParam(param string) (script string, headers int, err error) {
	read, err := readParam(param)
	return read.Action.Script, len(read.Data.Headers), err
}

// ParseEuros and Euros give the amounts to the tests.
func ParseEuros(text string) (int64, error) { return parseEuros(text) }

// Euros writes an amount.
func Euros(cents int64) string { return euros(cents) }
