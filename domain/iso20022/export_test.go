package iso20022

// Limit lowers MaxBytes for one document, so that a test needs not read a gigabyte.
func (d *Decoder) Limit(size int64) { d.source.most = size }
