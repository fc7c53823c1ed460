package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// maxSecretFile is the longest file of a secret, in bytes: the longest secrets
// are keys in PEM, which have some kilobytes.
const maxSecretFile = 64 << 10

// ReadSecret is the secret that is set, or the one that stands alone in the file
// which the setting fileKey names; no file is an empty one. A line's end after it
// is no part of it. The error is an [Error] and repeats nothing of the file.
func (c Config) ReadSecret(set Secret, fileKey, file string) (Secret, error) {
	if file == "" {
		return set, nil
	}
	text, err := readLine(file)
	if err != nil {
		return "", c.Refuse(fileKey, err.Error())
	}
	return Secret(text), nil
}

// readLine gives the one line of a file.
func readLine(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("read it: %w", err)
	}
	defer func() { _ = file.Close() }() // only read
	content, err := io.ReadAll(io.LimitReader(file, maxSecretFile+1))
	if err != nil {
		return "", fmt.Errorf("read it: %w", err)
	}
	if len(content) > maxSecretFile {
		return "", errors.New("the file is too long for what it should be")
	}
	text := strings.TrimRight(string(content), "\r\n")
	if text == "" || strings.ContainsAny(text, "\r\n") {
		return "", errors.New("the file must hold one line, and that not empty")
	}
	return text, nil
}
