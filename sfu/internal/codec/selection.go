package codec

import "math/bits"

// MaxSelection is the highest index of a spatial or temporal layer in a Selection.
// It stands for all layers that there are.
const MaxSelection = 7

// Selection is a choice of layers within one RTP stream: up to a spatial and up
// to a temporal one. A choice beyond what the stream has is the highest that it has.
type Selection uint8

// Select is the selection up to the given layers, 0 to MaxSelection each.
func Select(spatial, temporal uint8) Selection {
	return Selection(min(spatial, MaxSelection)<<3 | min(temporal, MaxSelection))
}

// Spatial is the highest spatial layer of the selection.
func (s Selection) Spatial() uint8 { return uint8(s) >> 3 }

// Temporal is the highest temporal layer of the selection.
func (s Selection) Temporal() uint8 { return uint8(s) & 7 }

// Selections is a set of selections: bit 8·spatial+temporal each.
type Selections uint64

const (
	// All are all selections.
	All Selections = 1<<64 - 1
	// firstColumn are the selections of temporal layer 0: bit 0 of each row, a row
	// being the selections with one spatial layer.
	firstColumn Selections = 0x0101010101010101
)

// Has reports whether the selection is in the set.
func (s Selections) Has(one Selection) bool { return s>>(one&63)&1 != 0 }

// One is the set of just one selection.
func One(one Selection) Selections { return 1 << (one & 63) }

// Within are the selections with at most the layers of one.
func Within(one Selection) Selections {
	return (firstColumn * (2<<one.Temporal() - 1)) & rowsTo(one.Spatial())
}

// rowsTo are the selections with at most the spatial layer.
func rowsTo(spatial uint8) Selections { return All >> (56 - 8*spatial) }

// rowsFrom are the selections with at least the spatial layer.
func rowsFrom(spatial uint8) Selections { return All << (8 * spatial) }

// row are the selections with just the spatial layer.
func row(spatial uint8) Selections { return 0xff << (8 * spatial) }

// columnsFrom are the selections with at least the temporal layer.
func columnsFrom(temporal uint8) Selections { return firstColumn * (0xff << temporal & 0xff) }

// Row are the selections with the spatial layer, 0 to MaxSelection.
func (s Selections) Row(spatial uint8) Selections { return s & row(min(spatial, MaxSelection)) }

// Highest is the selection in the set, which is not empty, with the highest spatial
// layer, and among those the highest temporal one.
func (s Selections) Highest() Selection { return Selection(max(0, bits.Len64(uint64(s))-1)) }

// TopSpatial is the highest spatial layer of any selection, 0 if there is none.
func (s Selections) TopSpatial() uint8 { return s.Highest().Spatial() }

// Lifted are the selections in s and those that the lift adds to them.
func (s Selections) Lifted(l Lift) Selections {
	return s | (s>>(l.From&7)&firstColumn)*Selections(l.To)
}
