// Bankfile makes a bank file, or writes or reads one and says what that took, so
// that the bench measures it as a process of its own: its seconds, and its
// largest resident memory.
//
//	bankfile make orders|camt|cfonb COUNT FILE
//	bankfile measure write|write-alone ORDERS FILE
//	bankfile measure camt|tokens|cfonb|cfonb-naive|scan FILE
//
// Where it measures, it prints one line of JSON. Seconds are from before the
// first file is opened to the end of the last one.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"time"

	"github.com/reglo/reglo/deploy/bench/resident"
)

func main() { os.Exit(bankfile(os.Args[1:])) }

// bankfile returns the program's exit code.
func bankfile(arguments []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, arguments); err != nil {
		fmt.Fprintln(os.Stderr, "bankfile:", err)
		return 1
	}
	return 0
}

var errUsage = errors.New("usage: bankfile make orders|camt|cfonb COUNT FILE, " +
	"bankfile measure write|write-alone ORDERS FILE, or bankfile measure camt|tokens|cfonb|cfonb-naive|scan FILE")

func run(ctx context.Context, arguments []string) error {
	const most = 4 // words, of either kind
	words := [most]string{}
	if copy(words[:], arguments) < len(arguments) {
		return errUsage
	}
	switch words[0] {
	case "make":
		return create(words[1], words[2], words[3])
	case "measure":
		return measure(ctx, words[1], words[2], words[3])
	default:
		return errUsage
	}
}

func create(kind, count, path string) error {
	number, err := strconv.Atoi(count)
	if err != nil {
		return fmt.Errorf("how many: %w", err)
	}
	makers := map[string]func(*os.File, int) error{"orders": makeOrders, "camt": makeCamt, "cfonb": makeCFONB}
	maker, known := makers[kind]
	if !known || number < 1 {
		return errUsage
	}
	file, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("make %s: %w", kind, err)
	}
	if err := errors.Join(maker(file, number), file.Close()); err != nil {
		return fmt.Errorf("make %s: %w", kind, err)
	}
	return nil
}

// result is what a measurement came to.
type result struct {
	Seconds   float64 `json:"seconds"`
	PeakBytes int64   `json:"peak_bytes"` // of resident memory, from the beginning of the process
	FileBytes int64   `json:"file_bytes"`
	Records   int     `json:"records"` // orders, entries, movements, tokens or lines
}

func measure(ctx context.Context, what, path, destination string) error {
	var (
		measured result
		err      error
		began    = time.Now()
	)
	switch what {
	case "write", "write-alone":
		measured, err = writeOrders(ctx, path, destination, what == "write")
	default:
		measured, err = read(what, path)
	}
	if err != nil {
		return fmt.Errorf("measure %s: %w", what, err)
	}
	measured.Seconds = time.Since(began).Seconds()
	if measured.PeakBytes, err = resident.Peak(resident.Self); err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(measured); err != nil {
		return fmt.Errorf("measure %s: %w", what, err)
	}
	return nil
}
