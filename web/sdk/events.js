/**
 * What a room tells and takes, as types. There is no code here.
 *
 * @typedef {import('./errors.js').PlenumError} PlenumError
 * @typedef {import('./protocol.js').Source} Source
 * @typedef {import('./protocol.js').Kind} Kind
 * @typedef {import('./protocol.js').TrackQuality} TrackQuality
 * @typedef {import('./publication.js').Publication} Publication
 * @typedef {import('./roster.js').Participant} Participant
 * @typedef {import('./roster.js').RemoteTrack} RemoteTrack
 * @typedef {import('./roster.js').TrackDetail} TrackDetail
 * @typedef {import('./encodings.js').SendOptions} SendOptions
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
 * @property {{publication: Publication, kind: Kind, codec: string, viewers: string[]}} unreached  who (ids) can't decode what is published; nobody any more where that is empty. Another `codec` helps
 * @property {{publication: Publication}} unpublished  by hand, or because its tracks ended
 * @property {{speakers: {id: string, level: number, participant: Participant | null}[]}} speakers  loudest first
 * @property {{from: string, participant: Participant | null, body: unknown}} message
 * @property {{tracks: (TrackQuality & {track: RemoteTrack | null})[], downlink: number}} quality  what the server forwards to this page, and its estimate in bit/s
 * @property {{blocked: boolean}} playback  the browser plays something only after a click (then call `startPlayback` from one), or does so now
 * @property {{state: RoomState}} state
 * @property {{attempt: number, after: number}} retry  the connection is lost; the next attempt comes in so many milliseconds
 * @property {{after: number}} drain  the server goes away within seconds; the room moves by itself
 * @property {{error: PlenumError}} error  fatal ones end the room
 *
 * @typedef {object} JoinOptions
 * @property {string} room  1 to 128 letters, digits, '-', '_' and '.'
 * @property {string} [name]  shown to others
 * @property {string} [token]  access token
 * @property {AbortSignal} [signal]  gives up joining, and leaves once joined
 * @property {RTCConfiguration} [rtc]  goes into RTCPeerConnection over the defaults
 * @property {{[Name in keyof RoomEvents]?: (detail: RoomEvents[Name]) => void}} [on]  listeners from the first event on
 *
 * @typedef {SendOptions & {source?: Source, muted?: boolean, signal?: AbortSignal}} PublishOptions
 *   the signal unpublishes
 */

export {};
