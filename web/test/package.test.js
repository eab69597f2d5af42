/** The npm package as others get it: what is in it, and whether its types fit what the README says. */
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join as path} from 'node:path';
import {after, before, test} from 'node:test';
import {fileURLToPath} from 'node:url';

const web = fileURLToPath(new URL('..', import.meta.url));
let folder = '';
/** @type {string[]} */
let files = [];

before(() => {
  folder = mkdtempSync(path(tmpdir(), 'plenum-client-'));
  const packed = JSON.parse(execFileSync('npm', ['pack', '--json', '--loglevel=error', '--pack-destination', folder], {cwd: web, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore']}).replace(/^[^[{]*/, ''));
  const [{filename, files: list}] = Array.isArray(packed) ? packed : Object.values(packed);
  files = list.map((one) => one.path).sort();
  const target = path(folder, 'node_modules/plenum-client');
  mkdirSync(target, {recursive: true});
  execFileSync('tar', ['-xzf', path(folder, filename), '-C', target, '--strip-components=1']);
});
after(() => rmSync(folder, {recursive: true, force: true}));

/** Type-checks a folder's files as a strict user of the package would. */
function typecheck(name, extra = {}) {
  const config = path(folder, name, 'tsconfig.json');
  writeFileSync(config, JSON.stringify({
    compilerOptions: {
      strict: true, noEmit: true, allowJs: true, checkJs: true, target: 'ES2022', module: 'ESNext', moduleResolution: 'bundler',
      lib: ['ES2022', 'DOM', 'DOM.Iterable'], types: [], ...extra,
    },
    include: ['*'],
  }));
  try {
    execFileSync(path(web, 'node_modules/.bin/tsc'), ['--project', config], {encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe']});
  } catch (error) {
    assert.fail(`${name} does not type-check:\n${error.stdout}`);
  }
}

test('the package has the SDK and its types, and nothing else', () => {
  const modules = ['sdk', 'element'].flatMap((folder) => readdirSync(path(web, folder)).map((name) => `${folder}/${name}`));
  assert.deepEqual(files, [
    'README.md', 'package.json', 'plenum-call.js', 'plenum.js', ...modules,
    'types/plenum-call.d.ts', 'types/plenum.d.ts', ...modules.map((name) => `types/${name.replace('.js', '.d.ts')}`),
  ].sort());
});

test('installing it runs nothing and brings nothing along', () => {
  const metadata = JSON.parse(readFileSync(path(folder, 'node_modules/plenum-client/package.json'), 'utf8'));
  for (const script of ['preinstall', 'install', 'postinstall', 'prepare']) assert.equal(metadata.scripts?.[script], undefined, script);
  assert.equal(metadata.dependencies, undefined);
  for (const entry of Object.values(metadata.exports)) {
    for (const file of Object.values(entry)) assert.ok(files.includes(file.replace('./', '')), file);
  }
});

test('the package’s entry runs outside a browser', () => {
  const names = execFileSync('node', ['--input-type=module', '-e', 'console.log(Object.keys(await import("plenum-client")).join())'], {cwd: folder, encoding: 'utf8'});
  for (const name of ['join', 'Room', 'PlenumError', 'openDevices']) assert.ok(names.trim().split(',').includes(name), name);
});

test('the README’s examples have the types that they use', () => {
  const readme = readFileSync(path(web, 'README.md'), 'utf8');
  const blocks = [...readme.matchAll(/```js\n([\s\S]*?)```/g)].map(([, code]) => code);
  assert.ok(blocks.length >= 5);
  mkdirSync(path(folder, 'readme'));
  blocks.forEach((code, index) => writeFileSync(path(folder, 'readme', `example-${index}.js`), code.replaceAll("'https://HOST/plenum.js'", "'plenum-client'")));
  typecheck('readme');
});

test('the types reject what is wrong', () => {
  mkdirSync(path(folder, 'wrong'));
  writeFileSync(path(folder, 'wrong/a.ts'), `
    import {join, type Room} from 'plenum-client';
    const room: Room = await join('https://h', {room: 'demo'});
    room.on('track', ({track}) => room.subscribe(track, {width: 1}));
    // @ts-expect-error there is no such event
    room.on('trakc', () => {});
    // @ts-expect-error a room is required
    await join('https://h', {});
    // @ts-expect-error a size is a number
    room.on('track', ({track}) => room.subscribe(track, {width: '1'}));
  `);
  typecheck('wrong');
});

test('the React example has the types that it uses', () => {
  cpSync(path(web, 'examples/react'), path(folder, 'react'), {recursive: true});
  for (const name of ['@types/react', 'csstype']) cpSync(path(web, 'node_modules', name), path(folder, 'node_modules', name), {recursive: true});
  typecheck('react', {jsx: 'react-jsx'});
});
