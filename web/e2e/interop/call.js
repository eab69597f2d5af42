// The protocol of a call, without media: what every stack here shares.

import WebSocket from 'ws';

/** One session. The stack behind it gets offers, answers and candidates as they come. */
export class Call {
  id;                    // our participant id
  names = new Map();     // participant id -> name
  map = new Map();       // mid -> {id, participant, kind, source}
  errors = [];           // what the server complained of

  /**
   * @param {string} url of the server, http://host:port
   * @param {(m: object) => Promise<void> | void} onMessage gets offer, answer and candidate, one at a time
   */
  static async join(url, room, name, onMessage) {
    const call = new Call();
    const query = new URLSearchParams({ room, name });
    call.socket = new WebSocket(`${url.replace('http', 'ws')}/ws?${query}`, 'plenum.v1');
    let last = Promise.resolve();
    await new Promise((resolve, reject) => {
      call.socket.on('error', reject);
      call.socket.on('close', () => reject(new Error('closed before joined')));
      call.socket.on('message', text => {
        const m = JSON.parse(text);
        switch (m.type) {
          case 'joined':
            call.id = m.id;
            for (const p of m.participants) call.names.set(p.id, p.name);
            resolve();
            break;
          case 'participant': call.names.set(m.participant.id, m.participant.name); break;
          case 'tracks': call.map = new Map(m.tracks.map(t => [t.mid, t])); break;
          case 'error': call.errors.push(`${m.code}: ${m.message}`); break;
          case 'offer': case 'answer': case 'candidate':
            last = last.then(() => onMessage(m)).catch(e => call.errors.push(`${m.type}: ${e.stack}`));
        }
      });
    });
    return call;
  }

  /** The track that an m-line carries, if it is the one that stacks without an encoder pass on as their own. */
  source(mid) {
    const track = this.map.get(mid);
    return track && this.names.get(track.participant) === 'pion' ? track : undefined;
  }

  send(message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  leave() {
    this.send({ type: 'leave' });
    this.socket.close();
  }
}

/** Counts per participant and kind: received.count(participant, kind, {packets: 1}). */
export class Received {
  #tracks = new Map();

  count(participant, kind, add) {
    const counts = this.of(participant, kind);
    for (const [key, n] of Object.entries(add)) counts[key] = (counts[key] ?? 0) + n;
  }

  of(participant, kind) {
    const key = `${participant} ${kind}`;
    if (!this.#tracks.has(key)) this.#tracks.set(key, {});
    return this.#tracks.get(key);
  }

  toJSON() { return Object.fromEntries(this.#tracks); }
}
