import {PlenumError, join} from '../plenum.js';
import {Call} from './call.js';
import {Lobby} from './lobby.js';
import {readSettings} from './settings.js';

/** @typedef {import('./lobby.js').Devices} Devices */

/** What end-to-end tests, and the curious in the console, hold on to. @type {{room: import('../plenum.js').Room | null}} */
const plenum = {room: null};
Object.assign(window, {plenum});

const settings = readSettings(location);
const lobby = new Lobby(settings, enter);
lobby.show('', true);

/** @param {string} name @param {string} roomName @param {() => Promise<Devices>} takeDevices */
async function enter(name, roomName, takeDevices) {
  /** @type {PlenumError | null} */
  let reason = null;
  const room = await join('/ws', {
    room: roomName,
    name,
    token: settings.token,
    on: {error: ({error}) => { if (error.fatal) reason = error; }},
  });
  plenum.room = room;
  if (location.pathname !== `/r/${roomName}`) {
    history.replaceState(null, '', `/r/${roomName}${location.search}${location.hash}`);
  }
  const call = new Call(room, name, settings);
  room.on('state', ({state}) => {
    if (state !== 'closed') return;
    plenum.room = null;
    call.close();
    lobby.show(reason?.message ?? 'You left the room.', false);
  });
  takeDevices().then((devices) => call.publish(devices)); // the permission prompt may still be open
}
