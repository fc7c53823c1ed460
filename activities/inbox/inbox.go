// Package inbox finds files that came in, and puts them away once they were
// taken in: compressed, safely on the disk, and out of the inbox.
package inbox

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/vacation"
)

const (
	// folderMax is how many entries a folder may hold that is looked through for a
	// file: a day brings some dozens, and a thousand first lines are read in less
	// than a tenth of a second. A folder of more is one in which nobody puts
	// anything away.
	folderMax = 1_000
	// settleTime is how long a file must not have changed before its end is
	// believed to be its end: slower writers put it in place by a rename.
	settleTime = 2 * time.Second
)

// passedOver are the endings under which programs write or move a file before
// they give it its name; so are names that begin with a dot.
func passedOver() []string {
	return []string{".tmp", ".part", ".partial", ".filepart", ".crdownload", ".swp", "~", ".gz", ".zip"}
}

// Unfinished tells a name under which nobody looks at a file: it is hidden, or
// says that the file is being written or is packed.
func Unfinished(name string) bool {
	return strings.HasPrefix(name, ".") ||
		slices.ContainsFunc(passedOver(), func(ending string) bool { return strings.HasSuffix(name, ending) })
}

// Find is the file that the path stands for: itself or, for a folder, the one
// file in it that is wanted, as told by its beginning. It returns "" when there
// is none.
//
// The error is a [*vacation.Failure], FileInvalid, when there are two, or when
// the folder holds more than a thousand entries.
func Find(path string, wanted func(beginning io.Reader) (bool, error)) (string, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("look for a file: %w", err)
	}
	if !info.IsDir() {
		return path, nil
	}
	found, err := Wanted(path, func(file io.ReadSeeker) (bool, error) { return wanted(file) })
	switch {
	case err != nil || len(found) == 0:
		return "", err
	case len(found) > 1:
		return "", vacation.Fail(vacation.FileInvalid,
			"%s and %s in %s are both the file; nothing was posted: take the wrong one away and run this vacation again",
			filepath.Base(found[0]), filepath.Base(found[1]), path)
	default:
		return found[0], nil
	}
}

// Wanted are the paths of the files in a folder that are wanted, as told by
// their beginnings, in the order of their names. Errors as of [Files].
func Wanted(folder string, wanted func(file io.ReadSeeker) (bool, error)) ([]string, error) {
	names, err := Files(folder)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, name := range names {
		path := filepath.Join(folder, name)
		is, err := isWanted(path, wanted)
		if err != nil {
			return nil, err
		}
		if is {
			found = append(found, path)
		}
	}
	return found, nil
}

// Files are the names of the files in a folder that are complete as far as
// their names tell, sorted.
//
// The error is a [*vacation.Failure], FileInvalid, when the folder holds more
// than a thousand entries.
func Files(path string) ([]string, error) {
	folder, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("look into a folder: %w", err)
	}
	defer func() { _ = folder.Close() }() // only read
	entries, err := folder.ReadDir(folderMax + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("look into %s: %w", path, err)
	}
	if len(entries) > folderMax {
		return nil, vacation.Fail(vacation.FileInvalid,
			"%s holds more than %d files; none was looked at: put away what was processed and run this vacation again", path, folderMax)
	}
	var names []string
	for _, entry := range entries {
		name := entry.Name()
		if entry.Type().IsRegular() && !Unfinished(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// isWanted looks at the file's beginning. One that is gone meanwhile, or that
// the worker may not read, is not.
func isWanted(path string, wanted func(io.ReadSeeker) (bool, error)) (bool, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look at a file: %w", err)
	}
	defer func() { _ = file.Close() }() // only read
	is, err := wanted(file)
	if err != nil {
		return false, fmt.Errorf("look at %s: %w", filepath.Base(path), err)
	}
	return is, nil
}

// Shown is the name of the file at the path as it may be shown and written down:
// banks name files after accounts, and whatever resembles an IBAN is masked.
func Shown(path string) string { return Masked(filepath.Base(path)) }

// Masked is a text, such as an error that repeats a file's name, in which whatever
// resembles an IBAN is masked.
func Masked(text string) string { return account.ReplaceAllStringFunc(text, iban.Mask) }

// account is whatever resembles an IBAN, as [iban.Resembles] tells it.
var account = regexp.MustCompile(`[A-Za-z]{2}\d{2}[A-Za-z0-9]{11,}`)

// Numbered is a file whose name tells its number in a series.
type Numbered struct {
	Path   string
	Number int
}

// Name is the file's own, for messages.
func (n Numbered) Name() string { return filepath.Base(n.Path) }

// Series are the files of the folder that belong to a series, in the order of
// their numbers. digits finds a file's number in its name, and "" in the name of
// one that does not belong to it.
func Series(folder string, digits func(name string) string) ([]Numbered, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("look into the inbox: %w", err)
	}
	var files []Numbered
	for _, entry := range entries {
		text := digits(entry.Name())
		if text == "" {
			continue
		}
		number, err := strconv.Atoi(text)
		if err != nil {
			return nil, fmt.Errorf("number of %s: %w", entry.Name(), err)
		}
		files = append(files, Numbered{Path: filepath.Join(folder, entry.Name()), Number: number})
	}
	slices.SortFunc(files, func(a, b Numbered) int {
		return cmp.Or(cmp.Compare(a.Number, b.Number), cmp.Compare(a.Path, b.Path))
	})
	return files, nil
}

// Settled tells that the file did not change lately: what it lacks now it will
// lack later.
func Settled(path string, now time.Time) (bool, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look at file: %w", err)
	}
	return now.Sub(info.ModTime()) >= settleTime, nil
}

// IsFolder tells a folder from a file, and from what is not there or cannot be
// looked at: what is wrong with it is said where it is opened.
func IsFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// Within tells that the file at the path stands in the folder, or below it.
func Within(folder, path string) bool {
	relative, err := filepath.Rel(folder, path)
	return err == nil && filepath.IsLocal(relative)
}

// UnreadableError is what stands at a path and cannot be read as a file: trying
// again does not help.
type UnreadableError struct {
	Path, Reason string
}

// Error names the path and says what to do.
func (e *UnreadableError) Error() string {
	return e.Path + " " + e.Reason
}

// Open opens what must be a file that this worker may read. What else stands at
// the path is refused before it is opened: to open a pipe would wait for a
// writer. The error is an [*UnreadableError] for these, or that the file is gone.
func Open(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return nil, &UnreadableError{Path: path, Reason: "is no regular file (" + info.Mode().String() + "): put the file itself there"}
	}
	var file *os.File
	if err == nil {
		file, err = os.Open(path)
	}
	if errors.Is(err, fs.ErrPermission) {
		return nil, &UnreadableError{Path: path, Reason: "may not be read by the worker's user: let it read the file"}
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", filepath.Base(path), err)
	}
	return file, nil
}
