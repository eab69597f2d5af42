package transport

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/pion/logging"
)

// pionLoggers gives pion's loggers to slog, one level down: what pion calls an
// error is mostly a peer's network or a peer's mistake, which the engine counts
// and reports in its own words.
type pionLoggers struct{ log *slog.Logger }

func (f pionLoggers) NewLogger(scope string) logging.LeveledLogger {
	return pionLogger{log: f.log, scope: scope}
}

type pionLogger struct {
	log   *slog.Logger
	scope string
}

func (l pionLogger) write(text string) {
	l.log.Debug(text, "pion", l.scope)
}

func (l pionLogger) writef(format string, args ...any) {
	if l.log.Enabled(context.Background(), slog.LevelDebug) {
		l.write(fmt.Sprintf(format, args...))
	}
}

// Trace and Debug are per packet inside pion: too many even for debugging.
func (l pionLogger) Trace(string)                      {}
func (l pionLogger) Tracef(string, ...any)             {}
func (l pionLogger) Debug(string)                      {}
func (l pionLogger) Debugf(string, ...any)             {}
func (l pionLogger) Info(text string)                  { l.write(text) }
func (l pionLogger) Infof(format string, args ...any)  { l.writef(format, args...) }
func (l pionLogger) Warn(text string)                  { l.write(text) }
func (l pionLogger) Warnf(format string, args ...any)  { l.writef(format, args...) }
func (l pionLogger) Error(text string)                 { l.write(text) }
func (l pionLogger) Errorf(format string, args ...any) { l.writef(format, args...) }
