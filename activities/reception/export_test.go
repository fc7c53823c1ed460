package reception

// Limit has the activities take no file beyond that many bytes.
func (a *Activities) Limit(bytes int64) { a.limit = bytes }
