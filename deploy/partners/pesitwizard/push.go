package pesitwizard

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
)

// ErrNothingToPush is a name of which the bank has no file for us.
var ErrNothingToPush = errors.New("the bank has no such file")

// Push has the bank bring a file that it has for us, without being asked: the transfer is one that received, and webhooks are
// called. It gives the transfer's identifier.
func (p *Product) Push(ctx context.Context, name string) (id string, err error) {
	if !namePattern.MatchString(name) {
		return "", fmt.Errorf("%q: %w", name, ErrNothingToPush)
	}
	sum, err := p.offeredSum(name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s: %w", name, ErrNothingToPush)
	}
	if err != nil {
		return "", err
	}
	wanted := asked{
		server: p.settings.Servers[0], partner: p.settings.Partner, remote: name, direction: receiving,
		local: filepath.Join(p.settings.Arrived, "pushed-"+randomName()), correlation: randomName(),
	}
	begun := p.begin(wanted)
	result := p.receive(wanted)
	if result.status == completed {
		p.lock.Lock()
		p.pushed[name] = sum
		p.lock.Unlock()
	}
	p.end(ctx, begun, result)
	return begun.ID, nil
}

// PushAll has the bank bring, in the order of their names, the files that it has for us and did not bring before with the
// same content. It gives the transfers' identifiers.
func (p *Product) PushAll(ctx context.Context) ([]string, error) {
	offered, err := os.ReadDir(p.settings.Offered)
	if err != nil {
		return nil, fmt.Errorf("look for what the bank has for us: %w", err)
	}
	ids := []string{}
	for _, entry := range offered {
		if !entry.Type().IsRegular() || !namePattern.MatchString(entry.Name()) {
			continue
		}
		known, err := p.known(entry.Name())
		if err != nil {
			return ids, err
		}
		if known {
			continue
		}
		id, err := p.Push(ctx, entry.Name())
		if err != nil {
			return ids, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// known tells whether the bank brought what it has under a name.
func (p *Product) known(name string) (bool, error) {
	sum, err := p.offeredSum(name)
	if err != nil {
		return false, err
	}
	p.lock.Lock()
	defer p.lock.Unlock()
	return p.pushed[name] == sum, nil
}

func (p *Product) offeredSum(name string) (string, error) {
	file, err := os.Open(filepath.Join(p.settings.Offered, name)) //nolint:gosec // a name that callers checked has no folder in it
	if err != nil {
		return "", fmt.Errorf("open what the bank has for us: %w", err)
	}
	defer func() { _ = file.Close() }() // only read
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return "", fmt.Errorf("read what the bank has for us: %w", err)
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// pushOne answers with the transfer.
func (p *Product) pushOne(working context.Context, r *http.Request) reply {
	id, err := p.Push(working, r.PathValue("name"))
	if errors.Is(err, ErrNothingToPush) {
		return p.wrong(r, http.StatusNotFound, "NOT_FOUND", ErrNothingToPush.Error())
	}
	if err != nil {
		return p.wrong(r, http.StatusInternalServerError, "INTERNAL_ERROR", "the file could not be brought")
	}
	shown, _ := p.find(id)
	return reply{http.StatusOK, show(shown)}
}

// pushAll answers with the transfers.
func (p *Product) pushAll(working context.Context, r *http.Request) reply {
	ids, err := p.PushAll(working)
	if err != nil {
		return p.wrong(r, http.StatusInternalServerError, "INTERNAL_ERROR", "not all files could be brought")
	}
	all := make([]numbered, 0, len(ids))
	for _, id := range ids {
		shown, _ := p.find(id)
		all = append(all, show(shown))
	}
	return reply{http.StatusOK, all}
}
