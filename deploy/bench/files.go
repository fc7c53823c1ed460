package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// filePeak is the largest resident memory of a process that writes or reads a
// bank's file, whatever the file's length, in MiB.
const filePeak = 64

// tokensMost is how much longer than a bare loop over the tokens of its XML the
// reading of a camt.053 may take.
const tokensMost = 1.5

// schemasVariable names a folder of ISO's schemas.
const schemasVariable = "REGLO_TEST_ISO_SCHEMAS"

// handled is what a process of its own says of the file that it wrote or read.
type handled struct {
	Peer    string  `json:"peer"`   // who wrote it
	Judged  string  `json:"judged"` // valid, invalid with the number of errors, or not judged
	Seconds float64 `json:"seconds"`
	Peak    float64 `json:"peak_bytes"`
	Bytes   float64 `json:"file_bytes"`
	Records float64 `json:"records"`
}

// series are the runs of one measurement.
type series []handled

func (s series) seconds() float64 {
	return s.median(func(h handled) float64 { return h.Seconds })
}

func (s series) peak() float64 {
	return s.median(func(h handled) float64 { return h.Peak / mebibyte })
}

func (s series) median(value func(handled) float64) float64 {
	values := make([]float64, len(s))
	for i, one := range s {
		values[i] = value(one)
	}
	return median(values)
}

// over gives how many times the other's seconds ours are, run by run.
func (s series) over(other series) float64 {
	ratios := make([]float64, len(s))
	for i := range s {
		ratios[i] = s[i].Seconds / other[i].Seconds
	}
	return median(ratios)
}

// Names of ours, as deploy/bench/peers/run prints them.
const (
	oursGated = "reglo, written and validated"
	oursAlone = "reglo, written alone"
)

// orderFiles is the part of P6 that is the file's: one file of all payouts,
// written and validated, beside what others take to write it.
func orderFiles(ctx context.Context, stand *stand, options options, found *report) error {
	runs := make(map[string]series)
	var peers []string // in the order in which they ran
	for range options.runs {
		written, err := peersOnce(ctx, stand, options)
		if err != nil {
			return err
		}
		for _, one := range written {
			if _, known := runs[one.Peer]; !known {
				peers = append(peers, one.Peer)
			}
			runs[one.Peer] = append(runs[one.Peer], one)
		}
	}
	ours := runs[oursGated]
	if len(ours) != options.runs {
		return errors.New("write orders: ours are missing")
	}
	what := fmt.Sprintf("one pain.001.001.03 of %d orders", options.payouts)
	for _, peer := range peers {
		found.add("P6", what+": "+peer, runs[peer].seconds(), "s")
		if peer != oursGated {
			found.add("P6", what+": "+peer+", peak resident memory", runs[peer].peak(), "MiB")
		}
		if peer == oursGated || peer == oursAlone {
			continue
		}
		if len(runs[peer]) != options.runs {
			return fmt.Errorf("write orders: %s ran %d times of %d", peer, len(runs[peer]), options.runs)
		}
		found.atMost("P6", what+": ours, validated / "+peer, ours.over(runs[peer]), 1, "")
	}
	found.atMost("P6", what+": ours, validated, peak resident memory", ours.peak(), filePeak, "MiB")
	for _, peer := range peers {
		fmt.Printf("      by the schema of ISO 20022, the file of %s: %s\n", peer, runs[peer][0].Judged)
	}
	return nil
}

