// Runs the tests one file after the other: two cores carry one call at a time.
// Usage: node run.js [FILE…]

import { readdirSync } from 'node:fs';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';

const tests = new URL('tests/', import.meta.url);
const files = process.argv.length > 2
  ? process.argv.slice(2)
  : readdirSync(tests).filter(name => name.endsWith('.test.js')).sort().map(name => fileURLToPath(new URL(name, tests)));

run({ files, concurrency: 1, timeout: 15 * 60 * 1000 })
  // A test marked todo says what isn't reached yet: it is shown, and fails nothing.
  .on('test:fail', ({ todo }) => { if (todo === undefined) process.exitCode = 1; })
  .compose(new spec())
  .pipe(process.stdout);
