// Pion: the Go client, as a program of its own.

import { execFileSync, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { until } from '../../harness/until.js';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const program = fileURLToPath(new URL('../../../../bin/interop-bot', import.meta.url));
let built = false;

export async function join(url, room, name) {
  if (!built) {
    execFileSync('go', ['build', '-o', program, './web/e2e/interop/bot'], { cwd: root, stdio: 'inherit' });
    built = true;
  }
  const child = spawn(program, ['-url', `${url.replace('http', 'ws')}/ws`, '-room', room, '-name', name],
    { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise(resolve => child.on('exit', resolve));
  let last;
  createInterface({ input: child.stdout }).on('line', line => { last = JSON.parse(line); });
  await until(() => last, { what: `${name} joins`, every: 20 });
  const kinds = { video: 'camera', audio: 'microphone' };
  return {
    name,
    id: last.id,
    errors: () => last.errors,
    of: (participant, kind) => last.tracks.findLast(t => t.participant === participant && t.source === kinds[kind]) ?? {},
    toJSON: () => last,
    async leave() {
      child.stdin.end();
      await ended;
    },
  };
}
