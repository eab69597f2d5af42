/** Who is already there, told to those who think of joining. */
import assert from 'node:assert/strict';
import {createHmac} from 'node:crypto';
import {mkdtempSync, writeFileSync} from 'node:fs';
import {createServer} from 'node:http';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {describe, it} from 'node:test';
import {fillRoom, open, stage, startServer} from './harness.js';

describe('who is there', () => {
  let server, browser, crowd;
  const told = (page, text) => page.waitForFunction((wanted) => document.querySelector('#present').textContent === wanted, text);
  stage({server: ['--max-room-participants', '6']}, async (made) => {
    ({server, browser} = made);
    crowd = await open(browser, `${server.url}/readyz`);
  });

  it('names those who are in the room, as they come and go', async () => {
    const page = await open(browser, server.room('tea'));
    await told(page, 'Nobody is here yet.');
    await page.clock.install();
    const come = (...names) => names.reduce((before, name) => before.then(() => fillRoom(crowd, server, 'tea', [name])), Promise.resolve());
    /** What the page says once it has asked again, which it does every few seconds. */
    const next = async (text) => {
      await page.clock.fastForward(4000);
      await told(page, text);
    };
    await come('Bob');
    await told(page, 'Bob is here.');
    await come('Cem');
    await next('Bob and Cem are here.');
    await come('Dot', '', 'Eve');
    await next('Bob, Cem, Dot, and 2 others are here.');
    await come('Flo');
    await next('Bob, Cem, Dot, and 3 others are here. The room is full at the moment.');
    await crowd.evaluate(() => window.sitters.splice(0).forEach((socket) => socket.send('{"type":"leave"}')));
    const count = async () => (await (await fetch(`${server.url}/rooms/tea`)).json()).count;
    while (await count() > 0); // the server has read that they leave
    await next('Nobody is here yet.');
    assert.equal(await page.getAttribute('#present', 'role'), 'status');
    assert.deepEqual(page.errors, []);
    await page.leave();
  });

  it('opens links that others wrote differently, or says what a room may be called', async () => {
    for (const [link, name, refused] of [['tea/', 'tea', false], ['F%C3%AAte', 'Fête', true], ['Fe%CC%82te/', 'Fête', true], ['my%20room', 'my room', true]]) {
      const page = await open(browser, `${server.url}/r/${link}`);
      const [room, note] = await page.evaluate(() => [document.querySelector('#room').value, document.querySelector('#lobby-note').textContent]);
      assert.equal(room, name);
      assert.equal(/letters, digits/.test(note), refused, note);
      await page.leave();
    }
  });

  it('follows the room that one types, and stops asking in the call', async () => {
    const page = await open(browser, server.room('empty'));
    let asked = [];
    page.on('request', (request) => { if (request.url().includes('/rooms/')) asked.push(new URL(request.url()).pathname); });
    await fillRoom(crowd, server, 'coffee', ['Bob']);
    await told(page, 'Nobody is here yet.');
    await page.fill('#room', 'coffee');
    await told(page, 'Bob is here.');
    await page.fill('#room', 'no room!');
    await told(page, '');
    await page.fill('#room', 'coffee');
    await told(page, 'Bob is here.');
    assert.ok(!asked.some((path) => /no|coff$/.test(path)), asked.join());
    await page.fill('#name', 'Ada');
    await page.click('#join');
    await page.waitForSelector('#call:not([hidden])');
    asked = [];
    await told(page, '');
    await page.clock.install();
    await page.clock.runFor(60_000);
    assert.deepEqual(asked, []);
    await page.click('#leave');
    await page.clock.runFor(1000);
    await told(page, 'Bob is here.');
    assert.deepEqual(page.errors, []);
    await page.leave();
  });

  it('asks the server that has the room, where a balancer goes by the query', async (context) => {
    const other = await startServer();
    context.after(() => other.stop());
    await fillRoom(crowd, other, 'far', ['Bob']);
    const balancer = createServer(async (request, response) => {
      const {searchParams} = new URL(request.url, 'http://localhost');
      const answer = await fetch((searchParams.has('room') ? other : server).url + request.url);
      response.writeHead(answer.status, {'content-type': answer.headers.get('content-type')}).end(Buffer.from(await answer.arrayBuffer()));
    });
    await new Promise((resolve) => { balancer.listen(0, '127.0.0.1', resolve); });
    context.after(() => {
      balancer.close();
      balancer.closeAllConnections();
    });
    const page = await open(browser, `http://localhost:${balancer.address().port}/r/far`);
    await told(page, 'Bob is here.');
    assert.deepEqual(page.errors, []);
    await page.leave();
  });

  it('asks with the token, and says nothing where the server won’t', async (context) => {
    const secret = 'a secret of at least thirty-two bytes';
    const keys = join(mkdtempSync(join(tmpdir(), 'plenum-keys-')), 'keys');
    writeFileSync(keys, `test: ${secret}\n`);
    const closed = await startServer(['--key-file', keys]);
    context.after(() => closed.stop());
    const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const body = `${part({alg: 'HS256', typ: 'JWT', kid: 'test'})}.${part({room: 'tea', exp: Math.floor(Date.now() / 1000) + 600})}`;
    const token = `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`;
    const guest = await open(browser, `${closed.room('tea')}#token=${token}`);
    await told(guest, 'Nobody is here yet.');
    const stranger = await browser.newPage();
    const answered = stranger.waitForResponse((response) => new URL(response.url()).pathname === '/rooms/tea');
    await stranger.goto(closed.room('tea'));
    assert.equal((await answered).status(), 401);
    assert.equal(await stranger.textContent('#present'), '');
    assert.equal(await stranger.isEnabled('#join'), true);
    await guest.leave();
    await stranger.close();
  });
});
