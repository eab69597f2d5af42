/**
 * The messages of signaling protocol 1 as types. There is no code here.
 *
 * @typedef {'camera' | 'microphone' | 'screen' | 'screen-audio'} Source
 * @typedef {'audio' | 'video'} Kind
 *
 * @typedef {object} TrackInfo  a published track, as told about a participant
 * @property {string} id
 * @property {Kind} kind
 * @property {Source} source
 * @property {boolean} muted
 * @property {string} [codec]  what is being sent ("VP8"), once packets flow
 *
 * @typedef {object} ParticipantInfo
 * @property {string} id
 * @property {string} name
 * @property {TrackInfo[]} [tracks]
 *
 * @typedef {object} MappedTrack  which m-line of the server's next offer carries a track
 * @property {string | null} mid  null where the track can't be decoded here
 * @property {string} id
 * @property {string} participant
 * @property {Kind} kind
 * @property {Source} source
 * @property {string} [unsupported]  the codec that this browser can't decode
 *
 * @typedef {{mid: string, source: Source, muted: boolean}} PublishedTrack
 *
 * @typedef {object} JoinedMessage
 * @property {'joined'} type
 * @property {string} id
 * @property {string} session
 * @property {string} room
 * @property {boolean} resumed
 * @property {RTCIceServer[]} [iceServers]
 * @property {ParticipantInfo[]} [participants]
 * @property {Transport} [transport]  of a new session, where the request said `early=1`
 *
 * @typedef {object} Transport  the server's end of it, as the answer to the first offer will name it
 * @property {string} ufrag
 * @property {string} pwd
 * @property {string} fingerprint  as in SDP
 * @property {string[]} candidates  as in SDP, without "candidate:"
 *
 * @typedef {{type: 'offer' | 'answer', sdp: string}} DescriptionMessage
 * @typedef {{type: 'candidate', candidate: RTCIceCandidateInit | null}} CandidateMessage
 * @typedef {{type: 'participant', event: 'joined' | 'left' | 'updated', participant: ParticipantInfo}} ParticipantMessage
 * @typedef {{type: 'tracks', tracks: MappedTrack[]}} TracksMessage
 * @typedef {{type: 'speakers', speakers: {id: string, level: number}[]}} SpeakersMessage
 * @typedef {'bandwidth' | 'subscription' | 'publisher' | 'muted'} QualityReason
 * @typedef {{id: string, layer: {spatial: number, temporal: number} | null, reason?: QualityReason}} TrackQuality
 * @typedef {{type: 'quality', tracks: TrackQuality[], downlink?: number}} QualityMessage
 * @typedef {{type: 'layers', mid: string, active: Record<string, boolean>}} LayersMessage
 * @typedef {{type: 'unreached', mid: string, codec: string, viewers: string[]}} UnreachedMessage  who can't decode an own track
 * @typedef {{type: 'message', from: string, body: unknown}} ChatMessage
 * @typedef {{type: 'drain', after: number}} DrainMessage
 * @typedef {{type: 'error', code: string, message: string, fatal?: boolean}} ErrorMessage
 *
 * @typedef {JoinedMessage | DescriptionMessage | CandidateMessage | ParticipantMessage | TracksMessage |
 *   SpeakersMessage | QualityMessage | LayersMessage | UnreachedMessage | ChatMessage | DrainMessage | ErrorMessage} ServerMessage
 *
 * @typedef {DescriptionMessage | CandidateMessage | {type: 'publish', tracks: PublishedTrack[]} |
 *   {type: 'subscribe', tracks: ({id: string} & import('./subscriptions.js').Wish)[]} |
 *   {type: 'mute', mid: string, muted: boolean} | {type: 'message', to?: string, body: unknown} |
 *   {type: 'leave'}} ClientMessage
 */

export {};
