// A client that says what it likes.

import WebSocket from 'ws';
import { until } from './until.js';

/** An offer to listen, in order, of a peer that will never send a packet. */
const offer = [
  'v=0', 'o=- 1 1 IN IP4 0.0.0.0', 's=-', 't=0 0', 'a=group:BUNDLE 0',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111', 'c=IN IP4 0.0.0.0', 'a=mid:0', 'a=recvonly', 'a=rtcp-mux',
  'a=ice-ufrag:mall', 'a=ice-pwd:mallorymallorymallorymal', 'a=setup:actpass',
  `a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}`,
  'a=rtpmap:111 opus/48000/2', '',
].join('\r\n');

export class RawClient {
  messages = [];

  /** Connects and waits for `joined`. */
  static async join(server, room, name = 'Mallory') {
    const client = new RawClient(`ws://${server.address}/ws?room=${room}&name=${name}`);
    await client.receives('joined');
    return client;
  }

  constructor(url) {
    this.socket = new WebSocket(url);
    this.socket.on('message', data => this.messages.push(JSON.parse(data)));
    this.socket.on('error', () => {}); // `closed` tells
    this.closed = new Promise(resolve => this.socket.on('close', code => resolve(code)));
  }

  /** Sends a frame: a string as it is, anything else as JSON. */
  send(message) {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** Negotiates, up to the server's offer of what the others publish. */
  async negotiate() {
    this.send({ type: 'offer', sdp: offer });
    await this.receives('answer');
    await this.receives('offer');
  }

  /** Waits for the next message of a type that fits, taking it and all before it. */
  receives(type, fits = () => true) {
    return until(() => {
      const at = this.messages.findIndex(m => m.type === type && fits(m));
      return at >= 0 && this.messages.splice(0, at + 1).at(-1);
    }, { every: 10, what: `a message of type ${type}`, seen: () => this.messages.slice(-5) });
  }

  /** Waits for an error with that code. */
  isTold(code) { return this.receives('error', m => m.code === code); }

  leave() {
    this.send({ type: 'leave' });
    return this.closed;
  }
}
