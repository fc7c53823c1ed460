package ingest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/reglo/reglo/domain/settlement"
	"github.com/reglo/reglo/domain/statement"
	"github.com/reglo/reglo/domain/vacation"
)

// folderMax is how many entries a folder may hold that is looked through for a
// file: a day brings some dozens, and a thousand first lines are read in less
// than a tenth of a second, once a second while a file is waited for. A folder of
// more is one in which nobody puts anything away.
const folderMax = 1_000

// passedOver are the endings under which programs write or move a file before
// they give it its name; so are names that begin with a dot.
func passedOver() []string {
	return []string{".tmp", ".part", ".partial", ".filepart", ".crdownload", ".swp", "~", ".gz", ".zip"}
}

// resolve is the file that the path stands for: itself or, for a folder, the
// file in it whose header carries the reference. The error is fs.ErrNotExist
// when there is none, and a failure when there are two.
func (a *Activities) resolve(path, reference string) (string, error) {
	found, err := a.candidates(path, reference)
	switch {
	case err != nil:
		return "", err
	case len(found) == 0:
		return "", fmt.Errorf("no file of reference %s in %s: %w", reference, path, fs.ErrNotExist)
	case len(found) > 1:
		return "", vacation.Fail(vacation.FileInvalid,
			"%s and %s in %s both carry reference %s; nothing was posted: take the wrong one away and run this vacation again",
			filepath.Base(found[0]), filepath.Base(found[1]), path, reference)
	default:
		return found[0], nil
	}
}

// candidates are the files that the path may stand for, in the order of their names.
func (a *Activities) candidates(path, reference string) ([]string, error) {
	if !isFolder(path) {
		return []string{path}, nil
	}
	names, err := regularFiles(path)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, name := range names {
		file := filepath.Join(path, name)
		carries, err := a.carries(file, reference)
		if err != nil {
			return nil, err
		}
		if carries {
			found = append(found, file)
		}
	}
	return found, nil
}

// isFolder tells a folder from a file, and from what is not there or cannot be
// looked at: what is wrong with it is said where it is opened.
func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// regularFiles are the names of the files in a folder that are complete as far
// as their names tell, sorted.
func regularFiles(path string) ([]string, error) {
	folder, err := os.Open(path)
	if err != nil {
		return nil, unreadable(path, err)
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
		unfinished := strings.HasPrefix(name, ".") ||
			slices.ContainsFunc(passedOver(), func(ending string) bool { return strings.HasSuffix(name, ending) })
		if entry.Type().IsRegular() && !unfinished {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// carries tells whether the file's first line is a header with that reference:
// of a CRE file, or of the detail of a lot of rejects. A file that is gone
// meanwhile, or that the worker may not read, carries none.
func (a *Activities) carries(path, reference string) (bool, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look at a file: %w", err)
	}
	defer func() { _ = file.Close() }() // only read
	header, found, err := settlement.ReadHeader(file, a.layout)
	if err != nil {
		return false, fmt.Errorf("look at %s: %w", filepath.Base(path), err)
	}
	if found {
		return header.Reference == reference, nil
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return false, fmt.Errorf("go to the beginning of %s: %w", filepath.Base(path), err)
	}
	lot, found, err := statement.ReadLot(file)
	if err != nil {
		return false, fmt.Errorf("look at %s: %w", filepath.Base(path), err)
	}
	return found && lot == reference, nil
}
