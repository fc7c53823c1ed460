package sepa

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// nothingLeft stands for a text of which nothing is left: an element of a file must not be empty.
const nothingLeft = '.'

// Change counts what Append altered of a text.
type Change struct {
	Replaced int // characters that are written otherwise, or left out since they print nothing
	Cut      int // characters beyond the limit, counted after transliteration
}

// Append appends text as SEPA carries it: transliterated to the characters that are Allowed, without spaces at its ends,
// and then cut to limit characters, all of them ASCII. Spaces inside are kept, runs of them too, since labels are aligned
// by them. What is appended is never empty: where nothing is left, it is a full stop.
//
// A character that is not Allowed is written as follows:
//
//   - & as +, € as E;
//   - letters of Latin-1 and Latin Extended-A, and Ș ș Ț ț ẞ, by their base letters: é as e, Œ as OE, ß as ss, ø as o;
//   - typographic apostrophes and single quotation marks as ', hyphens, dashes and the minus sign as -;
//   - white space of any kind as a space;
//   - combining marks and format characters, which print nothing by themselves, as nothing;
//   - all others, bytes that are not UTF-8 included, as a full stop each.
//
// It does not allocate when dst has room.
func Append(dst []byte, text string, limit int) ([]byte, Change) {
	plain := 0
	for plain < len(text) && allowed[text[plain]] {
		plain++
	}

	start, replaced := len(dst), 0

	if plain == len(text) {
		dst = append(dst, strings.Trim(text, " ")...)
	} else {
		dst = append(dst, strings.TrimLeft(text[:plain], " ")...)
		dst, replaced = appendOther(dst, start, text[plain:])
	}

	cut := max(len(dst)-start-limit, 0)
	dst = trimRight(dst[:len(dst)-cut], start)

	if len(dst) == start {
		dst = append(dst, nothingLeft)
	}

	return dst, Change{Replaced: replaced, Cut: cut}
}

// appendOther transliterates text, character by character, behind what dst has from start on.
func appendOther(dst []byte, start int, text string) ([]byte, int) {
	replaced := 0

	for _, char := range text {
		switch {
		case char == ' ' && len(dst) == start: // nothing is before it yet
		case char < utf8.RuneSelf && allowed[char]:
			dst = utf8.AppendRune(dst, char)
		default:
			replaced++

			if written := transliterated(char); written != " " || len(dst) > start {
				dst = append(dst, written...)
			}
		}
	}

	return trimRight(dst, start), replaced
}

func trimRight(dst []byte, start int) []byte {
	for len(dst) > start && dst[len(dst)-1] == ' ' {
		dst = dst[:len(dst)-1]
	}

	return dst
}

// transliterated gives what stands for a character that is not allowed.
func transliterated(char rune) string {
	written, known := table[char]

	switch {
	case known:
		return written
	case unicode.IsSpace(char):
		return " "
	case unicode.In(char, unicode.M, unicode.Cf):
		return ""
	default:
		return "."
	}
}

var table = func() map[rune]string { //nolint:gochecknoglobals // never written
	written := make(map[rune]string)

	for _, row := range [...]struct{ by, chars string }{
		{"+", "&"},
		{"E", "€"},
		{"'", "‘’‚‛′ʼ´"},
		{"-", "‐‑‒–—―−"},
		{"A", "ÀÁÂÃÄÅĀĂĄ"},
		{"a", "àáâãäåāăąª"},
		{"AE", "Æ"},
		{"ae", "æ"},
		{"C", "ÇĆĈĊČ"},
		{"c", "çćĉċč"},
		{"D", "ÐĎĐ"},
		{"d", "ðďđ"},
		{"E", "ÈÉÊËĒĔĖĘĚ"},
		{"e", "èéêëēĕėęě"},
		{"G", "ĜĞĠĢ"},
		{"g", "ĝğġģ"},
		{"H", "ĤĦ"},
		{"h", "ĥħ"},
		{"I", "ÌÍÎÏĨĪĬĮİ"},
		{"i", "ìíîïĩīĭįı"},
		{"IJ", "Ĳ"},
		{"ij", "ĳ"},
		{"J", "Ĵ"},
		{"j", "ĵ"},
		{"K", "Ķ"},
		{"k", "ķĸ"},
		{"L", "ĹĻĽĿŁ"},
		{"l", "ĺļľŀł"},
		{"N", "ÑŃŅŇŊ"},
		{"n", "ñńņňŋ"},
		{"'n", "ŉ"},
		{"O", "ÒÓÔÕÖØŌŎŐ"},
		{"o", "òóôõöøōŏőº"},
		{"OE", "Œ"},
		{"oe", "œ"},
		{"R", "ŔŖŘ"},
		{"r", "ŕŗř"},
		{"S", "ŚŜŞŠȘ"},
		{"s", "śŝşšșſ"},
		{"SS", "ẞ"},
		{"ss", "ß"},
		{"T", "ŢŤŦȚ"},
		{"t", "ţťŧț"},
		{"TH", "Þ"},
		{"th", "þ"},
		{"U", "ÙÚÛÜŨŪŬŮŰŲ"},
		{"u", "ùúûüũūŭůűųµ"},
		{"W", "Ŵ"},
		{"w", "ŵ"},
		{"Y", "ÝŶŸ"},
		{"y", "ýÿŷ"},
		{"Z", "ŹŻŽ"},
		{"z", "źżž"},
	} {
		for _, char := range row.chars {
			written[char] = row.by
		}
	}

	return written
}()
