// Package alloc splits the bandwidth estimate of one viewer over everything that
// this viewer is subscribed to: which layer of which track is sent.
//
// # What is wanted
//
// A track's candidates are its live layers that its tile can show. If a layer
// covers the tile, give or take a quarter (a picture enlarged that little looks
// the same), no larger one is a candidate; a camera's picture covers when it
// fills the tile both ways, for its tile crops it, a screen's when it does so one
// way. Frame rates likewise: among layers of one size, none above the least that
// satisfies the wished rate. What a packet stream doesn't tell at once (size, frame rate,
// bitrate of a layer just begun) is estimated from the neighbouring layers.
//
// Each candidate has a value: how sharp it is in its tile and how smoothly it
// moves, each with diminishing returns, times the weight of the track, which is the
// square root of its tile's area, six times that for a screen share, twice for
// the current speaker, and four times for each level of priority. From the
// lowest candidate, the path upwards goes each time to the layer with the most
// value per additional bit; layers that cost much for what they show aren't on it.
// So a track is a short list of steps, whose benefit per bit falls.
//
// # Who gets what
//
// The steps of all tracks are sorted: first audio, then the first step (the base
// layer) of each video by importance (priority, then screen share, speaker, size),
// then all further steps by benefit per bit. A step that is held counts half as
// much again, so that noise doesn't make equals change places. Three things then
// happen in this order:
//
//   - Keep: the steps that are held, and the audio or base layer of newcomers, are
//     taken as long as they fit the budget. What doesn't fit is gone at once. If
//     anything had to go, upgrades leave a twentieth of the budget free, so that a
//     falling estimate takes few steps rather than many.
//   - Raise: further steps are taken if all that is sent then fits the budget with
//     headroom, and has done so for the hold time. While an audio or a base layer
//     waits for bandwidth, nobody gets an upgrade.
//   - Displace: a step for which there is no room may take the place of steps that
//     come after it in the order, the last ones first, if what is gained clearly
//     outweighs what is lost. A base layer may push out any upgrade, audio any video.
//
// So the least important is paused rather than everyone starved, a step too big
// to fit leaves its room to smaller ones, and what was lowered or paused comes back
// by itself.
//
// # Hysteresis
//
// Keeping is judged by the mean of a layer's measured bitrate and the budget of the
// moment. Raising is judged by more than the mean, half-way to the recent peaks,
// plus a tenth, and by the least budget of the last three quarters of a second (in
// the first seconds of a call, of the last quarter). After a cut nothing is raised
// for as long.
//
// A cut also shows where the limit is. Up to three quarters of the total that was
// cut, nothing changes; beyond, the least budget of the last five seconds counts,
// and peaks count in full. If the last raise was less than half a minute ago, it
// has failed: then the five seconds become fifteen, then thirty, and each failure
// adds a tenth to the headroom, up to three. One failure is forgotten every two
// minutes. A budget that breaks in by nearly half is a change of the link and no sign
// of a limit, nor are further cuts within two seconds. One that rises to half as much
// again as the total lifts the limit; where that has misled before, it takes the
// square of that, then the cube. Wanted tells how much, for nothing else makes an
// estimator look for it. Whatever has failed, nobody sees nothing for long: what is paused
// returns where all that is sent then leaves a fifth of the least budget of the last two
// and a half seconds.
//
// A layer whose publisher stopped it while it was watched must live for a second
// before it is chosen again, and twice as long each further time within a minute.
//
// # Promises
//
// The means of the layers chosen sum up to no more than the budget, with one
// exception: the most important audio track is always sent. From the same state,
// more budget never gives less: audio and base layers come first in
// their order, and of upgrades the sum of values doesn't fall. The same call
// repeated gives the same result. The order of the tracks in the arguments doesn't
// matter, and ids must differ: a repeated one is paused.
//
// An audio track stays open while it is silent or muted, since it costs next to nothing
// and its first syllable should not wait for a decision. A muted video is paused.
//
// Allocate wants to be called whenever something changes: estimate, tracks,
// liveness; and, because measured bitrates are input too, at least every second.
//
// The package is pure: no clock, no lock, no goroutine.
package alloc
