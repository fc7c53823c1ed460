package audit

// VerifyIn lets a test damage the books in a transaction that it rolls back.
var VerifyIn = verify //nolint:gochecknoglobals // an alias for tests
