// What happens to the network, and what is wanted of it. `phase` waits so long and has
// its figures taken; `note` keeps a figure of its own.

import { moves, reaches } from './measure.js';

const used = (before, after, seconds, kbits) => Math.round((after.bytes - before.bytes) * 8 / seconds / kbits) / 10; // percent
const only = seen => Object.values(seen.frames)[0] ?? [];
const s = ms => ms === null ? Infinity : ms / 1000;

/** A phase on a link of so many kbit/s, with how much of it was used. */
async function limited({ network, phase, note }, name, link, kbits, ms) {
  network.limit(link, kbits);
  const before = network.counted(link);
  await phase(name, ms);
  note(`${name} used`, used(before, network.counted(link), ms / 1000, kbits));
}

/** Losses of so many percent on a link for 15 s. */
async function lossy({ network, phase }, name, link, percent) {
  network.lose(link, percent);
  await phase(name, 15000);
  network.lose(link, 0);
}

/**
 * goals: [what, figure of a run, most] or [what, figure, least, 'least'].
 * @type {Record<string, {delay?: number, cameras?: number, size?: [number, number], options?: object, full?: number,
 *   joins?: boolean, run: (tools: any) => Promise<void>, goals: any[]}>}
 */
export const scenarios = {
  join: {
    joins: true,
    async run({ phase }) { await phase('open', 6000); },
    goals: [
      ['first picture, round trips', r => r.joins.map(j => j.first / (2 * r.delay)), 6.5],
      ['full size s', r => r.joins.map(j => s(j.full)), 0.9],
    ],
  },
  'join-far': {
    joins: true, delay: 125,
    async run({ phase }) { await phase('open', 6000); },
    goals: [
      ['first picture, round trips', r => r.joins.map(j => j.first / (2 * r.delay)), 5.5],
      ['full size s', r => r.joins.map(j => s(j.full)), 2.5],
    ],
  },
  step: {
    before: network => network.limit('down', 5000),
    async run(tools) {
      await tools.phase('wide', 6000);
      await limited(tools, 'narrow', 'down', 700, 22000);
      tools.network.limit('down', 5000);
      await tools.phase('again', 15000);
    },
    goals: [
      ['frozen s', r => r.phases.narrow.frozen + r.phases.again.frozen, 0.25],
      ['full again s', r => s(reaches(only(r.seen), r.full, ...r.windows.again)), 2],
      ['used %', r => r.notes['narrow used'], 85, 'least'],
      ['queue p95 ms', r => r.phases.narrow.queue, 100],
    ],
  },
  low: {
    async run(tools) {
      await limited(tools, 'narrow', 'down', 250, 10000);
      tools.network.limit('down', 0);
      await tools.phase('open', 15000);
    },
    goals: [['full again s', r => s(reaches(only(r.seen), r.full, ...r.windows.open)), 4]],
  },
  loss: {
    async run(tools) {
      await lossy(tools, 'five', 'down', 5);
      await tools.phase('between', 5000);
      await lossy(tools, 'fifteen', 'down', 15);
    },
    goals: [
      ['5 %: freezes', r => r.phases.five.freezes, 0], ['5 %: frames %', r => r.phases.five.frames, 95, 'least'], ['5 %: made up ms', r => r.phases.five.madeUp, 60],
      ['15 %: longest gap s', r => r.phases.fifteen.longestGap / 1000, 0.6], ['15 %: frames %', r => r.phases.fifteen.frames, 85, 'least'], ['15 %: made up ms', r => r.phases.fifteen.madeUp, 200],
    ],
  },
  far: {
    delay: 125,
    async run(tools) {
      await lossy(tools, 'five', 'down', 5);
      await tools.phase('between', 5000);
      await lossy(tools, 'fifteen', 'down', 15);
    },
    goals: [
      ['5 %: frames %', r => r.phases.five.frames, 90, 'least'], ['5 %: frozen s', r => r.phases.five.frozen, 1], ['5 %: made up ms', r => r.phases.five.madeUp, 60],
      ['15 %: frames %', r => r.phases.fifteen.frames, 70, 'least'], ['15 %: frozen s', r => r.phases.fifteen.frozen, 3], ['15 %: made up ms', r => r.phases.fifteen.madeUp, 250],
    ],
  },
  up: {
    async run(tools) { await lossy(tools, 'five', 'up', 5); },
    goals: [['freezes', r => r.phases.five.freezes, 0], ['made up ms', r => r.phases.five.madeUp, 30]],
  },
  blackout: {
    async run({ network, phase }) {
      await phase('clean', 4000);
      network.black(true);
      await phase('black', 5000);
      network.black(false);
      await phase('after', 12000);
    },
    goals: [
      ['moving after s', r => s(moves(only(r.seen), ...r.windows.after)), 0.35],
      ['full after s', r => s(reaches(only(r.seen), r.full, ...r.windows.after)), 1.5],
    ],
  },
  thin: {
    cameras: 3, size: [640, 360], full: 360, options: { fps: 15 },
    before: network => network.limit('down', 1000),
    async run(tools) {
      for (const kbits of [1000, 300, 120, 40]) await limited(tools, `at ${kbits}`, 'down', kbits, 12000);
      tools.network.limit('down', 5000);
      await tools.phase('open', 12000);
    },
    goals: [
      ['300: someone moves, fps', r => Math.max(...r.phases['at 300'].tiles.map(t => t.fps)), 2, 'least'],
      ['40: made up ms', r => r.phases['at 40'].madeUp, 500],
      ['all moving s', r => Math.max(...Object.values(r.seen.frames).map(f => s(moves(f, ...r.windows.open)))), 1],
      ['all full s', r => Math.max(...Object.values(r.seen.frames).map(f => s(reaches(f, r.full, ...r.windows.open)))), 3],
    ],
  },
  download: {
    before: network => network.limit('down', 5000),
    async run({ network, phase }) {
      await phase('alone', 4000);
      const end = network.download(8);
      await phase('beside', 25000);
      end();
      await phase('after', 12000);
    },
    goals: [
      ['video kbit/s', r => r.phases.beside.video, 500, 'least'], ['frozen s', r => r.phases.beside.frozen, 3],
      ['full after s', r => s(reaches(only(r.seen), r.full, ...r.windows.after)), 3],
    ],
  },
  screen: {
    options: { source: 'screen' },
    async run(tools) { await limited(tools, 'narrow', 'down', 700, 20000); },
    goals: [['height', r => r.phases.narrow.tiles[0].height, 720, 'least'], ['used %', r => r.notes['narrow used'], 80, 'least']],
  },
  uplink: {
    async run(tools) {
      await limited(tools, 'narrow', 'up', 500, 20000);
      tools.network.limit('up', 0);
      await tools.phase('open', 15000);
      tools.network.black(true, 'pub');
      await tools.phase('black', 8000);
      tools.network.black(false, 'pub');
      await tools.phase('after', 15000);
    },
    goals: [
      ['500: frozen s', r => r.phases.narrow.frozen, 2], ['full again s', r => s(reaches(only(r.seen), r.full, ...r.windows.open)), 8],
      ['after 8 s of nothing: full s', r => s(reaches(only(r.seen), r.full, ...r.windows.after)), 8],
    ],
  },
  train: {
    before: network => network.limit('down', 5000),
    async run(tools) {
      await lossy(tools, 'loss', 'down', 5);
      await limited(tools, 'narrow', 'down', 400, 10000);
      tools.network.black(true);
      await tools.phase('tunnel', 3000);
      tools.network.black(false);
      tools.network.limit('down', 5000);
      await tools.phase('out', 12000);
    },
    goals: [['moving after s', r => s(moves(only(r.seen), ...r.windows.out)), 1], ['full after s', r => s(reaches(only(r.seen), r.full, ...r.windows.out)), 3]],
  },
};

for (const codec of ['VP9', 'H264', 'AV1']) {
  for (const name of ['step', 'loss']) scenarios[`${name}-${codec}`] = { ...scenarios[name], options: { codec } };
}
for (const name of ['step', 'loss', 'thin']) {
  scenarios[`${name}-firefox`] = { ...scenarios[name], options: { ...scenarios[name].options, firefox: true } };
}
