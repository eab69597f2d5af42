// Independent WebRTC stacks in calls on the real binary: each publishes a camera
// and a microphone and gets everyone else's.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startServer } from '../harness/server.js';
import { until } from '../harness/until.js';

const stacks = ['pion', 'wrtc', 'werift', 'datachannel'];
const join = {};
let server;

before(async () => {
  for (const stack of stacks) join[stack] = (await import(`./peers/${stack}.js`)).join;
  server = await startServer();
});

after(async () => {
  const { code } = await server.stop('interop');
  assert.equal(code, 0);
});

/** Joins the stacks in turn, runs the scene, and leaves. */
async function call(room, names, scene) {
  const people = [];
  try {
    for (const name of names) people.push(await join[name](server.url, room, name));
    await scene(people);
    for (const p of people) assert.deepEqual(p.errors(), [], `${p.name}'s errors`);
  } finally {
    for (const p of people) await p.leave();
  }
  await until(async () => (await server.metrics())('plenum_participants') === 0, { what: 'everyone left' });
}

/** What a person must have got of another for it to count as media. */
function enough(to, from) {
  const video = to.of(from.id, 'video'), audio = to.of(from.id, 'audio');
  if (!(video.packets >= 60 && audio.packets >= 100)) return false;
  // libwebrtc decodes; the others look for the beginning of a key frame.
  return to.name === 'wrtc' ? video.frames >= 30 && video.width === 640 : video.keyframes >= 1;
}

async function everyoneGetsEveryone(people) {
  for (const to of people) {
    for (const from of people) {
      if (to === from) continue;
      await until(() => enough(to, from), {
        within: 30000, what: `${to.name} gets ${from.name}`, seen: async () => to,
      });
    }
  }
  for (const to of people.filter(p => p.name === 'pion')) {
    for (const from of people.filter(p => p !== to)) {
      for (const kind of ['video', 'audio']) {
        const track = to.of(from.id, kind);
        assert.equal(track.faults, 0, `${kind} of ${from.name}: ${JSON.stringify(track)}`);
      }
    }
  }
}

for (const stack of stacks.slice(1)) {
  test(`${stack} and pion`, () => call(`pair-${stack}`, ['pion', stack], everyoneGetsEveryone));
  test(`${stack}, then pion`, () => call(`late-${stack}`, [stack, 'pion'], everyoneGetsEveryone));
}

test('all stacks in one room', () => call('all', stacks, everyoneGetsEveryone));

test('libwebrtc hears the tone of another', () => call('tone', ['wrtc', 'wrtc'], async ([a, b]) => {
  await until(() => b.of(a.id, 'audio').energy > 100 && a.of(b.id, 'audio').energy > 100, {
    what: 'audio energy', seen: async () => [a, b],
  });
}));
