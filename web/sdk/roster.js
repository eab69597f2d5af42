/**
 * @typedef {import('./protocol.js').Source} Source
 * @typedef {import('./protocol.js').Kind} Kind
 * @typedef {import('./protocol.js').MappedTrack} MappedTrack
 * @typedef {import('./protocol.js').ParticipantInfo} ParticipantInfo
 *
 * @typedef {object} RemoteTrack  a track that someone else publishes
 * @property {string} id
 * @property {Kind} kind
 * @property {Source} source
 * @property {boolean} muted
 * @property {string} codec  what is being sent ("VP8"), empty before the first packet
 * @property {Participant} participant
 * @property {string | null} unsupported  the codec, where this browser can't decode it
 * @property {{layer: {spatial: number, temporal: number} | null, reason: string} | null} quality  what the server said last of what it forwards
 * @property {string | null} mid  the m-line that carries it here
 * @property {MediaStreamTrack | null} mediaTrack  the browser's track once it is received
 * @property {MediaStream | null} stream  shared by a participant's camera and microphone
 *
 * @typedef {object} Participant  someone else in the room
 * @property {string} id
 * @property {string} name
 * @property {Map<string, RemoteTrack>} tracks  by id
 *
 * @typedef {object} TrackDetail
 * @property {Participant} participant
 * @property {RemoteTrack} track
 * @property {MediaStream} stream
 * @property {MediaStreamTrack} mediaTrack
 * @property {Source} source
 * @property {Kind} kind
 *
 * @typedef {object} RosterListener
 * @property {(participant: Participant) => void} participantJoined
 * @property {(participant: Participant) => void} participantLeft
 * @property {(participant: Participant) => void} participantUpdated
 * @property {(detail: TrackDetail) => void} track
 * @property {(track: RemoteTrack) => void} trackEnded
 * @property {(track: RemoteTrack) => void} trackGone  it is not published any more
 * @property {(track: RemoteTrack, codec: string) => void} trackUnsupported
 */

/**
 * Who is in the room, what they publish, and which of it arrives here.
 *
 * Three things make a track visible: the server's `tracks` message maps it to an
 * m-line, the offer after that message is applied, and the browser has fired
 * `ontrack` for the m-line. The mapping is remembered per offer, because it may
 * already speak of the offer after the one that is being applied, and m-lines are
 * used again for other tracks. What ends a track is the server's word alone.
 */
export class Roster {
  /** @type {Map<string, Participant>} by id */
  participants = new Map();
  #listener;
  /** The last `tracks` message. @type {Map<string, MappedTrack>} by track id */
  #announced = new Map();
  /** The `tracks` message before the last offer. @type {Map<string, MappedTrack>} */
  #offered = new Map();
  /** @type {Map<string, {mediaTrack: MediaStreamTrack, stream: MediaStream}>} by mid */
  #received = new Map();

  /** @param {RosterListener} listener */
  constructor(listener) {
    this.#listener = listener;
  }

  /** The peer connection is gone, and with it every m-line. */
  forgetMedia() {
    this.#announced = new Map();
    this.#offered = new Map();
    this.#received = new Map();
    for (const participant of this.participants.values()) {
      for (const track of participant.tracks.values()) {
        this.#end(track);
        track.unsupported = track.quality = null;
      }
    }
  }

  /**
   * The room as it is now.
   *
   * @param {ParticipantInfo[]} infos
   */
  refresh(infos) {
    const present = new Set(infos.map((info) => info.id));
    for (const id of [...this.participants.keys()]) if (!present.has(id)) this.left(id);
    for (const info of infos) this.upsert(info);
  }

