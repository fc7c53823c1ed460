package ingest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/reglo/reglo/activities/inbox"
	"github.com/reglo/reglo/domain/settlement"
	"github.com/reglo/reglo/domain/vacation"
)

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
	if !inbox.IsFolder(path) {
		return []string{path}, nil
	}
	found, err := inbox.Wanted(path, func(file io.ReadSeeker) (bool, error) { return a.carries(file, reference) })
	if errors.Is(err, fs.ErrPermission) {
		return nil, vacation.Fail(vacation.FileInvalid,
			"%s may not be read by the worker's user; nothing was posted: let it read the folder and run this vacation again", path)
	}
	return found, err
}

// carries tells whether the file is a CRE file whose header has that reference,
// or details the lot of rejects of that reference.
func (a *Activities) carries(file io.ReadSeeker, reference string) (bool, error) {
	header, found, err := settlement.ReadHeader(file, a.layout)
	if err != nil {
		return false, fmt.Errorf("read the header of a CRE file: %w", err)
	}
	if found {
		return header.Reference == reference, nil
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return false, fmt.Errorf("go to the file's beginning: %w", err)
	}
	return a.details.Details(file, reference)
}
