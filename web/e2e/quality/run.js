// What a viewer in a real browser sees of publishers in another one while the network
// between them gets worse and better, as a table beside what is wanted. Needs root.
// Usage: node run.js [SCENARIO…] [--runs 3] [--keep FOLDER]
//
// Nothing else may run on the machine: look at `busy` and `stalls` before believing a figure.

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { until } from '../harness/until.js';
import { Call, seen } from './call.js';
import { figures, quantile, reaches } from './measure.js';
import { Network } from './network.js';
import { scenarios } from './scenarios.js';

const { values: options, positionals } = parseArgs({
  allowPositionals: true, options: { runs: { type: 'string', default: '1' }, keep: { type: 'string' } },
});
const sleep = ms => new Promise(resolve => setTimeout(resolve, ms));

/** The machine's processors: time that was used, and all. */
function processors() {
  const [user, nice, system, idle, wait, irq, softirq] = readFileSync('/proc/stat', 'utf8').split('\n')[0].split(/\s+/).slice(1).map(Number);
  const busy = user + nice + system + irq + softirq;
  return { busy, all: busy + idle + wait };
}

/** Undoes the run under way. */
let undo = async () => {};
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => undo().finally(() => process.exit(1)));
}

/** One run of a scenario: what was seen and its figures. */
async function once(name, keep) {
  const scenario = scenarios[name];
  const { delay = 30, cameras = 1, size = [1280, 720], full = 720 } = scenario;
  const network = new Network();
  const call = new Call(network, scenario.options);
  const result = { delay, full, notes: {}, windows: {}, joins: [] };
  undo = async () => {
    await call.stop();
    network.down();
  };
  try {
    await network.up(delay);
    await call.start();
    const pings = network.ping();
    await call.publish(cameras, size);
    const browser = await call.viewer();
    await sleep(6000); // the browser's start is over, and all layers are on
    const base = quantile(pings.slice(-30).map(([, ms]) => ms), 0.5);
    scenario.before?.(network);
    if (keep) call.explain();
    let viewer;
    for (let i = 0; i < (scenario.joins ? 3 : 1); i++) {
      await viewer?.page.close();
      viewer = await call.view(browser, size);
      await viewer.done;
      if (!scenario.joins) await settled(viewer.page, cameras, full);
      const start = processors();
      await scenario.run({ network, note: (what, value) => { result.notes[what] = value; }, phase: async (phase, ms) => {
        const from = Date.now();
        await sleep(ms);
        result.windows[phase] = [from, Date.now()];
      } });
      const end = processors();
      result.busy = Math.round(100 * (end.busy - start.busy) / (end.all - start.all));
      result.seen = await seen(viewer.page);
      const frames = Object.values(result.seen.frames)[0] ?? [], { join } = result.seen.marks;
      result.joins.push({ first: frames.length ? frames[0][0] - join : Infinity, full: reaches(frames, full, join, result.seen.now) });
    }
    const publishers = await Promise.all(call.publishers.map(seen));
    result.phases = Object.fromEntries(Object.entries(result.windows).map(([phase, [from, to]]) => [phase, figures(result.seen, publishers, from, to, pings, base)]));
    if (keep) call.keep(keep, result.seen, publishers, pings);
    return result;
  } finally {
    await undo();
  }
}

/** Waits until all pictures move, and one is as large as they get; the figures say where that never comes. */
async function settled(page, cameras, full) {
  await until(async () => {
    const { frames } = await seen(page);
    const lists = Object.values(frames);
    return lists.length >= cameras && lists.every(f => f.length > 20) && lists.some(f => f.at(-1)[1] >= full);
  }, { within: 20000, what: 'full size before anything happens' }).catch(error => console.log(`| | ${error.message} | | |`));
}

const round = x => Number.isFinite(x) ? Number(x.toFixed(2)) : 'never';

console.log('| scenario | figure | goal | runs |\n|---|---|---|---|');
let missed = 0;
for (const name of positionals.length > 0 ? positionals : Object.keys(scenarios)) {
  const runs = [];
  for (let i = 0; i < Number(options.runs); i++) runs.push(await once(name, options.keep && `${options.keep}/${name}-${i + 1}`));
  for (const [what, figure, goal, direction] of scenarios[name].goals) {
    const values = runs.flatMap(run => figure(run) ?? []);
    const median = quantile(values, 0.5) ?? NaN;
    const isMet = direction === 'least' ? median >= goal : median <= goal;
    if (!isMet) missed++;
    console.log(`| ${name} | ${what} | ${direction === 'least' ? '≥' : '≤'} ${goal} | ${isMet ? '' : '**missed** '}${round(median)} (${values.map(round).join(', ')}) |`);
  }
  for (const run of runs) {
    const phases = Object.entries(run.phases).map(([phase, f]) => `${phase}: ${f.freezes} freezes, ${f.frozen} s, gap ${f.longestGap} ms, ${f.frames} % of the frames, ${f.tiles.map(t => `${t.height}p@${t.fps}`).join(' ')}, ${f.video} + ${f.audio} kbit/s, ${f.madeUp} ms made up, queue ${f.queue} ms, stalls ${f.stalls} ms`);
    console.log(`| | busy ${run.busy} %; ${phases.join('; ')} | | |`);
  }
}
console.log(`\n${missed} goals missed`);
process.exit(0);
