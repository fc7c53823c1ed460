package config

import (
	"fmt"
	"os"
)

// folderMode: files hold merchants' money and card transactions, for the
// engine's own user only. Another mode that is set on a folder stays.
const folderMode = 0o700

// Create makes the data folder and the five below it, where they are missing.
func (d Data) Create() error {
	for _, folder := range []string{d.Inbox(), d.Work(), d.Archive(), d.Outbox(), d.Events()} {
		if err := os.MkdirAll(folder, folderMode); err != nil {
			return fmt.Errorf("data.dir: make its folders: %w; set REGLO_DATA_DIR to a folder that may be written", err)
		}
	}
	return nil
}
