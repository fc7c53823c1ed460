package systempay

const (
	// minMention is how short a reference of an order may be to be told from the other words of a text.
	minMention = 4
	// maxMention is how long one may be at all.
	maxMention = 64
)

// AppendMentions appends the words of a text that may be references of orders, each behind a blank but the first one of
// dst: letters, digits, - and _, as in [OrderID], at least four of them and 64 at most, with a digit among them. A
// reference without one, such as CARTE, would be found in texts that are of no order.
func AppendMentions(dst, text []byte) []byte {
	begin, digit := 0, false

	for i := 0; i <= len(text); i++ {
		if i < len(text) && isReference(text[i]) {
			digit = digit || text[i] >= '0' && text[i] <= '9'

			continue
		}

		if word := text[begin:i]; digit && len(word) >= minMention && len(word) <= maxMention {
			if len(dst) > 0 {
				dst = append(dst, ' ')
			}

			dst = append(dst, word...)
		}

		begin, digit = i+1, false
	}

	return dst
}

func isReference(char byte) bool {
	return char >= '0' && char <= '9' || char >= 'A' && char <= 'Z' || char >= 'a' && char <= 'z' || char == '-' || char == '_'
}
