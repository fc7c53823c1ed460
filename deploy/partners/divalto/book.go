package divalto

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// Booking is a header of settlements in the books.
type Booking struct {
	TransactionID string `json:"transactionId"`
	Dossier       string `json:"dossier"`
	Label         string `json:"LIB"`
	ThirdParty    string `json:"TIERS"` // none of a remise en banque
	Cents         int64  `json:"amountCents"`
	Currency      string `json:"DEV"`
	Direction     int    `json:"direction"` // 1 for an encashment, 2 for a disbursement
	State         string `json:"ETATFIN"`
	Date          string `json:"TRANSACDT"` // yyyyMMdd
	Lines         int    `json:"lines"`     // details
	// Bank and Items are a remise en banque's: the transactions that it has deposited.
	Bank  string   `json:"BQC,omitempty"`
	Items []string `json:"items,omitempty"`

	// DepositedBy is the transaction that has deposited this one.
	DepositedBy string `json:"depositedBy,omitempty"`
	// Copies is how often something was booked under the label.
	Copies int `json:"copies,omitempty"`
}

// books are what was booked. The file has one line for what each request has booked, which is whole or was not booked.
type books struct {
	file      *os.File
	size      int64 // of the whole lines
	bookings  []Booking
	at        map[string]int // in bookings, by transaction
	copies    map[string]int // by label
	deposited map[string]string
	next      int64
}

// entry is a line of the file.
type entry struct {
	Bookings []Booking `json:"bookings"`
}

const (
	fileMode   = 0o600 // the books name third parties
	folderMode = 0o700
)

var errClosed = errors.New("the books are closed")

func openBooks(path string, first int64) (*books, error) {
	if err := os.MkdirAll(filepath.Dir(path), folderMode); err != nil {
		return nil, fmt.Errorf("make the folder of the books: %w", err)
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, fileMode)
	if err != nil {
		return nil, fmt.Errorf("open the books: %w", err)
	}
	b := &books{file: file, at: map[string]int{}, copies: map[string]int{}, deposited: map[string]string{}}
	if err := b.take(path); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if len(b.bookings) == 0 {
		b.next = first
	}
	return b, nil
}

// take makes the file ours and reads it. A line that broke off was not booked: it is cut away.
func (b *books) take(path string) error {
	if err := syscall.Flock(int(b.file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fmt.Errorf("the books %s are another process's: end it, or name another file: %w", path, err)
	}
	reader := bufio.NewReader(b.file)
	for number := 1; ; number++ {
		line, err := reader.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("read the books: %w", err)
		}
		var kept entry
		if err := json.Unmarshal(line, &kept); err != nil {
			return fmt.Errorf("books %s, line %d: it is no entry; move the file away to begin new books: %w", path, number, err)
		}
		if err := b.enter(kept.Bookings); err != nil {
			return fmt.Errorf("books %s, line %d: %w", path, number, err)
		}
		b.size += int64(len(line))
	}
	return b.rewind()
}

// rewind cuts away what follows the whole lines.
func (b *books) rewind() error {
	_, err := b.file.Seek(b.size, io.SeekStart)
	if err := errors.Join(b.file.Truncate(b.size), err); err != nil {
		return fmt.Errorf("cut the books after their last whole line: %w", err)
	}
	return nil
}

// enter takes bookings into memory.
func (b *books) enter(bookings []Booking) error {
	for i := range bookings {
		number, err := strconv.ParseInt(bookings[i].TransactionID, 10, 64)
		if err != nil {
			return fmt.Errorf("transaction %q: want a number: %w", bookings[i].TransactionID, err)
		}
		b.next = max(b.next, number+1)
		b.at[bookings[i].TransactionID] = len(b.bookings)
		b.copies[bookings[i].Label]++
		for _, item := range bookings[i].Items {
			b.deposited[item] = bookings[i].TransactionID
		}
		b.bookings = append(b.bookings, bookings[i])
	}
	return nil
}

// book numbers bookings and keeps them, all or none.
func (b *books) book(bookings []Booking) error {
	if b.file == nil {
		return errClosed
	}
	for i := range bookings {
		bookings[i].TransactionID = strconv.FormatInt(b.next+int64(i), 10)
	}
	line, err := json.Marshal(entry{bookings})
	if err != nil {
		return fmt.Errorf("write the bookings: %w", err)
	}
	line = append(bytes.TrimSpace(line), '\n')
	_, err = b.file.Write(line)
	if err := errors.Join(err, b.file.Sync()); err != nil {
		return errors.Join(fmt.Errorf("keep the bookings: %w", err), b.rewind())
	}
	b.size += int64(len(line))
	return b.enter(bookings)
}

// find gives a copy of a booking.
func (b *books) find(transaction string) (Booking, bool) {
	at, known := b.at[transaction]
	if !known {
		return Booking{}, false
	}
	return b.bookings[at], true
}

// all gives copies of the bookings, with what followed.
func (b *books) all() []Booking {
	all := slices.Clone(b.bookings)
	for i := range all {
		all[i].Copies = b.copies[all[i].Label]
		all[i].DepositedBy = b.deposited[all[i].TransactionID]
	}
	return all
}

func (b *books) close() error {
	if b.file == nil {
		return nil
	}
	err := b.file.Close()
	b.file = nil
	if err != nil {
		return fmt.Errorf("close the books: %w", err)
	}
	return nil
}
