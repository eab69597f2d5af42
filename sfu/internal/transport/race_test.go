//go:build race

package transport

// raceDetector: the race detector makes encryption allocate.
const raceDetector = true
