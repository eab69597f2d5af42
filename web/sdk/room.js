import {spread} from './address.js';
import {Attachments, attach} from './attachment.js';
import {Emitter} from './emitter.js';
import {PlenumError, errorOf} from './errors.js';
import {openScreen} from './media.js';
import {watchNetwork} from './network.js';
import {Peer} from './peer.js';
import {Playback} from './playback.js';
import {Publication} from './publication.js';
import {Roster} from './roster.js';
import {activate, sourceOf} from './sending.js';
import {Signal} from './signal.js';
import {Statistics} from './statistics.js';
import {Subscriptions} from './subscriptions.js';

/**
 * @typedef {import('./events.js').JoinOptions} JoinOptions
 * @typedef {import('./events.js').PublishOptions} PublishOptions
 * @typedef {import('./events.js').RoomEvents} RoomEvents
 * @typedef {import('./events.js').RoomState} RoomState
 * @typedef {import('./protocol.js').JoinedMessage} JoinedMessage
 * @typedef {import('./protocol.js').ServerMessage} ServerMessage
 * @typedef {import('./roster.js').Participant} Participant
 * @typedef {import('./roster.js').RemoteTrack} RemoteTrack
 * @typedef {import('./sending.js').LocalTrack} LocalTrack
 */

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
  #subscriptions = new Subscriptions((message) => this.#signal.send(message));
  #statistics = new Statistics();
  #attachments = new Attachments(this);
  #playback = new Playback((blocked) => this.emit('playback', {blocked}));
  /** The server's estimate of what this page can receive, in bit/s. */
  #downlink = 0;

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
      trackGone: (track) => this.#subscriptions.forget(track.id),
      trackUnsupported: (track, codec) => this.emit('track-unsupported', {...about(track), codec}),
    });
    this.#signal = new Signal(address, options.token ?? '', {
      joined: (message) => this.#joined(message),
      message: (message) => this.#receive(message),
      down: () => this.#updateState(),
      waiting: (attempt, after) => this.emit('retry', {attempt, after}),
      ended: (error) => this.#end(error),
    });
    watchNetwork({changed: () => this.#networkChanged(), leaving: () => this.leave(), signal: this.closed});
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

  /** Aborts when the room is left or lost: for whatever should live as long as the call. */
  get closed() {
    return this.#cleanup.signal;
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
    options.signal?.throwIfAborted();
    const tracks = 'getTracks' in media ? media.getTracks() : [media].flat();
    const stream = 'getTracks' in media ? media : new MediaStream(tracks);
    if (this.#state === 'closed') throw new PlenumError('failed', 'The room was left.');
    if (tracks.length === 0) throw new TypeError('There is no track to publish.');
    /** @type {LocalTrack[]} */
    const locals = tracks.map((track) => ({
      track, stream, options, source: sourceOf(track, options.source), muted: options.muted ?? false, transceiver: null, wanted: {},
    }));
    for (const local of locals) if (local.muted) local.track.enabled = false;
    const publication = new Publication(locals, {
      muteChanged: (local) => this.#muteChanged(local),
      removed: (one) => this.#removed(one),
    });
    this.#publications.set(publication, locals);
    for (const local of locals) this.#peer?.add(local);
    options.signal?.addEventListener('abort', () => publication.unpublish(), {once: true, signal: this.closed});
    return publication;
  }

  /**
   * Asks the person for a screen or window, and publishes it until it is unpublished
   * or the sharing is stopped in the browser's own bar.
   *
   * @param {DisplayMediaStreamOptions & {send?: import('./encodings.js').SendOptions}} [options]
   * @returns {Promise<Publication>}  DeviceError where the person or the browser declines
   */
  async publishScreen({send = {}, ...constraints} = {}) {
    const stream = await openScreen(constraints);
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

  /**
   * Says what this page wants of someone's track: nothing, or at most a size and
   * rate. `attach` does it by itself.
   *
   * @param {RemoteTrack} track
   * @param {import('./subscriptions.js').Wish} wish
   */
  subscribe(track, wish) {
    this.#subscriptions.set(track.id, wish);
  }

  /**
   * Plays someone's track in an element, in the size at which it is shown, and not
   * at all while it is out of sight. A video element stays silent: the sound of a
   * person is a track of its own.
   *
   * @param {RemoteTrack} track
   * @param {HTMLMediaElement} element
   * @param {{priority?: number, signal?: AbortSignal}} [options]
   * @returns {() => void} ends it
   */
  attach(track, element, options) {
    return attach(this, this.#playback, track, element, options);
  }

  /** Whether the browser refuses to play something that is attached, until the person has touched the page. */
  get playbackBlocked() {
    return this.#playback.blocked;
  }

  /** Plays it all the same. Browsers allow that in the handler of a click or a key. */
  startPlayback() {
    return this.#playback.playAll();
  }

  /**
   * Asks for someone's track in the size at which an element shows it, as `attach`
   * does, for pages that play it by themselves.
   *
   * @param {RemoteTrack} track
   * @param {HTMLElement} element
   * @param {{priority?: number}} [options]
   * @returns {() => void} ends it; a track that no element shows is not sent
   */
  follow(track, element, {priority} = {}) {
    return this.#attachments.follow(track, element, priority);
  }

  /**
   * How the call goes: rates are of the time since the last call of this function.
   *
   * @returns {Promise<import('./statistics.js').CallStatistics | null>} null without a connection
   */
  async statistics() {
    const report = await this.connection?.getStats();
    return report ? this.#statistics.sample(report, this.#downlink) : null;
  }

  /** Dials at once instead of waiting for the next attempt. */
  reconnect() {
    if (this.#state === 'reconnecting') this.#networkChanged();
  }

  /** Leaves for good. */
  leave() {
    this.#signal.close();
    this.#shut();
    this.#reject(new DOMException('The room was left.', 'AbortError')); // if it was still joining
  }

  /** @param {JoinedMessage} message */
  #joined(message) {
    const {id, resumed, participants = [], iceServers = [], transport} = message;
    this.localId = id;
    if (resumed && this.#peer) {
      this.#roster.refresh(participants);
      this.#peer.resume(this.#rtc.iceServers ?? iceServers);
      // What the server said of layers while there was no socket is lost; it says it again.
      for (const local of this.#locals()) activate(local, {});
    } else {
      this.#begin(participants, iceServers, transport);
    }
    this.#subscriptions.repeat();
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
   * @param {import('./protocol.js').Transport} [transport]
   */
  #begin(participants, iceServers, transport) {
    this.#peer?.close();
    this.#roster.forgetMedia();
    this.#roster.refresh(participants);
    const peer = new Peer({bundlePolicy: 'max-bundle', iceServers, ...this.#rtc}, {
      send: (message) => this.#signal.send(message),
      published: () => this.#published(),
      received: (mid, track, stream) => this.#roster.received(mid, track, stream),
      sending: () => this.#locals(),
      pathChanged: () => this.#updateState(),
      broken: () => this.#signal.renew(),
      failed: (error) => this.emit('error', {error}),
    }, transport);
    this.#peer = peer;
    for (const locals of this.#publications.values()) for (const local of locals) peer.add(local);
    // Whoever publishes right after join has something to offer by then.
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
        this.#roster.announce(message.tracks, this.#subscriptions.asked);
        break;
      case 'speakers':
        this.emit('speakers', {
          speakers: message.speakers.map(({id, level}) => ({id, level, participant: this.participants.get(id) ?? null})),
        });
        break;
      case 'quality':
        this.#qualityChanged(message);
        break;
      case 'layers':
        for (const local of this.#locals()) if (local.transceiver?.mid === message.mid) activate(local, message.active);
        break;
      case 'unreached':
        this.#unreached(message);
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
        this.emit('error', {error: errorOf(message.code, message.message)});
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

  /** @param {import('./protocol.js').UnreachedMessage} message */
  #unreached({mid, codec, viewers}) {
    for (const [publication, locals] of this.#publications) {
      const local = locals.find(({transceiver}) => transceiver?.mid === mid);
      if (local) this.emit('unreached', {publication, kind: local.track.kind === 'audio' ? 'audio' : 'video', codec, viewers});
    }
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

  /** @param {import('./protocol.js').QualityMessage} message */
  #qualityChanged({tracks, downlink = this.#downlink}) {
    this.#downlink = downlink;
    const known = new Map([...this.participants.values()].flatMap((one) => [...one.tracks]));
    const told = tracks.map((one) => ({...one, track: known.get(one.id) ?? null}));
    for (const {track, layer, reason = ''} of told) if (track) track.quality = {layer, reason};
    this.emit('quality', {tracks: told, downlink});
  }

  #locals() {
    return [...this.#publications.values()].flat();
  }

  #published() {
    return this.#locals().flatMap(({transceiver, source, muted}) => (
      transceiver?.mid ? [{mid: transceiver.mid, source, muted}] : []
    ));
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
    this.#peer?.close();
    this.#peer = null;
    this.#roster.forgetMedia();
    this.#setState('closed');
    this.#subscriptions.close();
    this.#cleanup.abort(); // after the last event, for whoever listens until then
  }
}

/** @param {RemoteTrack} track */
function about(track) {
  return {participant: track.participant, track, source: track.source, kind: track.kind};
}
