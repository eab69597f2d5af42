import { startServer } from '../harness/server.js';
const s = await startServer({flags: (process.env.FLAGS ?? '').split(' ').filter(Boolean)});
const names = process.argv.slice(2);
const people = [];
for (const n of names) { const { join } = await import(`./peers/${n}.js`); people.push(await join(s.url, 'r', n)); console.log(n, people.at(-1).id); }
await new Promise(r => setTimeout(r, 5000));
for (const p of people) console.log(p.name, p.errors(), JSON.stringify(p));
for (const p of people) await p.leave();
console.log(await s.stop('interop'));
process.exit(0);
