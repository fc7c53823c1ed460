package bank

import "errors"

// ErrKilled is what a bank returns that KillAt has killed.
var ErrKilled = errors.New("killed")

// KillAt has the bank die before its nth write to the disk from now on, and stay dead.
func (b *Bank) KillAt(n int) {
	b.interrupt = func() error {
		n--
		if n <= 0 {
			return ErrKilled
		}

		return nil
	}
}
