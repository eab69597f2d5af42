import assert from 'node:assert/strict';
import {test} from 'node:test';
import {Quality} from '../app/state/quality.js';

/** Runs a script of [milliseconds, want] for one track, ticking each second, and returns what was said when. */
function play(script, end) {
  const quality = new Quality();
  const said = [];
  let last = ' false';
  for (let now = 0; now <= end; now += 500) {
    for (const [at, want] of script) if (at === now) quality.update('v', want, now);
    quality.tick(now);
    const text = `${quality.of('v')} ${quality.weak}`;
    if (text !== last) said.push([now, text]);
    last = text;
  }
  return said;
}

test('the first seconds of a call, and short dips, are not worth a word', () => {
  assert.deepEqual(play([[0, 'reduced'], [3500, ''], [10_000, 'reduced'], [13_000, ''], [20_000, 'paused'], [20_500, '']], 30_000), []);
});

test('what lasts is said once, and taken back once', () => {
  assert.deepEqual(play([[0, 'reduced'], [60_000, '']], 90_000), [
    [4000, 'reduced false'], [10_000, 'reduced true'], [64_000, ' true'], [70_000, ' false'],
  ]);
});

test('flapping does not show: the mark and the statement stay', () => {
  const flapping = Array.from({length: 30}, (_, index) => [5000 + 2000 * index, index % 2 ? 'reduced' : '']);
  assert.deepEqual(play([[0, 'reduced'], ...flapping], 64_000), [[4000, 'reduced false'], [10_000, 'reduced true']]);
});

test('a paused picture that is back is not called paused for another moment', () => {
  assert.deepEqual(play([[0, 'paused'], [10_000, 'reduced'], [12_000, '']], 30_000), [
    [1000, 'paused false'], [7000, 'paused true'], [10_000, 'reduced true'], [16_000, ' true'], [22_000, ' false'],
  ]);
});

test('tracks that are gone say nothing more', () => {
  const quality = new Quality();
  quality.update('v', 'paused', 0);
  quality.tick(2000);
  quality.keep(new Set());
  assert.equal(quality.of('v'), '');
  quality.update('w', 'paused', 3000);
  quality.tick(20_000);
  quality.tick(30_000);
  assert.equal(quality.weak, true);
  quality.clear();
  assert.deepEqual([quality.of('w'), quality.weak], ['', false]);
});
