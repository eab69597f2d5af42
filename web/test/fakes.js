/**
 * Stand-ins for what browsers have and Node has not: sockets that the test itself
 * answers, and a peer connection that follows the specification's rules of signaling
 * states, mids, rollback and negotiationneeded, without any network beneath.
 */
import {mock} from 'node:test';

/** Lets everything that is ready to run do so: promises, and tasks of the fakes. */
export async function settle() {
  for (let i = 0; i < 20; i++) await new Promise((done) => setImmediate(done));
}

export class FakeSocket {
  static OPEN = 1;
  /** @type {FakeSocket[]} */
  static all = [];
  static get last() { return FakeSocket.all.at(-1); }
  readyState = 0;
  sent = [];
  onmessage = null;
  onclose = null;

  constructor(url, protocols) {
    if (protocols.some((one) => /[^!#$%&'*+.^_`|~0-9A-Za-z-]/.test(one))) throw new SyntaxError('bad subprotocol');
    this.url = new URL(url);
    this.protocols = protocols;
    FakeSocket.all.push(this);
  }

  send(text) {
    if (this.readyState !== 1) throw new Error('not open');
    this.sent.push(JSON.parse(text));
  }

  close(code) {
    this.readyState = 3;
    this.closedWith = code;
  }

  /** The server speaks. */
  receive(message) {
    this.readyState = 1;
    this.onmessage?.({data: typeof message === 'string' ? message : JSON.stringify(message)});
  }

  /** The server or the network ends it. */
  break(code = 1006) {
    this.readyState = 3;
    this.onclose?.({code});
  }

  /** The server takes us in. */
  join(extra = {}) {
    this.receive({type: 'joined', id: 'me', session: 's1', room: 'demo', resumed: false, iceServers: [], participants: [], ...extra});
  }

  /** Sent messages of a type. */
  of(type) {
    return this.sent.filter((message) => message.type === type);
  }
}

export class FakeTrack extends EventTarget {
  enabled = true;
  readyState = 'live';
  contentHint = '';

  /** @param {string} kind @param {{width?: number, height?: number}} [settings] */
  constructor(kind, settings = {}) {
    super();
    this.kind = kind;
    this.settings = settings;
  }

  getSettings() { return this.settings; }

  stop() {
    this.readyState = 'ended';
  }

  /** The device goes away, or the person stops it. */
  end() {
    this.readyState = 'ended';
    this.dispatchEvent(new Event('ended'));
  }
}

export class FakeStream {
  constructor(tracks = []) {
    this.tracks = tracks;
  }

  getTracks() { return this.tracks; }
  getVideoTracks() { return this.tracks.filter((track) => track.kind === 'video'); }
}

class FakeTransceiver {
  mid = null;
  stopped = false;
  /** The direction that both sides have agreed on. */
  agreed = null;
  /** The direction that an answer to an offer which had the m-line as inactive has settled. */
  settled = null;
  #direction = 'sendonly';
  #pc;

  constructor(pc, track, init = {}) {
    this.#pc = pc;
    this.init = init;
    this.#direction = init.direction;
    let encodings = init.sendEncodings?.map((one) => ({active: true, ...one})) ?? [{active: true}];
    this.sender = {
      track: typeof track === 'string' ? null : track,
      writes: 0,
      /** The layers that are encoded. */
      get active() { return encodings.filter((one) => one.active).map((one) => one.rid ?? ''); },
      getParameters: () => structuredClone({encodings}),
      setParameters: async (parameters) => {
        encodings = parameters.encodings;
        this.sender.writes++;
      },
      /** As libwebrtc does with each description that calls no layer paused. */
      described: () => { for (const one of encodings) one.active = true; },
      replaceTrack: async (next) => { this.sender.track = next; },
      setStreams: (stream) => { this.stream = stream; },
    };
  }

  get currentDirection() { return this.agreed; }
  get direction() { return this.#direction; }
  set direction(value) {
    this.#direction = value;
    this.#pc.updateNegotiation();
  }

  setCodecPreferences(codecs) { this.codecs = codecs; }
}

export class FakePeerConnection {
  /** @type {FakePeerConnection[]} */
  static all = [];
  static get last() { return FakePeerConnection.all.at(-1); }
  /** Whether the browser takes provisional answers. */
  static provisional = true;
  signalingState = 'stable';
  iceConnectionState = 'new';
  connectionState = 'new';
  localDescription = null;
  candidates = [];
  restarts = 0;
  #transceivers = [];
  #remote = new Map();
  #chain = Promise.resolve();
  #busy = 0;
  #restart = false;
  /** What the pending offer has newly said. */
  #pending = null;
  #offers = 0;
  #nextMid = 0;

  constructor(configuration) {
    this.configuration = configuration;
    FakePeerConnection.all.push(this);
  }

  setConfiguration(configuration) { this.configuration = configuration; }
  getTransceivers() { return [...this.#transceivers]; }

  addTransceiver(track, init) {
    const transceiver = new FakeTransceiver(this, track, init);
    this.#transceivers.push(transceiver);
    this.updateNegotiation();
    return transceiver;
  }

  restartIce() {
    this.restarts++;
    this.#restart = true;
    this.updateNegotiation();
  }

  setLocalDescription() {
    return this.#operation(() => {
      if (this.signalingState === 'have-remote-offer') {
        this.signalingState = 'stable';
        this.localDescription = {type: 'answer', sdp: `answer to ${this.remoteOffer}`};
        // What was offered as inactive is answered as that, and then nothing is left to
        // negotiate (WebRTC 1.0, section 4.7.3).
        for (const one of this.#transceivers) if (one.agreed === 'inactive') one.settled = one.direction;
        this.updateNegotiation();
        return;
      }
      const named = this.#transceivers.filter((one) => one.mid === null);
      for (const one of named) {
        while (this.#remote.has(String(this.#nextMid))) this.#nextMid++;
        one.mid = String(this.#nextMid++);
      }
      this.#pending = {
        named, restart: this.#restart,
        directions: this.#transceivers.map((one) => [one, one.direction]),
      };
      this.signalingState = 'have-local-offer';
      this.localDescription = {type: 'offer', sdp: `offer ${++this.#offers}${this.#restart ? ' restart' : ''}`};
    });
  }

  /** A server offer's sdp is JSON here: [[mid, stream, track]…] of what it newly carries. */
  setRemoteDescription({type, sdp}) {
    return this.#operation(() => {
      if (type === 'pranswer') {
        if (this.signalingState !== 'have-local-offer' || !FakePeerConnection.provisional) throw new DOMException('no offer to answer', 'InvalidStateError');
        this.signalingState = 'have-remote-pranswer';
        this.provisional = sdp;
        return;
      }
      if (type === 'answer') {
        if (!['have-local-offer', 'have-remote-pranswer'].includes(this.signalingState)) throw new DOMException('no offer to answer', 'InvalidStateError');
        this.signalingState = 'stable';
        for (const one of this.#transceivers) one.sender.described();
        for (const [one, direction] of this.#pending.directions) [one.agreed, one.settled] = [direction, null];
        if (this.#pending.restart) this.#restart = false;
        this.#pending = null;
        this.updateNegotiation();
        return;
      }
      const lines = JSON.parse(sdp);
      if (this.signalingState === 'have-local-offer') { // the implicit rollback
        for (const one of this.#pending.named) one.mid = null;
        this.#nextMid -= this.#pending.named.length;
        this.#pending = null;
      }
      this.signalingState = 'have-remote-offer';
      this.remoteOffer = sdp;
      for (const one of this.#transceivers) one.sender.described();
      for (const [mid, stream, track] of lines) {
        this.#remote.set(mid, true);
        this.ontrack?.({transceiver: {mid}, track, streams: [stream]});
      }
    });
  }

  addIceCandidate(candidate) {
    return this.#operation(() => { this.candidates.push(candidate); });
  }

  close() { this.signalingState = 'closed'; }

  /** The network changes. */
  ice(state) {
    this.iceConnectionState = state;
    this.oniceconnectionstatechange?.();
  }

  trickle(candidate) {
    this.onicecandidate?.({candidate: candidate && {toJSON: () => candidate}});
  }

  updateNegotiation() {
    setImmediate(() => {
      if (this.signalingState !== 'stable' || this.#busy > 0 || !this.#needed()) return;
      if (this.#asked) return;
      this.#asked = true;
      this.onnegotiationneeded?.();
    });
  }

  #asked = false;

  #needed() {
    return this.#restart
      || this.#transceivers.some((one) => one.mid === null || (one.agreed !== one.direction && one.settled !== one.direction));
  }

  /** Operations run one after another, as the specification chains them. */
  #operation(run) {
    this.#busy++;
    const result = this.#chain.then(() => new Promise((done) => setImmediate(done))).then(() => {
      this.#asked = false;
      if (this.signalingState === 'closed') return new Promise(() => {});
      return run();
    });
    this.#chain = result.catch(() => {}).finally(() => {
      this.#busy--;
      this.updateNegotiation();
    });
    return result;
  }
}

/** Time that only passes when told to. (Node 20's own mock of timers clears the wrong ones.) */
class Clock {
  #now = 0;
  #next = 1;
  #timers = new Map();

  set(run, wait) {
    this.#timers.set(this.#next, {run, due: this.#now + wait});
    return this.#next++;
  }

  clear(id) {
    this.#timers.delete(id);
  }

  tick(milliseconds) {
    const end = this.#now + milliseconds;
    for (;;) {
      const [first] = [...this.#timers].filter(([, {due}]) => due <= end).sort(([, a], [, b]) => a.due - b.due);
      if (!first) break;
      const [id, {run, due}] = first;
      this.#timers.delete(id);
      this.#now = due;
      run();
    }
    this.#now = end;
  }
}

export let clock = new Clock();

/** The page's window, as far as the SDK listens to it. */
export let page = new EventTarget();

/** Puts the fakes in place and time under the test's control; for `beforeEach`. */
export async function install() {
  await settle(); // what the last test left behind must not reach into this one
  FakeSocket.all = [];
  FakePeerConnection.all = [];
  FakePeerConnection.provisional = true;
  page = new EventTarget();
  clock = new Clock();
  mock.reset();
  mock.method(Math, 'random', () => 0.5); // no jitter: waits are exact
  Object.assign(globalThis, {
    setTimeout: (run, wait = 0) => clock.set(run, wait),
    clearTimeout: (id) => clock.clear(id),
    WebSocket: FakeSocket,
    RTCPeerConnection: FakePeerConnection,
    MediaStream: FakeStream,
    RTCRtpReceiver: {
      getCapabilities: () => ({codecs: ['VP8', 'rtx', 'VP9', 'H264', 'AV1'].map((name) => ({mimeType: `video/${name}`}))}),
    },
    addEventListener: page.addEventListener.bind(page),
  });
}

/** Lets time pass, and everything happen that follows. @param {number} milliseconds */
export async function pass(milliseconds) {
  clock.tick(milliseconds);
  await settle();
}

/**
 * Joins a room through the fakes.
 *
 * @param {object} [options]  for join
 * @param {object} [joined]  fields of the server's `joined`
 */
export async function enter(options = {}, joined = {}) {
  const {join} = await import('../plenum.js');
  const events = [];
  const names = ['joined', 'participant-joined', 'participant-left', 'participant-updated', 'track', 'track-ended',
    'track-unsupported', 'unpublished', 'speakers', 'message', 'state', 'drain', 'quality', 'retry', 'error'];
  const on = Object.fromEntries(names.map((name) => [name, (detail) => events.push({name, ...detail})]));
  const joining = join('ws://host/ws', {room: 'demo', name: 'Ada', on, ...options});
  FakeSocket.last.join(joined);
  const room = await joining;
  return {room, events, of: (name) => events.filter((event) => event.name === name), pc: FakePeerConnection.last, socket: FakeSocket.last};
}

/** Answers the offer that is pending. */
export async function answer(socket = FakeSocket.last) {
  socket.receive({type: 'answer', sdp: 'answer'});
  await settle();
}

/** The server's offer, as the fake peer connection reads it. Streams and tracks become their names. */
export function offer(...lines) {
  return {type: 'offer', sdp: JSON.stringify(lines)};
}