// peersOnce has ours and npm's sepa write the orders. Who is not there is said on
// stderr, and left out.
func peersOnce(ctx context.Context, stand *stand, options options) ([]handled, error) {
	command := exec.CommandContext(ctx, filepath.Join("deploy", "bench", "peers", "run"),
		"--count", strconv.Itoa(options.payouts), "--folder", filepath.Join(stand.folder, "peers"),
		"--bankfile", filepath.Join(stand.folder, "bankfile"), "reglo", "npm")
	command.Env = append(os.Environ(), schemasVariable+"="+options.schemas)
	output, err := outputOf(command)
	if err != nil {
		return nil, fmt.Errorf("write orders: %w", err)
	}
	var all []handled
	for decoder := json.NewDecoder(bytes.NewReader(output)); ; {
		var one handled
		if err := decoder.Decode(&one); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("write orders: %w", err)
		}
		if invalid := one.Judged != "valid" && one.Judged != "not judged"; invalid && (one.Peer == oursGated || one.Peer == oursAlone) {
			return nil, fmt.Errorf("write orders: by the schema of ISO 20022 ours is %s", one.Judged)
		}
		all = append(all, one)
	}
}

// statements is P7: files of banks that are read from disk, streamed, beside the
// least that a reader does and beside the naive way.
func statements(ctx context.Context, stand *stand, options options, found *report) error {
	what := fmt.Sprintf("camt.053 of %d entries", options.entries)
	runs, err := readings(ctx, stand, options.runs, "camt", options.entries, "camt", "tokens")
	if err != nil {
		return err
	}
	ours, tokens := runs["camt"], runs["tokens"]
	found.add("P7", what+": size", ours[0].Bytes/mebibyte, "MiB")
	found.add("P7", what+": ours", ours.seconds(), "s")
	found.add("P7", what+": a bare loop over its tokens", tokens.seconds(), "s")
	found.atMost("P7", what+": ours / bare loop", ours.over(tokens), tokensMost, "")
	found.atMost("P7", what+": peak resident memory", ours.peak(), filePeak, "MiB")

	what = fmt.Sprintf("CFONB 120 of %d lines", options.records)
	if runs, err = readings(ctx, stand, options.runs, "cfonb", options.records, "cfonb", "cfonb-naive", "scan"); err != nil {
		return err
	}
	ours = runs["cfonb"]
	rate := func(s series) float64 { return s.median(func(h handled) float64 { return h.Records / h.Seconds }) }
	found.add("P7", what+": ours", rate(ours), "lines/s")
	found.add("P7", what+": naive: strings, decimals, time.Parse, no controls", rate(runs["cfonb-naive"]), "lines/s")
	found.add("P7", what+": a bare scan with SHA-256", rate(runs["scan"]), "lines/s")
	found.add("P7", what+": time of ours / naive", ours.over(runs["cfonb-naive"]), "")
	found.add("P7", what+": time of ours / bare scan", ours.over(runs["scan"]), "")
	found.atMost("P7", what+": peak resident memory", ours.peak(), filePeak, "MiB")
	return nil
}

// readings has each way read the same file of so many records, in turn, in
// processes of their own.
func readings(
	ctx context.Context, stand *stand, runs int, kind string, count int, ways ...string,
) (map[string]series, error) {
	program, path := filepath.Join(stand.folder, "bankfile"), filepath.Join(stand.folder, "statement."+kind)
	if _, err := outputOf(exec.CommandContext(ctx, program, "make", kind, strconv.Itoa(count), path)); err != nil {
		return nil, fmt.Errorf("make a statement: %w", err)
	}
	defer func() { _ = os.Remove(path) }()
	read := make(map[string]series)
	for range runs {
		for _, way := range ways {
			output, err := outputOf(exec.CommandContext(ctx, program, "measure", way, path))
			if err != nil {
				return nil, fmt.Errorf("read a statement: %w", err)
			}
			var one handled
			if err := json.Unmarshal(output, &one); err != nil {
				return nil, fmt.Errorf("read a statement: %w", err)
			}
			read[way] = append(read[way], one)
		}
	}
	return read, nil
}

// outputOf runs a command that says on stderr what is wrong.
func outputOf(command *exec.Cmd) ([]byte, error) {
	command.Stderr = os.Stderr
	output, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Base(command.Path), err)
	}
	return output, nil
}
