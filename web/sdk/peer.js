import {errorOf} from './errors.js';
import {provisional} from './provisional.js';
import {attach, detach, keepPaused, narrow, offerRepeats, reserve, tune} from './sending.js';

/**
 * @typedef {import('./protocol.js').ClientMessage} ClientMessage
 * @typedef {import('./protocol.js').DescriptionMessage} DescriptionMessage
 * @typedef {import('./protocol.js').PublishedTrack} PublishedTrack
 * @typedef {import('./protocol.js').Transport} Transport
 * @typedef {import('./sending.js').LocalTrack} LocalTrack
 * @typedef {import('./errors.js').PlenumError} PlenumError
 *
 * @typedef {object} PeerOwner
 * @property {(message: ClientMessage) => boolean} send  false where there is no socket
 * @property {() => PublishedTrack[]} published  what the own m-lines carry, as far as they have a mid
 * @property {(mid: string, track: MediaStreamTrack, stream: MediaStream) => void} received
 * @property {() => LocalTrack[]} sending
 * @property {() => void} pathChanged  `pathLost` may have changed
 * @property {() => void} broken  nothing but a new session helps
 * @property {(error: PlenumError) => void} failed  one negotiation step failed; the call goes on
 */

/** How long a path may stay disconnected before ICE restarts, in milliseconds. */
const patience = 3000;

/**
 * The one RTCPeerConnection of a session. It negotiates as in the W3C's example of
 * perfect negotiation (WebRTC 1.0, section 10.7) with the browser as the polite
 * side: a server offer that meets our own rolls ours back, and the browser itself
 * fires `negotiationneeded` again once it is stable.
 */
export class Peer {
  #pc;
  #configuration;
  #owner;
  /** The last `publish`, so that only changes are sent. */
  #announced = '[]';
  /** @type {(RTCIceCandidateInit | null)[]} made while there was no socket */
  #unsent = [];
  /** An answer is being applied. */
  #answered = false;
  /** An ICE restart was asked for and not answered yet. */
  #restarting = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #patienceTimer;
  /** Our own m-lines that carry nothing any more. @type {import('./sending.js').Idle[]} */
  #idle = [];
  #started = false;
  /** The server's end, until the first offer. @type {Transport | undefined} */
  #transport;

  /**
   * @param {RTCConfiguration} configuration
   * @param {PeerOwner} owner
   * @param {Transport} [transport]  the server's end, where that is known before it answers
   */
  constructor(configuration, owner, transport) {
    this.#configuration = configuration;
    this.#owner = owner;
    this.#transport = transport;
    const pc = new RTCPeerConnection(configuration);
    this.#pc = pc;
    pc.onnegotiationneeded = () => this.#offer();
    pc.onicecandidate = ({candidate}) => this.#trickle(candidate);
    pc.oniceconnectionstatechange = () => this.#watchPath();
    pc.onconnectionstatechange = () => {
      // With the path intact this is DTLS, which an ICE restart does not cure.
      if (pc.connectionState === 'failed' && !this.pathLost) owner.broken();
    };
    pc.ontrack = ({transceiver, track, streams}) => {
      if (transceiver.mid !== null) owner.received(transceiver.mid, track, streams[0] ?? new MediaStream([track]));
    };
  }

  /** The browser's object, for statistics. */
  get connection() {
    return this.#pc;
  }

  /** Whether media can't get through at the moment. */
  get pathLost() {
    const state = this.#pc.iceConnectionState;
    return state === 'disconnected' || state === 'failed';
  }

