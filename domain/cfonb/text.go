package cfonb

import (
	"strings"
	"unicode/utf8"
)

// Where the French 7 bits have another character than ASCII, in the same order.
const (
	french7Signs   = "#@[\\]`{|}~"
	french7Letters = "£à°ç§µéùè¨"
)

// decodeText gives a text of a record in UTF-8. The text holds no control character.
func decodeText(text string, encoding Encoding) string {
	if !strings.ContainsFunc(text, func(char rune) bool { return foreign(char, encoding) }) {
		return text
	}

	decoded := make([]byte, 0, utf8.UTFMax*len(text)/2)
	for _, char := range []byte(text) {
		decoded = utf8.AppendRune(decoded, character(char, encoding))
	}

	return string(decoded)
}

// foreign tells a character, or a byte that is not UTF-8, that decodeText changes.
func foreign(char rune, encoding Encoding) bool {
	return char >= firstASCII8 || char == '{' || char == '}' ||
		encoding == French7 && strings.ContainsRune(french7Signs, char)
}

// character gives what a byte of a text stands for.
func character(char byte, encoding Encoding) rune {
	switch {
	case encoding == French7:
		if at := strings.IndexByte(french7Signs, char); at >= 0 {
			return []rune(french7Letters)[at]
		}
	case char == '{':
		return 'é'
	case char == '}':
		return 'è'
	}

	return rune(char)
}

// appendLatin1 appends a text in ISO-8859-1, and tells whether it can be.
func appendLatin1(into []byte, text string) ([]byte, bool) {
	for _, char := range text {
		if char > lastLatin1 {
			return into, false
		}

		into = append(into, byte(char)) //nolint:gosec // at most lastLatin1
	}

	return into, true
}
