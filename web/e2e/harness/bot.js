// Participants without a browser: the Go client, as a program of its own. What it
// publishes decodes, to grey pictures and silence, and costs no encoder.

import { execFileSync, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { until } from './until.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const program = fileURLToPath(new URL('../../../bin/interop-bot', import.meta.url));
let built = false;

/**
 * @param {{flags?: string[], network?: import('./network.js').Network}} options
 *   flags are those of interop/bot/main.go; with a network, the bot lives in it.
 */
export async function startBot(url, room, name, { flags = [], network } = {}) {
  if (!built) {
    execFileSync('go', ['build', '-o', program, './web/e2e/interop/bot'], { cwd: root, stdio: 'inherit' });
    built = true;
  }
  const child = spawn(network?.wrap(program) ?? program, ['-url', `${url.replace('http', 'ws')}/ws`, '-room', room, '-name', name, ...flags],
    { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise(resolve => child.on('exit', resolve));
  let last;
  createInterface({ input: child.stdout }).on('line', line => { last = JSON.parse(line); });
  await until(() => last, { what: `${name} joins`, every: 20 });
  const kinds = { video: 'camera', audio: 'microphone' };
  return {
    name,
    id: last.id,
    /** What the server and the client complained of. */
    errors: () => last.errors,
    /** What was received of somebody's camera or microphone. */
    of: (participant, kind) => last.tracks.findLast(t => t.participant === participant && t.source === kinds[kind]) ?? {},
    /** What each layer of the camera has sent, lowest first. */
    sent: () => last.sent,
    toJSON: () => last,
    async leave() {
      child.stdin.end();
      await ended;
    },
  };
}
