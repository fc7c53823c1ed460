package config

import (
	"fmt"
	"os"
)

// folderMode keeps files that name merchants from other users of the machine.
const folderMode = 0o750

// Create makes the data folder and the four below it, where they are missing.
func (d Data) Create() error {
	for _, folder := range []string{d.Inbox(), d.Work(), d.Archive(), d.Events()} {
		if err := os.MkdirAll(folder, folderMode); err != nil {
			return fmt.Errorf("data.dir: make its folders: %w; set REGLO_DATA_DIR to a folder that may be written", err)
		}
	}
	return nil
}
