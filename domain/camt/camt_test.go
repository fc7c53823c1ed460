package camt_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/fault"
)

func faultsOf(t require.TestingT, err error) *fault.Faults {
	found, ok := errors.AsType[*fault.Faults](err)
	require.True(t, ok, "%v", err)

	return found
}

var _ = testing.Short
