package xsd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	validator "github.com/jacoelho/xsd"
	"github.com/jacoelho/xsd/xsderrors"
)

// chunk is what the validator is handed at once in [Gate.Pass], in bytes: it judges one chunk while the next is written, and
// the two seldom wait for each other. Two of them are kept.
const chunk = 512 << 10

// errUnfinished ends the validator's file when who writes it panics.
var errUnfinished = errors.New("the file was not written to its end")

// Check reads a file to its end and judges it. The error is a *Refusal, that of source, or the context's. It takes the same
// memory, some hundreds of kilobytes, whatever the file's length.
func (g *Gate) Check(ctx context.Context, source io.Reader) error {
	watched := &watch{source: source}

	err := g.engine.ValidateWithOptions(ctx, watched, validator.ValidateOptions{
		MaxErrors: 1, MaxInstanceBytes: MaxBytes, MaxInstanceDepth: MaxDepth, MaxInstanceAttributes: MaxAttributes,
		MaxInstanceTokenBytes: MaxToken, MaxInstanceTextBytes: MaxToken,
	})

	switch {
	case err == nil:
		return nil
	case watched.err != nil:
		return fmt.Errorf("read the file to judge it by the schema %s: %w", g.version, watched.err)
	case ctx.Err() != nil:
		return fmt.Errorf("judge the file by the schema %s: %w", g.version, context.Cause(ctx))
	}

	found, ok := errors.AsType[*xsderrors.Error](err)
	if !ok || found.Category == xsderrors.CategoryInternal {
		return fmt.Errorf("judge the file by the schema %s: %w", g.version, err)
	}

	refusal := &Refusal{Version: g.version, Line: found.Line, Column: found.Column, Path: g.path(found.Path), Reason: g.reason(found)}
	if refusal.Column == 0 { // the validator's place is where it gave up looking for an end, many lines behind
		refusal.Line = 0
	}

	return refusal
}

// Pass has a file written to destination, and judges it in the same pass: write is called once, with what it is to write
// the whole file to. When that fails by itself, its error is returned, whatever was judged; otherwise the error is that of
// [Gate.Check]. Where the file cannot be judged any further, as not well-formed or too long, or the context has ended,
// writing fails with that same error. What was written to destination is of use to nobody unless Pass gives no error.
func (g *Gate) Pass(ctx context.Context, destination io.Writer, write func(io.Writer) error) error {
	var (
		judge  sync.WaitGroup
		judged error
	)

	reader, feed := io.Pipe()

	judge.Go(func() {
		judged = g.Check(ctx, bufio.NewReaderSize(reader, chunk))
		_ = reader.CloseWithError(judged) // never fails
	})

	defer judge.Wait()
	defer func() { _ = feed.CloseWithError(errUnfinished) }() // no effect once it is closed below

	ahead := bufio.NewWriterSize(feed, chunk)

	err := write(&tee{destination: destination, judge: ahead})
	if err == nil {
		err = ahead.Flush()
	}

	_ = feed.CloseWithError(err) // never fails; without an error the validator's file ends

	judge.Wait()

	if err != nil && !errors.Is(err, judged) {
		return err //nolint:wrapcheck // the caller's own error, given back to it
	}

	return judged
}

// tee writes to both, like [io.MultiWriter], whose type would hide which one failed.
type tee struct {
	destination io.Writer
	judge       *bufio.Writer
}

func (t *tee) Write(text []byte) (int, error) {
	if n, err := t.destination.Write(text); err != nil {
		return n, err //nolint:wrapcheck // the caller's own error, given back to it
	}

	return t.judge.Write(text) //nolint:wrapcheck // already says that the file is refused, and where
}

// watch keeps the error of its source, which is not the file's fault.
type watch struct {
	source io.Reader
	err    error
}

func (w *watch) Read(into []byte) (int, error) {
	n, err := w.source.Read(into)
	if err != nil && !errors.Is(err, io.EOF) {
		w.err = err
	}

	return n, err //nolint:wrapcheck // wrapped by Check
}

// path keeps the names of the profile only: any other may be a text that was not escaped.
func (g *Gate) path(path string) string {
	parts := strings.Split(path, "/")

	for i, part := range parts {
		if _, known := g.rules[part]; part != "" && !known {
			parts[i] = "?"
		}
	}

	return strings.Join(parts, "/")
}

// reason says the rule in words of its own, since some of the validator's repeat what they refuse.
func (g *Gate) reason(found *xsderrors.Error) string {
	switch found.Code {
	case xsderrors.CodeValidationXML:
		return "is not well-formed XML"
	case xsderrors.CodeUnsupportedNonUTF8:
		return "is not in UTF-8"
	case xsderrors.CodeUnsupportedDTD, xsderrors.CodeUnsupportedExternal, xsderrors.CodeUnsupportedEntity:
		return "has a document type or an entity"
	case xsderrors.CodeValidationLimit:
		return fmt.Sprintf("is longer than %d bytes, deeper than %d elements, or has more than %d attributes or %d bytes in one place",
			MaxBytes, MaxDepth, MaxAttributes, MaxToken)
	case xsderrors.CodeValidationRoot:
		return "has not the root element Document of " + g.version
	case xsderrors.CodeValidationElement:
		name := found.Message[strings.LastIndexAny(found.Message, " }")+1:]
		if _, known := g.rules[name]; known {
			return "has the element " + name + " where another one, or none, must stand"
		}

		return "has an element that must not stand there"
	case xsderrors.CodeValidationContent:
		if strings.HasPrefix(found.Message, "missing") {
			return "ends before all its elements"
		}

		return "has an element in its value"
	case xsderrors.CodeValidationText:
		return "has text between its elements"
	case xsderrors.CodeValidationAttribute:
		return "has not the attributes that it must have"
	case xsderrors.CodeValidationFacet:
		return g.rule(found)
	default:
		return "breaks the rule " + string(found.Code)
	}
}

// rule is that of the attribute that the message names, or else of the last element of the path.
func (g *Gate) rule(found *xsderrors.Error) string {
	name := found.Path[strings.LastIndexByte(found.Path, '/')+1:]

	if message, ok := strings.CutPrefix(found.Message, "invalid attribute "); ok {
		name, _, _ = strings.Cut(message, ":")
	}

	return g.rules[name]
}
