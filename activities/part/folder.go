package part

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"

	"github.com/reglo/reglo/domain/settlement"
)

// Folder is where the parts of one file are.
type Folder string

// NewFolder is the folder of the parts of the file with that content, below the work folder.
func NewFolder(work, fileHash string) Folder {
	return Folder(filepath.Join(work, fileHash))
}

// Exists tells whether the parts were made; they may be damaged still.
func (f Folder) Exists() bool {
	info, err := os.Stat(string(f))
	return err == nil && info.IsDir()
}

// Remove clears the parts away.
func (f Folder) Remove() error {
	if err := os.RemoveAll(string(f)); err != nil {
		return fmt.Errorf("clear parts away: %w", err)
	}
	return nil
}

func (f Folder) sales(number int) string {
	return filepath.Join(string(f), fmt.Sprintf("%03d.sales", number))
}
func (f Folder) others(number int) string {
	return filepath.Join(string(f), fmt.Sprintf("%03d.others", number))
}

// fileBuffer is how much of each open part waits in memory, in bytes.
const fileBuffer = 16 << 10

// Writer splits lines into parts in a folder of its own, which takes its place
// under its final name when all of them are written.
type Writer struct {
	work  string
	dir   Folder
	files []*output // sales of part n at 2n, others at 2n+1
	parts []Part
	line  []byte
}

type output struct {
	file   *os.File
	digest hash.Hash
	buffer *bufio.Writer // to both
}

// NewWriter splits into the parked part and count others, in a new folder below work.
func NewWriter(work string, count int) (*Writer, error) {
	dir, err := os.MkdirTemp(work, temporaryPrefix)
	if err != nil {
		return nil, fmt.Errorf("make a folder for parts: %w", err)
	}
	writer := &Writer{work: work, dir: Folder(dir), files: make([]*output, 2*(count+1)), parts: make([]Part, count+1)}
	for number := range writer.parts {
		writer.parts[number].Number = number
		writer.parts[number].SalesHash, writer.parts[number].OthersHash = sha256.Sum256(nil), sha256.Sum256(nil)
	}
	return writer, nil
}

// temporaryPrefix begins the names of folders that are being written.
const temporaryPrefix = "writing-"

// Add writes a line to a part. account is the CP's number in the ledger,
// [ToDebt] or, in the parked part, why it is parked.
func (w *Writer) Add(number int, account int32, line *settlement.Line) error {
	part := &w.parts[number]
	index, path := 2*number, w.dir.sales(number)
	var err error
	if line.Gross > 0 {
		part.Sales++
		part.SalesSum, err = part.SalesSum.Add(line.Gross)
	} else {
		index, path = 2*number+1, w.dir.others(number)
		part.Others++
		part.OthersSum, err = part.OthersSum.Add(line.Gross)
	}
	if err != nil {
		return fmt.Errorf("sum of part %d: %w", number, err)
	}
	if part.Commissions, err = part.Commissions.Add(line.Commission); err != nil {
		return fmt.Errorf("commissions of part %d: %w", number, err)
	}

	if w.files[index] == nil {
		file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return fmt.Errorf("make part: %w", err)
		}
		digest := sha256.New()
		w.files[index] = &output{
			file: file, digest: digest, buffer: bufio.NewWriterSize(io.MultiWriter(file, digest), fileBuffer),
		}
	}
	w.line = strconv.AppendInt(w.line[:0], int64(account), 10)
	w.line = append(w.line, ' ')
	w.line = settlement.AppendLine(w.line, line)
	if _, err := w.files[index].buffer.Write(w.line); err != nil {
		return fmt.Errorf("write part: %w", err)
	}
	return nil
}

// Parts is what was written to each part, the parked one first. Their hashes
// are known when the parts are finished.
func (w *Writer) Parts() []Part { return w.parts }

// Finish ends the parts: they can be read, and nothing can be added. They are
// not synced to the disk: what a power cut spoils is made again.
func (w *Writer) Finish() error { return w.closeFiles() }

// Folder is where the parts are until they are placed.
func (w *Writer) Folder() Folder { return w.dir }

