// Package bwe estimates the bandwidth of the path to one viewer, from what is
// sent to him and what his transport-wide feedback reports.
//
// It follows draft-ietf-rmcat-gcc-02 and what libwebrtc learned since, with
// differences where an SFU differs: it sends frames in bursts as they come, in a
// few layers' rates and not in any rate, so that it is limited by what it has to
// send most of the time.
//
// # Delay
//
// One-way delay (receiver's clock minus ours) is compared with the least of the
// last 8–16 seconds: the difference is time spent in queues. A virtual queue that
// drains at the estimated rate tells how much of that our own bursts explain; it
// is taken off, so that a keyframe doesn't look like congestion. What is left, by
// groups of packets sent within 5 ms, goes through a line fitted to the last half
// second. Overuse is a slope above an adaptive threshold that noise can't make
// (six standard errors, over the half second or, where a queue begins to grow
// fast, over 200 ms), or a queue that stands above 35 ms and doesn't shrink.
//
// A link that suddenly carries less than half shows sooner: the packets of one burst
// are drawn apart. Where six or more in a row, over at least 80 ms, came evenly, without
// a pause and at less than half of the estimate, while their queue grew by 0.4 s a second
// or 40 % of those between them were lost, the estimate is cut at once to what they
// came at. The caller is told how much stands in the network's queue
// (TakeStanding), for what it sends before that is gone would be lost or wait there.
// Where a line was drawn first, through what had come before the link became narrow,
// the cut was too small: packets that are drawn apart correct it.
//
// # Decrease, drain, increase
//
// What was sent before a cut gives no reason for another, but for one correction. On
// overuse the estimate becomes 90 % of what gets through, measured over the last
// 150–300 ms, when the link was full and showed its capacity. While the queue
// is longer than 40 ms, Target is less than the estimate in proportion, down to
// 40 %, so that the queue empties in about a second; then it returns at once. A
// queue that doesn't shrink when less is sent belongs to others: after some
// patience it becomes part of the base delay, and for a while deeper ones are
// tolerated; else a flow that fills queues would starve us.
//
// Without overuse the estimate grows by 8 % a second, or by a packet per response
// time near the rate of the last overuses. It never exceeds 1.5 × what gets
// through, and does not grow at all while less than 80 % of it is sent: a rate
// that nobody sent isn't known to get through. Nor does it decay then. As long as it
// was never cut, it is no less than what gets through.
//
// # Others
//
// A queue that should have shrunk by 150 ms, for we send less than got through, and
// shrank by less than a quarter of that, is filled by others, as TCP does. A sender that
// gives way to it is left with nothing. Loss is the signal then: up to 10 % is borne, and
// the rate grows by at most a packet each round trip. A third of what got
// through before, and no less than 300 kbit/s, is kept while 85 % of its packets
// arrive. Delay is the signal again when the queue was empty for 0.7 s, delivers faster
// than we send and so is our own, or varies so little that it is the path's delay.
//
// # Loss
//
// Loss is observed by quarters of a second over six seconds, from the start after a second in
// which hardly anything was sent, and two models
// compete: loss that has nothing to do with the rate, and a limit above which all
// is lost on top of that. Only where the second explains the observations much
// better (a likelihood ratio, divided by how much the losses scatter) is the
// estimate bounded. So random loss costs nothing, bursts are forgiven, and a
// policer or a very short buffer, that no delay betrays, is found. Loss above
// 15 % for half a second bounds the estimate anyway, until it is seen not to
// depend on the rate; above 60 % at once.
//
// # Probes
//
// A limited sender learns of more bandwidth by probing: padding of 25 ms at the
// rate in question. How far the packets spread on the way tells whether the path
// carries that rate, or which it does; the second half of the train is judged by
// itself too, for a shaper's bucket of tokens lets the first pass at any rate. At the start come ×3 and ×6 of the start
// rate, and on, as long as they pass and more is wanted; later, each 3 s, 120 % of
// the next step that the allocation would take (at least 200 kbit/s more than is
// sent, at most three times the estimate); and one at 85 % of the old rate half
// a second after a cut, 1.5 s after one to less than half. A probe whose result was regretted, for a cut to less followed,
// doubles the interval (to 6 s at most) and, where the allocation goes in steps, the length of
// the next ones; time proves others right and restores both. There is no
// probe while a queue stands, nor when all that is wanted fits. Where the allocation can
// only go in steps and more than half as much again is wanted, a probe leaves every 2 s,
// unless the last results were too high, or padding took more than 6 % of the estimate,
// and every 3.4 s in any case where over three times as much is wanted. A cut for a moment
// in which nothing came through says nothing about the probe before it.
//
// # Rest
//
// A measured queue is believed until the packets in it must have left, and 200 ms more.
// After that nothing is sent that could show that it is gone, where all video is
// paused because of it: the drain ends, and a probe leaves every 2 s.
//
// # Trouble
//
// Where nothing at all comes from the client for 600 ms and two round trips, although it
// is sent packets, there is an outage and no congestion: the estimate stays and the
// caller sends no video. With the first sign of life half of it counts, and a probe asks
// whether the rest is still there. What was lost in between says nothing.
//
// Packets whose feedback got lost count neither as lost nor as a pause. Without
// any feedback for a second and three round trips, while packets go out, the
// estimate falls by 30 % each half second. A jump of the receiver's clock by more
// than 3 s starts the measurements anew and keeps the estimate.
//
// # Use
//
// The caller reports every packet with Sent, feedback with Feedback, and what the
// allocation wants with Demand; after each of these, and at Next, it reads Target
// and asks Probe. The package is pure: no clock, no lock, no goroutine; Sent and
// Feedback don't allocate, but for the history that grows with the packet rate.
package bwe