  /** Someone came, or changed. @param {ParticipantInfo} info */
  upsert(info) {
    const known = this.participants.get(info.id);
    const participant = known ?? {id: info.id, name: info.name, tracks: new Map()};
    this.participants.set(info.id, participant);
    participant.name = info.name;
    const infos = info.tracks ?? [];
    for (const track of [...participant.tracks.values()]) {
      if (!infos.some((one) => one.id === track.id)) this.#drop(track);
    }
    for (const {id, kind, source, muted, codec = ''} of infos) {
      Object.assign(this.#track(participant, id, kind, source), {source, muted, codec});
    }
    if (known) this.#listener.participantUpdated(participant);
    else this.#listener.participantJoined(participant);
  }

  /** @param {string} id */
  left(id) {
    const participant = this.participants.get(id);
    if (!participant) return;
    for (const track of [...participant.tracks.values()]) this.#drop(track);
    this.participants.delete(id);
    this.#listener.participantLeft(participant);
  }

  /**
   * Which m-line will carry what.
   *
   * @param {MappedTrack[]} mapping
   * @param {boolean} [live]  m-lines that exist may carry another track from now on, without an offer
   */
  announce(mapping, live = false) {
    this.#announced = new Map(mapping.map((entry) => [entry.id, entry]));
    for (const participant of this.participants.values()) {
      for (const track of participant.tracks.values()) {
        const entry = this.#announced.get(track.id);
        if (track.mid !== null && track.mid !== entry?.mid) this.#end(track);
        if (!entry?.unsupported && track.unsupported !== null) {
          track.unsupported = null;
          this.#listener.participantUpdated(participant);
        }
      }
    }
    for (const entry of mapping) if (entry.unsupported) this.#refuse(entry, entry.unsupported);
    if (live) for (const entry of mapping) this.#begin(entry);
  }

  /** An offer arrived: the last mapping describes it. */
  offerArrives() {
    this.#offered = this.#announced;
  }

  /** An offer was applied. */
  offerApplied() {
    for (const entry of this.#offered.values()) this.#begin(entry);
  }

  /**
   * The browser fired `ontrack`.
   *
   * @param {string} mid
   * @param {MediaStreamTrack} mediaTrack
   * @param {MediaStream} stream
   */
  received(mid, mediaTrack, stream) {
    this.#received.set(mid, {mediaTrack, stream});
    for (const entry of this.#offered.values()) if (entry.mid === mid) this.#begin(entry);
  }

  /** @param {MappedTrack} entry */
  #begin(entry) {
    if (!entry.mid || this.#announced.get(entry.id)?.mid !== entry.mid) return;
    const media = this.#received.get(entry.mid);
    const participant = this.participants.get(entry.participant);
    if (!media || !participant) return;
    const track = this.#track(participant, entry.id, entry.kind, entry.source);
    if (track.mediaTrack === media.mediaTrack && track.stream === media.stream) return;
    Object.assign(track, media, {mid: entry.mid, unsupported: null});
    this.#listener.track({participant, track, source: track.source, kind: track.kind, ...media});
  }

  /** @param {MappedTrack} entry @param {string} codec */
  #refuse(entry, codec) {
    const participant = this.participants.get(entry.participant);
    if (!participant) return;
    const track = this.#track(participant, entry.id, entry.kind, entry.source);
    if (track.unsupported === codec) return;
    track.unsupported = codec;
    this.#listener.trackUnsupported(track, codec);
  }

  /** @param {Participant} participant @param {string} id @param {Kind} kind @param {Source} source */
  #track(participant, id, kind, source) {
    const track = participant.tracks.get(id) ?? {
      id, kind, source, participant, muted: false, codec: '', unsupported: null, quality: null, mid: null, mediaTrack: null, stream: null,
    };
    participant.tracks.set(id, track);
    return track;
  }

  /** @param {RemoteTrack} track */
  #drop(track) {
    track.participant.tracks.delete(track.id);
    this.#announced.delete(track.id);
    this.#end(track);
    this.#listener.trackGone(track);
  }

  /** It is not received any more. @param {RemoteTrack} track */
  #end(track) {
    if (track.mid === null) return;
    Object.assign(track, {mid: null, mediaTrack: null, stream: null});
    this.#listener.trackEnded(track);
  }
}
