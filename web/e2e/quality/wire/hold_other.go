//go:build !linux

package main

import (
	"errors"
	"time"
)

func hold(uint16, time.Duration) error { return errors.ErrUnsupported }
