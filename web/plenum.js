/**
 * Plenum's SDK: join a room, publish, and hear and see everyone.
 *
 *     import {join} from 'https://HOST/plenum.js';
 *     const room = await join('wss://HOST/ws', {room: 'demo', name: 'Ada'});
 *     room.on('track', ({stream}) => show(stream));
 *     room.publish(await navigator.mediaDevices.getUserMedia({audio: true, video: true}));
 */
export {join, Room} from './sdk/room.js';
export {Publication} from './sdk/publication.js';
export {PlenumError} from './sdk/errors.js';
