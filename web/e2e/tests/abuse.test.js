// What a hostile client sends meets the error of the protocol's table, and the call
// in the same room goes on.

import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import net from 'node:net';
import { randomBytes } from 'node:crypto';
import { after, afterEach, before, describe, it } from 'node:test';
import { startChromium } from '../harness/browsers.js';
import { RawClient } from '../harness/raw-client.js';
import { startServer } from '../harness/server.js';

describe('abuse', () => {
  let server, chromium, ada, bob;

  before(async () => {
    server = await startServer({ flags: ['--resume-timeout', '1s'] });
    chromium = await startChromium();
    ada = await chromium.open(server.room('abuse'), 'Ada');
    bob = await chromium.open(server.room('abuse'), 'Bob');
    await ada.joinApp();
    await bob.joinApp();
    await ada.seesFrames(bob.id, 10);
    await bob.seesFrames(ada.id, 10);
  });
  after(async () => {
    await chromium?.close();
    const exit = await server?.stop('abuse');
    assert.deepEqual(exit, { code: 0, signal: null });
    assert.doesNotMatch(server.log, /panic|level=ERROR/);
  });
  afterEach(async () => {
    await ada.seesFrames(bob.id, 5);
    await bob.seesFrames(ada.id, 5);
    assert.equal(server.exit, null);
  });

  const mallory = () => RawClient.join(server, 'abuse');

  it('garbage on the media port, UDP and TCP', async () => {
    const udp = dgram.createSocket('udp4');
    const send = bytes => new Promise(resolve => udp.send(bytes, server.mediaPort, server.mediaHost, resolve));
    for (let i = 0; i < 3000; i++) {
      const bytes = randomBytes(1 + i % 1500);
      if (i % 3 === 0) bytes[0] = [0, 1, 20, 22, 23, 64, 128, 191][i % 8]; // looks like STUN, DTLS or RTP
      await send(bytes);
    }
    const stun = Buffer.concat([Buffer.from('00010014', 'hex'), Buffer.from('2112a442', 'hex'), randomBytes(12),
      Buffer.from('0006ffff', 'hex'), randomBytes(16)]); // USERNAME longer than the message
    for (let i = 0; i < 100; i++) await send(stun);
    udp.close();

    await Promise.all(Array.from({ length: 20 }, (_, i) => new Promise(resolve => {
      const tcp = net.connect(server.mediaPort, server.mediaHost);
      tcp.on('error', resolve);
      tcp.on('close', resolve);
      tcp.end(randomBytes(1 + 5000 * i));
      tcp.resume();
    })));
  });

  it('a frame of 1 MB, and one of 10 MB', async () => {
    const client = await mallory();
    client.send({ type: 'message', body: 'x'.repeat(1 << 20) });
    assert.equal((await client.isTold('too-large')).fatal, false);
    client.send({ type: 'message', body: 'x'.repeat(10 << 20) });
    await client.receives('error', m => m.fatal && m.code === 'too-large');
    assert.equal(await client.closed, 1009);
  });

  it('broken SDP', async () => {
    const client = await mallory();
    const broken = ['', 'v=0', 'nonsense\r\n'.repeat(1000), 'v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n'];
    for (const sdp of broken) {
      client.send({ type: 'offer', sdp });
      assert.equal((await client.isTold('bad-sdp')).fatal, false);
    }
    await client.negotiate();
    client.send({ type: 'answer', sdp: 'v=0' });
    await client.isTold('bad-sdp');
    await client.leave();
  });

  it('broken candidates, then ten thousand', async () => {
    const client = await mallory();
    await client.negotiate();
    client.send({ type: 'candidate', candidate: { candidate: 'candidate:nonsense', sdpMid: '0' } });
    assert.equal((await client.isTold('bad-candidate')).fatal, false);
    // A machine with many interfaces has hundreds at once: beyond what is useful they are
    // ignored. Thousands are a flood.
    for (let i = 0; i < 10000; i++) {
      client.send({ type: 'candidate', candidate: {
        candidate: `candidate:${i} 1 udp 2122260223 192.0.2.${i % 250} ${1024 + i} typ host`, sdpMid: '0', sdpMLineIndex: 0 } });
    }
    assert.equal((await client.receives('error', m => m.message.includes('ignored'))).fatal, false);
    await client.isTold('rate-limited');
    assert.equal(await client.closed, 1008);
  });

  it('what is no message', async () => {
    const client = await mallory();
    for (const text of ['', 'garbage', '[]', 'null', '{}', '{"type":1}', '{"type":"nonsense"}', '{"type":"mute"}',
      '{"type":"publish","tracks":7}', '[['.repeat(10000), '{"type":"offer"}']) client.send(text);
    assert.equal((await client.isTold('bad-message')).fatal, false);
    assert.equal((await client.receives('error', m => m.fatal)).code, 'bad-message');
    assert.equal(await client.closed, 1008);
  });

  it('a flood of messages', async () => {
    const client = await mallory();
    for (let i = 0; i < 5000; i++) client.send({ type: 'message', body: { flood: i } });
    await client.isTold('rate-limited');
    assert.equal(await client.closed, 1008);
  });

  it('a client that reads nothing', async () => {
    const client = await mallory();
    client.socket.pause();
    for (let i = 0; i < 28; i++) { // 224 kB: what one client may say at once
      await ada.evaluate(() => window.e2e.sockets.at(-1).send(JSON.stringify({ type: 'message', body: 'y'.repeat(8000) })));
    }
    assert.deepEqual(await ada.messages('error'), []);
    client.socket.terminate();
  });

  it('leaves counters of what was refused', async () => {
    const metric = await server.metrics();
    for (const code of ['too-large', 'bad-sdp', 'bad-candidate', 'rate-limited', 'bad-message']) {
      assert.ok(metric('plenum_signaling_errors_total', { code }) > 0, code);
    }
  });
});
