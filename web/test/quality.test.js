// The figures of the quality measurements, from what a page would have kept.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { figures, gaps, moves, quantile, reaches, rise } from '../e2e/quality/measure.js';

test('gaps count the ends of the window', () => {
  assert.deepEqual(gaps([[50, 1], [150, 1], [400, 1]], 100, 500), [50, 250, 100]);
  assert.deepEqual(gaps([], 0, 300), [300]);
});

test('a size is reached where it stays for two seconds', () => {
  const frames = [[100, 180], [500, 720], [900, 360], [1500, 720], [4000, 720]];
  assert.equal(reaches(frames, 720, 0, 5000), 1500);
  assert.equal(reaches(frames, 1080, 0, 5000), null);
  assert.equal(reaches(frames, 720, 0, 3000), null, 'the window is over before two seconds are');
  assert.equal(moves(frames, 600, 5000), 300);
  assert.equal(moves(frames, 4500, 5000), null);
});

test('a counter rises by what it gained inside, also that of a stream that comes later', () => {
  const at = (time, a, b) => ({ at: time, streams: { a: { n: a }, ...(b === undefined ? {} : { b: { n: b } }) } });
  const samples = [at(0, 5), at(100, 10), at(200, 30, 4), at(300, 50, 9), at(400, 99, 99)];
  assert.equal(rise(samples, 100, 300, () => true, 'n'), 40 + 9);
});

test('a quantile is one of the values', () => {
  assert.equal(quantile([3, 1, 2], 0.5), 2);
  assert.equal(quantile([], 0.5), null);
});

test('frames, freezes and sound of a window', () => {
  const stream = (decoded, concealed) => ({
    v: { type: 'inbound-rtp', kind: 'video', framesDecoded: decoded, freezeCount: 0, totalFreezesDuration: 0, bytesReceived: decoded * 1000 },
    a: { type: 'inbound-rtp', kind: 'audio', concealedSamples: concealed, silentConcealedSamples: 0, bytesReceived: 0 },
  });
  const viewer = { samples: [{ at: 0, streams: stream(0, 0) }, { at: 1000, streams: stream(18, 4800) }], frames: { x: [[100, 720], [600, 720]] }, stalls: [[900, 1300]] };
  const publisher = { samples: [0, 1000].map(at => ({ at, streams: { s: { type: 'media-source', kind: 'video', frames: at / 50 } } })) };
  const f = figures(viewer, [publisher], 0, 1000, [[500, 70], [600, -1]], 60);
  assert.deepEqual([f.frames, f.madeUp, f.longestGap, f.queue, f.stalls, f.video], [90, 100, 500, 10, 100, 144]);
});
