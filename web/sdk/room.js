import {Emitter} from './emitter.js';
import {PlenumError} from './errors.js';
import {Peer} from './peer.js';
import {Publication} from './publication.js';
import {Roster} from './roster.js';
import {Signal} from './signal.js';

/**
 * @typedef {import('./protocol.js').Source} Source
 * @typedef {import('./protocol.js').Kind} Kind
 * @typedef {import('./protocol.js').JoinedMessage} JoinedMessage
 * @typedef {import('./protocol.js').ServerMessage} ServerMessage
 * @typedef {import('./roster.js').Participant} Participant
 * @typedef {import('./roster.js').RemoteTrack} RemoteTrack
 * @typedef {import('./roster.js').TrackDetail} TrackDetail
 * @typedef {import('./sending.js').LocalTrack} LocalTrack
 * @typedef {import('./sending.js').SendOptions} SendOptions
 *
 * @typedef {'connecting' | 'connected' | 'reconnecting' | 'closed'} RoomState
 *
 * @typedef {object} RoomEvents
 * @property {{id: string, resumed: boolean, participants: Participant[]}} joined  a session began (again)
 * @property {{participant: Participant}} participant-joined
 * @property {{participant: Participant}} participant-left
 * @property {{participant: Participant}} participant-updated  name, tracks or their muting changed
 * @property {TrackDetail} track  a track of someone else arrives
 * @property {{participant: Participant, track: RemoteTrack, source: Source, kind: Kind}} track-ended
 * @property {{participant: Participant, track: RemoteTrack, source: Source, kind: Kind, codec: string}} track-unsupported
 * @property {{publication: Publication}} unpublished  by hand, or because its tracks ended
 * @property {{speakers: {id: string, level: number, participant: Participant | null}[]}} speakers
 * @property {{from: string, participant: Participant | null, body: unknown}} message
 * @property {{state: RoomState}} state
 * @property {{after: number}} drain  the server goes away; the room moves by itself
 * @property {{error: PlenumError}} error
 *
 * @typedef {object} JoinOptions
 * @property {string} room  1 to 128 letters, digits, '-', '_' and '.'
 * @property {string} [name]  shown to others
 * @property {string} [token]  access token
 * @property {AbortSignal} [signal]  gives up joining, and leaves once joined
 * @property {RTCConfiguration} [rtc]  goes into RTCPeerConnection over the defaults
 * @property {{[Name in keyof RoomEvents]?: (detail: RoomEvents[Name]) => void}} [on]  listeners from the first event on
 *
 * @typedef {SendOptions & {source?: 'camera' | 'microphone' | 'screen' | 'screen-audio', muted?: boolean}} PublishOptions
 */

/**
 * Joins a room.
 *
 * @param {string | URL} url  the server: "wss://host/ws", or a page's "/ws"
 * @param {JoinOptions} options
 * @returns {Promise<Room>} once the server has taken us in; PlenumError where it has not
 */
export function join(url, options) {
  return new Promise((resolve, reject) => {
    options.signal?.throwIfAborted();
    const room = new Room(endpoint(url, options), options, resolve, reject);
    options.signal?.addEventListener('abort', () => {
      reject(options.signal?.reason);
      room.leave();
    }, {once: true});
  });
}

/**
 * A room that this page is in. It keeps itself alive: a broken socket is dialed
 * again and the session resumed, a lost media path is searched anew, and after a
 * restart of the server everything published is published there again.
 *
 * @extends {Emitter<RoomEvents>}
 */
export class Room extends Emitter {
  /** This page's own participant id. It changes where a session could not be resumed. */
  localId = '';
  /** The room's name. */
  name;
  #signal;
  #rtc;
  /** @type {Peer | null} */
  #peer = null;
  #roster;
  /** @type {Map<Publication, LocalTrack[]>} */
  #publications = new Map();
  /** @type {RoomState} */
  #state = 'connecting';
  /** @type {((room: Room) => void) | null} */
  #resolve;
  #reject;
  #cleanup = new AbortController();

