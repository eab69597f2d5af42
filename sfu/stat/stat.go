package stat

import "sync/atomic"

// Counter only ever rises. The zero value is ready.
type Counter struct{ n atomic.Uint64 }

// Add raises the counter by n.
func (c *Counter) Add(n uint64) { c.n.Add(n) }

// Inc raises the counter by one.
func (c *Counter) Inc() { c.n.Add(1) }

// Load is the current value.
func (c *Counter) Load() uint64 { return c.n.Load() }

// Gauge rises and falls. The zero value is ready.
type Gauge struct{ n atomic.Int64 }

// Set makes the gauge n.
func (g *Gauge) Set(n int64) { g.n.Store(n) }

// Add changes the gauge by n, which may be negative.
func (g *Gauge) Add(n int64) { g.n.Add(n) }

// Inc raises the gauge by one.
func (g *Gauge) Inc() { g.n.Add(1) }

// Dec lowers the gauge by one.
func (g *Gauge) Dec() { g.n.Add(-1) }

// Load is the current value.
func (g *Gauge) Load() int64 { return g.n.Load() }
