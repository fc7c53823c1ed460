package boot

// Drain is what drives a started app to its end.
var Drain = drain //nolint:gochecknoglobals // for tests
