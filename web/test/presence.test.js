import assert from 'node:assert/strict';
import {afterEach, beforeEach, test} from 'node:test';
import {peek} from '../plenum.js';
import {endpoint} from '../sdk/address.js';

const real = {fetch: globalThis.fetch, setTimeout: globalThis.setTimeout, location: globalThis.location};
/** What was asked of the server, what it answers, and what waits for the clock. */
let asked, answers, timers;

beforeEach(() => {
  asked = [];
  answers = {};
  timers = [];
  Object.assign(globalThis, {
    location: {href: 'https://host.example/r/tea'},
    setTimeout: (run, after) => { timers.push({run, after}); },
    fetch: async (address, {headers, signal}) => {
      asked.push({address: String(address), headers, signal});
      const answer = answers[new URL(address).pathname];
      if (answer instanceof Error) throw answer;
      return {ok: answer !== undefined, json: async () => answer};
    },
  });
});
afterEach(() => Object.assign(globalThis, real));

/** Lets the earliest timer run, and everything that follows from it. */
async function next() {
  const timer = timers.shift();
  await timer.run();
  return timer.after;
}

async function watch(token = '') {
  const {Presence} = await import('../app/state/presence.js');
  const seen = [];
  const presence = new Presence(token, (info) => seen.push(info && info.participants.map(({name}) => name).join()));
  return {presence, seen};
}

test('a server is asked who is there, at the address that join would dial', async () => {
  answers['/rooms/tea'] = {participants: [{name: 'Bo'}], count: 1, full: true};
  assert.deepEqual(await peek('wss://host.example/ws', {room: 'tea', token: 'T'}), answers['/rooms/tea']);
  assert.deepEqual(asked.map(({address, headers}) => [address, headers]), [['https://host.example/rooms/tea?room=tea', {authorization: 'Bearer T'}]]);
  answers['/calls/rooms/a.b'] = {participants: []};
  assert.deepEqual(await peek('https://host.example/calls/ws?x=1', {room: 'a.b'}), {participants: [], count: 0, full: false});
});

test('a balancer that goes by the room of the query sends both to one server', async () => {
  for (const [url, lobby] of [['/ws', 'https://host.example'], ['wss://host.example/calls/ws?x=1', 'https://host.example/calls'], ['https://host.example', 'https://host.example']]) {
    asked = [];
    await peek(url, {room: 'tea', token: 'T'});
    const [address, dialed] = [new URL(asked[0].address), endpoint(url, {room: 'tea', name: 'Ada'})];
    assert.equal(address.origin + address.pathname, `${lobby}/rooms/tea`);
    dialed.searchParams.delete('name');
    assert.equal(address.search, dialed.search);
    assert.match(address.search, /\broom=tea$/);
  }
});

test('a server that does not say is no error, and stopping is', async () => {
  assert.equal(await peek('/ws', {room: 'tea'}), null);
  answers['/rooms/tea'] = new TypeError('Failed to fetch');
  assert.equal(await peek('/ws', {room: 'tea'}), null);
  await assert.rejects(peek('/ws', {room: 'tea', signal: AbortSignal.abort()}), {name: 'AbortError'});
});

test('who is there is asked again and again, until nobody looks', async () => {
  const {presence, seen} = await watch('T');
  answers['/rooms/tea'] = {participants: [{name: 'Bo'}]};
  presence.watch('tea');
  presence.watch('tea');
  assert.equal(asked.length, 0, 'not for every letter that is typed');
  await next();
  answers['/rooms/tea'] = {participants: [{name: 'Bo'}, {name: 'Cy'}]};
  assert.ok(await next() > 2000);
  assert.deepEqual(seen, [null, 'Bo', 'Bo,Cy']);
  assert.equal(asked[0].headers.authorization, 'Bearer T');
  presence.watch('');
  await next();
  assert.deepEqual([asked.length, timers.length, seen.at(-1)], [2, 0, null]);
});

test('an answer about a room that is no longer meant is not shown', async () => {
  const {presence, seen} = await watch();
  answers['/rooms/tea'] = {participants: [{name: 'Bo'}]};
  presence.watch('tea');
  const asking = timers.shift().run();
  presence.watch('coffee');
  await asking;
  assert.deepEqual(seen, [null, null]);
  await next();
  assert.deepEqual(seen, [null, null, null], 'nothing is known of the other one, and that is no error');
});