  /** Makes sure that there is something to offer, since the server speaks only when spoken to. */
  start() {
    if (this.#started || this.#pc.signalingState === 'closed') return;
    this.#started = true;
    if (this.#pc.getTransceivers().length === 0) reserve(this.#pc, this.#idle);
  }

  /** @param {LocalTrack} local */
  add(local) {
    attach(this.#pc, local, this.#idle);
  }

  /** @param {LocalTrack} local */
  remove(local) {
    detach(local, this.#idle);
  }

  /**
   * Applies the server's description, and answers an offer.
   *
   * @param {DescriptionMessage} description
   */
  async receive({type, sdp}) {
    const pc = this.#pc;
    if (type === 'answer') {
      // After a resume an answer may come twice, to the offer and to its repetition.
      if (!this.#offering || this.#answered) return;
      this.#answered = true;
    } else if (pc.signalingState === 'have-remote-pranswer' && !this.#answered) {
      this.#owner.broken(); // no answer is on its way: our offer got lost with a socket, and this state has no way back
      return;
    }
    try {
      await pc.setRemoteDescription({type, sdp: keepPaused(sdp, this.#owner.sending())});
      this.#owner.sending().forEach(tune);
      if (type === 'answer') {
        this.#restarting = false;
        return;
      }
      narrow(pc, sdp, this.#owner.sending());
      await pc.setLocalDescription();
      this.#sendDescription();
      if (pc.signalingState === 'stable' && this.#owner.sending().some(isHeldBack)) await this.#offer();
    } catch (error) {
      this.#fail('bad-sdp', error);
    } finally {
      if (type === 'answer') this.#answered = false;
    }
  }

  /** @param {RTCIceCandidateInit | null} candidate */
  async receiveCandidate(candidate) {
    try {
      await this.#pc.addIceCandidate(candidate ?? undefined);
    } catch (error) {
      this.#fail('bad-candidate', error);
    }
  }

  /**
   * The session goes on over a new socket: says again what may have been lost.
   *
   * @param {RTCIceServer[]} iceServers
   */
  resume(iceServers) {
    if (JSON.stringify(iceServers) !== JSON.stringify(this.#configuration.iceServers)) {
      this.#configuration = {...this.#configuration, iceServers};
      this.#pc.setConfiguration(this.#configuration);
    }
    this.#announced = '[]';
    if (this.#offering) this.#sendDescription();
    else this.#announce();
    const unsent = this.#unsent;
    this.#unsent = [];
    unsent.forEach((candidate) => this.#owner.send({type: 'candidate', candidate}));
    if (this.pathLost && !this.#restarting) this.restart();
  }

  /** Looks for a new path: an ICE restart. */
  restart() {
    clearTimeout(this.#patienceTimer);
    this.#restarting = true;
    this.#pc.restartIce();
  }

  close() {
    clearTimeout(this.#patienceTimer);
    const pc = this.#pc;
    pc.onnegotiationneeded = pc.onicecandidate = pc.ontrack = null;
    pc.oniceconnectionstatechange = pc.onconnectionstatechange = null;
    pc.close();
  }

  /** Whether an offer of ours waits for its answer. */
  get #offering() {
    return ['have-local-offer', 'have-remote-pranswer'].includes(this.#pc.signalingState);
  }

  async #offer() {
    try {
      await this.#pc.setLocalDescription();
      // An offer of the server's may have rolled ours back in the meantime.
      if (this.#pc.signalingState !== 'have-local-offer') return;
      this.#sendDescription();
      await this.#anticipate();
    } catch (error) {
      this.#fail('bad-sdp', error);
    }
  }

  /** Looks for the path while the first offer is on its way: a round trip sooner than by the answer. */
  async #anticipate() {
    const transport = this.#transport;
    this.#transport = undefined;
    const sdp = this.#pc.localDescription?.sdp;
    if (!transport || !sdp) return;
    // A browser that can't waits for the answer.
    await this.#pc.setRemoteDescription({type: 'pranswer', sdp: provisional(sdp, transport)}).catch(() => {});
  }

  #sendDescription() {
    const description = this.#pc.localDescription;
    if (!description) return;
    const {type, sdp} = description;
    if (type !== 'offer' && type !== 'answer') return;
    if (type === 'offer') this.#announce();
    this.#owner.send({type, sdp: type === 'offer' ? offerRepeats(sdp) : sdp});
  }

  /** Names the sources of our m-lines; their mids exist only once an offer has been made. */
  #announce() {
    const tracks = this.#owner.published();
    const text = JSON.stringify(tracks);
    if (text === this.#announced || tracks.length === 0) return;
    if (this.#owner.send({type: 'publish', tracks})) this.#announced = text;
  }

  /** @param {RTCIceCandidate | null} candidate */
  #trickle(candidate) {
    const init = candidate ? candidate.toJSON() : null;
    if (!this.#owner.send({type: 'candidate', candidate: init})) this.#unsent.push(init);
  }

  #watchPath() {
    clearTimeout(this.#patienceTimer);
    const state = this.#pc.iceConnectionState;
    if (state === 'failed') this.restart();
    if (state === 'disconnected') this.#patienceTimer = setTimeout(() => this.restart(), patience);
    this.#owner.pathChanged();
  }

  /** @param {string} code @param {unknown} error */
  #fail(code, error) {
    if (this.#pc.signalingState === 'closed') return; // it was closed under the operation
    const text = error instanceof Error ? error.message : String(error);
    this.#owner.failed(errorOf(code, text, false, error));
  }
}

/**
 * Whether a track should be sent and isn't, because its m-line was taken up while an
 * offer of the server's was being answered that still had it as inactive. An answer
 * can't change that, and by the letter (WebRTC 1.0, section 4.7.3) nothing is left
 * to negotiate then, so that no `negotiationneeded` follows.
 *
 * @param {LocalTrack} local
 */
function isHeldBack({transceiver}) {
  return transceiver?.direction === 'sendonly' && transceiver.currentDirection === 'inactive';
}
