/**
 * Plenum's SDK: join a room, publish, and hear and see everyone.
 *
 *     import {join} from 'https://HOST/plenum.js';
 *     const room = await join('wss://HOST/ws', {room: 'demo', name: 'Ada'});
 *     room.on('track', ({stream}) => show(stream));
 *     room.publish(await navigator.mediaDevices.getUserMedia({audio: true, video: true}));
 */
export {join} from './sdk/join.js';
export {Room} from './sdk/room.js';
export {Publication} from './sdk/publication.js';
export {
  AuthorizationError, CapacityError, DeviceError, PlenumError, ProtocolError, SessionEndedError, UnreachableError,
} from './sdk/errors.js';
export {LocalMedia} from './sdk/localmedia.js';
export {peek} from './sdk/peek.js';
export {listDevices, openDevice, openDevices, openScreen, watchDevices} from './sdk/media.js';

/**
 * @typedef {import('./sdk/events.js').JoinOptions} JoinOptions
 * @typedef {import('./sdk/events.js').PublishOptions} PublishOptions
 * @typedef {import('./sdk/events.js').RoomEvents} RoomEvents
 * @typedef {import('./sdk/events.js').RoomState} RoomState
 * @typedef {import('./sdk/encodings.js').SendOptions} SendOptions
 * @typedef {import('./sdk/roster.js').Participant} Participant
 * @typedef {import('./sdk/roster.js').RemoteTrack} RemoteTrack
 * @typedef {import('./sdk/roster.js').TrackDetail} TrackDetail
 * @typedef {import('./sdk/protocol.js').Source} Source
 * @typedef {import('./sdk/protocol.js').TrackQuality} TrackQuality
 * @typedef {import('./sdk/subscriptions.js').Wish} Wish
 * @typedef {import('./sdk/statistics.js').CallStatistics} CallStatistics
 * @typedef {import('./sdk/media.js').Devices} Devices
 * @typedef {import('./sdk/localmedia.js').LocalMediaOptions} LocalMediaOptions
 * @typedef {import('./sdk/peek.js').RoomInfo} RoomInfo
 */