  /**
   * Use join.
   *
   * @param {URL} address
   * @param {JoinOptions} options
   * @param {(room: Room) => void} resolve
   * @param {(error: unknown) => void} reject
   */
  constructor(address, options, resolve, reject) {
    super();
    this.name = options.room;
    this.#rtc = options.rtc ?? {};
    this.#resolve = resolve;
    this.#reject = reject;
    for (const [name, listener] of Object.entries(options.on ?? {})) {
      this.on(/** @type {keyof RoomEvents} */ (name), /** @type {(detail: any) => void} */ (listener));
    }
    this.#roster = new Roster({
      participantJoined: (participant) => this.emit('participant-joined', {participant}),
      participantLeft: (participant) => this.emit('participant-left', {participant}),
      participantUpdated: (participant) => this.emit('participant-updated', {participant}),
      track: (detail) => this.emit('track', detail),
      trackEnded: (track) => this.emit('track-ended', about(track)),
      trackUnsupported: (track, codec) => this.emit('track-unsupported', {...about(track), codec}),
    });
    this.#signal = new Signal(address, options.token ?? '', {
      joined: (message) => this.#joined(message),
      message: (message) => this.#receive(message),
      down: () => this.#updateState(),
      ended: (error) => this.#end(error),
    });
    this.#watchNetwork();
    this.#signal.dial();
  }

  /** @returns {RoomState} */
  get state() {
    return this.#state;
  }

  /** The others, by id. @returns {ReadonlyMap<string, Participant>} */
  get participants() {
    return this.#roster.participants;
  }

  /** What this page publishes. */
  get publications() {
    return [...this.#publications.keys()];
  }

  /** The session's peer connection, for getStats. Another one after a new session. */
  get connection() {
    return this.#peer?.connection ?? null;
  }

  /**
   * Sends a stream or tracks to the room. Unsaid, video is `camera` and audio
   * `microphone`; with `source: 'screen'` they are `screen` and `screen-audio`.
   *
   * @param {MediaStream | MediaStreamTrack | MediaStreamTrack[]} media
   * @param {PublishOptions} [options]
   * @returns {Publication}
   */
  publish(media, options = {}) {
    const tracks = 'getTracks' in media ? media.getTracks() : [media].flat();
    const stream = 'getTracks' in media ? media : new MediaStream(tracks);
    if (this.#state === 'closed') throw new PlenumError('failed', 'The room was left.');
    if (tracks.length === 0) throw new TypeError('There is no track to publish.');
    /** @type {LocalTrack[]} */
    const locals = tracks.map((track) => ({
      track, stream, options, source: sourceOf(track, options.source), muted: options.muted ?? false, transceiver: null,
    }));
    for (const local of locals) if (local.muted) local.track.enabled = false;
    const publication = new Publication(locals, {
      muteChanged: (local) => this.#muteChanged(local),
      removed: (one) => this.#removed(one),
    });
    this.#publications.set(publication, locals);
    for (const local of locals) this.#peer?.add(local);
    return publication;
  }

  /**
   * Asks the person for a screen or window, and publishes it until it is unpublished
   * or the sharing is stopped in the browser's own bar.
   *
   * @param {DisplayMediaStreamOptions & {send?: SendOptions}} [options]
   * @returns {Promise<Publication>}
   */
  async publishScreen({send = {}, ...constraints} = {}) {
    const stream = await navigator.mediaDevices.getDisplayMedia({
      video: {frameRate: {ideal: 15, max: 30}}, audio: true, ...constraints,
    });
    // Text must stay sharp: under pressure drop frames rather than pixels.
    for (const track of stream.getVideoTracks()) if ('contentHint' in track) track.contentHint = 'detail';
    try {
      return this.publish(stream, {source: 'screen', ...send});
    } catch (error) {
      for (const track of stream.getTracks()) track.stop();
      throw error;
    }
  }

  /**
   * Sends any JSON value of at most 16 KiB.
   *
   * @param {unknown} body
   * @param {string} [to]  a participant's id; else everyone
   * @returns {boolean} false where there is no connection at the moment: nothing was sent
   */
  send(body, to) {
    return this.#signal.send(to === undefined ? {type: 'message', body} : {type: 'message', to, body});
  }

  /** Leaves for good. */
  leave() {
    this.#signal.close();
    this.#shut();
    this.#reject(new DOMException('The room was left.', 'AbortError')); // if it was still joining
  }

  /** @param {JoinedMessage} message */
  #joined(message) {
    const {id, resumed, participants = [], iceServers = []} = message;
    this.localId = id;
    if (resumed && this.#peer) {
      this.#roster.refresh(participants);
      this.#peer.resume(this.#rtc.iceServers ?? iceServers);
    } else {
      this.#begin(participants, iceServers);
    }
    this.#updateState();
    this.emit('joined', {id, resumed, participants: [...this.participants.values()]});
    this.#resolve?.(this);
    this.#resolve = null;
  }

  /**
   * A new session: nothing of an older one's media remains.
   *
   * @param {import('./protocol.js').ParticipantInfo[]} participants
   * @param {RTCIceServer[]} iceServers
   */
  #begin(participants, iceServers) {
    this.#peer?.close();
    this.#roster.forgetMedia();
    this.#roster.refresh(participants);
    const peer = new Peer({bundlePolicy: 'max-bundle', iceServers, ...this.#rtc}, {
      send: (message) => this.#signal.send(message),
      published: () => this.#published(),
      received: (mid, track, stream) => this.#roster.received(mid, track, stream),
      pathChanged: () => this.#updateState(),
      broken: () => this.#signal.renew(),
      failed: (error) => this.emit('error', {error}),
    });
    this.#peer = peer;
    for (const locals of this.#publications.values()) for (const local of locals) peer.add(local);
    // Whoever publishes right after join needs no data channel to have something to offer.
    setTimeout(() => peer.start());
  }

  /** @param {Exclude<ServerMessage, JoinedMessage>} message */
  #receive(message) {
    const peer = this.#peer;
    switch (message.type) {
      case 'offer':
        this.#roster.offerArrives();
        peer?.receive(message).then(() => this.#roster.offerApplied());
        break;
      case 'answer':
        peer?.receive(message);
        break;
      case 'candidate':
        peer?.receiveCandidate(message.candidate);
        break;
      case 'participant':
        if (message.event === 'left') this.#roster.left(message.participant.id);
        else this.#roster.upsert(message.participant);
        break;
      case 'tracks':
        this.#roster.announce(message.tracks);
        break;
      case 'speakers':
        this.emit('speakers', {
          speakers: message.speakers.map(({id, level}) => ({id, level, participant: this.participants.get(id) ?? null})),
        });
        break;
      case 'message':
        this.emit('message', {
          from: message.from, participant: this.participants.get(message.from) ?? null, body: message.body,
        });
        break;
      case 'drain':
        this.#drain(message.after);
        break;
      case 'error':
        this.emit('error', {error: new PlenumError(message.code, message.message)});
        break;
    }
  }

  /**
   * Moves within the time: a room's people together, so that they do not lose sight
   * of each other for long, and different rooms at different times.
   *
   * @param {number} after  seconds
   */
  #drain(after) {
    this.emit('drain', {after});
    const wait = (0.8 * spread(this.name) + 0.05 * Math.random()) * after * 1000;
    const timer = setTimeout(() => this.#signal.renew(), wait);
    this.#cleanup.signal.addEventListener('abort', () => clearTimeout(timer));
  }

  /** @param {LocalTrack} local */
  #muteChanged({transceiver, muted}) {
    if (transceiver?.mid) this.#signal.send({type: 'mute', mid: transceiver.mid, muted});
  }

  /** @param {Publication} publication */
  #removed(publication) {
    for (const local of this.#publications.get(publication) ?? []) this.#peer?.remove(local);
    this.#publications.delete(publication);
    this.emit('unpublished', {publication});
  }

  #published() {
    return [...this.#publications.values()].flat().flatMap(({transceiver, source, muted}) => (
      transceiver?.mid ? [{mid: transceiver.mid, source, muted}] : []
    ));
  }

  #watchNetwork() {
    const {signal} = this.#cleanup;
    globalThis.addEventListener?.('online', () => this.#networkChanged(), {signal});
    // A reload must not leave a ghost behind for the server's resume timeout.
    globalThis.addEventListener?.('pagehide', () => this.leave(), {signal});
    const network = /** @type {(EventTarget & {type?: string}) | undefined} */ (
      /** @type {any} */ (globalThis.navigator)?.connection
    );
    let type = network?.type;
    network?.addEventListener('change', () => {
      if (network.type === type) return; // only its speed is another
      type = network.type;
      this.#networkChanged();
    }, {signal});
  }

  #networkChanged() {
    this.#signal.dial();
    this.#peer?.restart();
  }

  #updateState() {
    if (this.#state === 'closed' || !this.#peer) return;
    this.#setState(this.#signal.up && !this.#peer.pathLost ? 'connected' : 'reconnecting');
  }

  /** @param {RoomState} state */
  #setState(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.emit('state', {state});
  }

  /** @param {PlenumError} error */
  #end(error) {
    this.emit('error', {error});
    this.#shut();
    this.#reject(error);
  }

  #shut() {
    this.#cleanup.abort();
    this.#peer?.close();
    this.#peer = null;
    this.#setState('closed');
  }
}

/** @param {RemoteTrack} track */
function about(track) {
  return {participant: track.participant, track, source: track.source, kind: track.kind};
}

/** @param {MediaStreamTrack} track @param {Source} [wish] @returns {Source} */
function sourceOf(track, wish) {
  const screen = wish === 'screen' || wish === 'screen-audio';
  if (track.kind === 'audio') return screen ? 'screen-audio' : 'microphone';
  return screen ? 'screen' : 'camera';
}

/** A number from 0 to 1 that is the same for everyone in a room (FNV-1a). @param {string} name */
function spread(name) {
  let hash = 0x811c9dc5;
  for (const letter of name) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return hash / 2 ** 32;
}

/** @param {string | URL} url @param {JoinOptions} options */
function endpoint(url, {room, name}) {
  const address = new URL(url, globalThis.location?.href);
  address.protocol = address.protocol.replace('http', 'ws');
  if (address.pathname === '/') address.pathname = '/ws';
  address.searchParams.set('room', room);
  if (name) address.searchParams.set('name', name);
  return address;
}
