package pesit

import (
	"encoding/binary"
	"fmt"
)

const (
	// MaxArticle is the length of the longest article, in bytes: two bytes count it.
	MaxArticle = 0xFFFF
	// maxArticlesAnFPDU is how many articles one DTF holds: one byte counts them.
	maxArticlesAnFPDU = 0xFF

	articleLengthBytes = 2
)

// checkData wants the articles that the header counts.
func (f FPDU) checkData() error {
	if f.Kind != DTF || f.Src == 0 {
		if f.Src != 0 {
			return &FormatError{Kind: f.Kind, Reason: "a part of an article has no count of articles"}
		}
		return nil
	}
	if f.Src == 1 {
		return &FormatError{Kind: f.Kind, Reason: "a count of articles of 1: one article goes without a count"}
	}
	return f.Articles(func([]byte) error { return nil })
}

// Articles gives each article of an FPDU of content, or the part of one that it
// holds, until give fails. The error is give's, or a *FormatError.
func (f FPDU) Articles(give func(article []byte) error) error {
	if f.Kind != DTF || f.Src == 0 {
		return give(f.Data)
	}
	rest := f.Data
	for i := range int(f.Src) {
		if len(rest) < articleLengthBytes {
			return &FormatError{
				Kind: f.Kind, Offset: HeaderBytes + len(f.Data), Reason: fmt.Sprintf("breaks off at article %d of %d", i+1, f.Src),
			}
		}
		length := int(binary.BigEndian.Uint16(rest))
		rest = rest[articleLengthBytes:]
		if length > len(rest) {
			return &FormatError{
				Kind: f.Kind, Offset: HeaderBytes + len(f.Data) - len(rest),
				Reason: fmt.Sprintf("article %d of %d has %d bytes, where %d are left", i+1, f.Src, length, len(rest)),
			}
		}
		if err := give(rest[:length]); err != nil {
			return err
		}
		rest = rest[length:]
	}
	if len(rest) > 0 {
		return &FormatError{
			Kind: f.Kind, Offset: HeaderBytes + len(f.Data) - len(rest),
			Reason: fmt.Sprintf("%d bytes behind the last article", len(rest)),
		}
	}
	return nil
}

// Pack puts articles into FPDUs of at most size bytes, header included: an
// article that does not fit goes in parts, and with several, articles that fit
// together go together. An FPDU of one article is a slice of it.
func Pack(dst byte, size int, several bool, articles ...[]byte) []FPDU {
	room := size - HeaderBytes
	packed := make([]FPDU, 0, len(articles))
	for len(articles) > 0 {
		first := articles[0]
		together := 1
		if several {
			together = fitting(room, articles)
		}
		switch {
		case len(first) > room:
			packed = append(packed, split(dst, room, first)...)
		case together == 1:
			packed = append(packed, FPDU{Kind: DTF, Dst: dst, Data: first})
		default:
			packed = append(packed, join(dst, articles[:together]))
		}
		articles = articles[together:]
	}
	return packed
}

// fitting counts the articles that go together, one at least.
func fitting(room int, articles [][]byte) int {
	count := 0
	for _, article := range articles {
		room -= articleLengthBytes + len(article)
		if room < 0 || count == maxArticlesAnFPDU {
			break
		}
		count++
	}
	return max(count, 1)
}

// join is a DTF of several articles.
func join(dst byte, articles [][]byte) FPDU {
	length := 0
	for _, article := range articles {
		length += articleLengthBytes + len(article)
	}
	data := make([]byte, 0, length)
	for _, article := range articles {
		data = binary.BigEndian.AppendUint16(data, uint16(len(article))) //nolint:gosec // it fits into an FPDU
		data = append(data, article...)
	}
	return FPDU{Kind: DTF, Dst: dst, Src: byte(len(articles)), Data: data} //nolint:gosec // maxArticlesAnFPDU at most
}

// split is an article in parts.
func split(dst byte, room int, article []byte) []FPDU {
	parts := []FPDU{{Kind: DTFDA, Dst: dst, Data: article[:room]}}
	for article = article[room:]; len(article) > room; article = article[room:] {
		parts = append(parts, FPDU{Kind: DTFMA, Dst: dst, Data: article[:room]})
	}
	return append(parts, FPDU{Kind: DTFFA, Dst: dst, Data: article})
}