// Place gives the finished parts to the file with that content.
func (w *Writer) Place(fileHash string) error {
	folder := NewFolder(w.work, fileHash)
	if err := folder.Remove(); err != nil {
		return err
	}
	err := os.Rename(string(w.dir), string(folder))
	if errors.Is(err, fs.ErrExist) {
		return w.dir.Remove() // somebody placed the parts of the same file just now: they are the same
	}
	if err != nil {
		return errors.Join(fmt.Errorf("put parts in place: %w", err), w.dir.Remove())
	}
	return nil
}

// Abort clears away what was written.
func (w *Writer) Abort() error {
	return errors.Join(w.closeFiles(), w.dir.Remove())
}

func (w *Writer) closeFiles() error {
	var failed error
	for i, out := range w.files {
		if out == nil {
			continue
		}
		w.files[i] = nil
		failed = errors.Join(failed, out.buffer.Flush(), out.file.Close())
		digest := &w.parts[i/2].SalesHash
		if i%2 == 1 {
			digest = &w.parts[i/2].OthersHash
		}
		out.digest.Sum(digest[:0])
	}
	if failed != nil {
		return fmt.Errorf("write parts: %w", failed)
	}
	return nil
}

// ErrDamaged is a part that is not there or not what was written: the file has
// to be split again.
var ErrDamaged = errors.New("a part of the file is missing or damaged in the work folder")

// Verify reads a part whole and compares it with its hashes: a damage that still
// reads as lines would post them to another account, or for another amount.
func (f Folder) Verify(part Part) error {
	return errors.Join(
		verify(f.sales(part.Number), part.Sales, part.SalesHash),
		verify(f.others(part.Number), part.Others, part.OthersHash))
}

func verify(path string, count int, want [32]byte) error {
	if count == 0 {
		return nil
	}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", filepath.Base(path), ErrDamaged)
	}
	if err != nil {
		return fmt.Errorf("open part: %w", err)
	}
	defer func() { _ = file.Close() }() // only read
	digest := sha256.New()
	if _, err := io.Copy(digest, file); err != nil {
		return fmt.Errorf("read part: %w", err)
	}
	if [32]byte(digest.Sum(nil)) != want {
		return fmt.Errorf("%s: %w", filepath.Base(path), ErrDamaged)
	}
	return nil
}

// Sales opens a part's sales; a part without any has no file.
func (f Folder) Sales(part Part) (*Reader, error) { return open(f.sales(part.Number), part.Sales) }

// Others opens a part's other lines.
func (f Folder) Others(part Part) (*Reader, error) { return open(f.others(part.Number), part.Others) }

// Reader reads the lines of a part back.
type Reader struct {
	file  *os.File
	lines *bufio.Reader
	left  int
}

func open(path string, count int) (*Reader, error) {
	if count == 0 {
		return &Reader{}, nil
	}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", filepath.Base(path), ErrDamaged)
	}
	if err != nil {
		return nil, fmt.Errorf("open part: %w", err)
	}
	return &Reader{file: file, lines: bufio.NewReaderSize(file, 4*fileBuffer), left: count}, nil
}

// Next reads a line and the number that stands before it; io.EOF after the
// last. The line's slices are valid until the next call.
func (r *Reader) Next(line *settlement.Line) (account int32, err error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	raw, err := r.lines.ReadSlice('\n')
	if err != nil {
		// The end of the file is no end of the part: lines are missing.
		return 0, fmt.Errorf("read part: %s: %w", err.Error(), ErrDamaged)
	}
	number, record, found := bytes.Cut(raw[:len(raw)-1], []byte{' '})
	if !found {
		return 0, ErrDamaged
	}
	if account, err = parseNumber(number); err != nil {
		return 0, err
	}
	if err := settlement.ParseLine(record, line); err != nil {
		return 0, fmt.Errorf("%w: %w", err, ErrDamaged)
	}
	r.left--
	return account, nil
}

// parseNumber reads what stands before a line. It allocates nothing.
func parseNumber(text []byte) (int32, error) {
	var number int64
	for _, digit := range text {
		if digit < '0' || digit > '9' {
			return 0, ErrDamaged
		}
		if number = number*10 + int64(digit-'0'); number > math.MaxInt32 {
			return 0, ErrDamaged
		}
	}
	if len(text) == 0 {
		return 0, ErrDamaged
	}
	return int32(number), nil
}

// Close closes the part's file.
func (r *Reader) Close() error {
	if r.file == nil {
		return nil
	}
	if err := r.file.Close(); err != nil {
		return fmt.Errorf("close part: %w", err)
	}
	return nil
}
