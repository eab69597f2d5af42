import {errorOf} from '../sdk/errors.js';
import {explain} from './state/explain.js';
import {preferences, readSettings} from './state/settings.js';
import {chooseLanguage, current, t} from './state/text.js';
import {prepareDialogs} from './views/dialogs.js';
import {prepareMenus, translate} from './views/dom.js';
import {Lobby} from './views/lobby.js';

/** What end-to-end tests, and the curious in the console, hold on to. @type {{room: import('../plenum.js').Room | null}} */
const plenum = {room: null};
Object.assign(window, {plenum});

/** What only the call needs. @type {Promise<[typeof import('../plenum.js'), typeof import('./views/call.js')]> | null} */
let loading = null;

const settings = readSettings(location);
await chooseLanguage([settings.language, preferences.language, ...navigator.languages].filter(Boolean));
Object.assign(document.documentElement, {lang: current.language, dir: current.direction});
translate(document);
prepareDialogs();
prepareMenus();
const lobby = new Lobby(settings, enter);
lobby.show('', {camera: true, microphone: true});
new PerformanceObserver((list) => {
  if (list.getEntriesByName('first-contentful-paint').length > 0) loadCall().catch(() => {}); // whoever joins hears of it
}).observe({type: 'paint', buffered: true});

/** Brings what only the call needs, two thirds of the app: the first paint does not wait for it. */
function loadCall() {
  loading ??= Promise.all([import('../plenum.js'), import('./views/call.js')]);
  loading.catch(() => { loading = null; });
  return loading;
}

/** @param {import('./views/lobby.js').Entry} entry */
async function enter({name, room: roomName, signal, takeTracks}) {
  /** @type {import('../plenum.js').PlenumError | null} */
  let reason = null;
  const [{join}, {CallView}] = await loadCall().catch((cause) => {
    throw errorOf('unreachable', 'The server can’t be reached.', false, cause);
  });
  signal.throwIfAborted();
  const room = await join('/ws', {
    room: roomName, name, signal,
    token: settings.token,
    on: {error: ({error}) => { if (error.fatal) reason = error; }},
  });
  plenum.room = room;
  if (location.pathname !== `/r/${roomName}`) {
    history.replaceState(null, '', `/r/${roomName}${location.search}${location.hash}`);
  }
  const call = new CallView(room, name, settings);
  room.on('state', ({state}) => {
    if (state !== 'closed') return;
    plenum.room = null;
    const open = call.close();
    lobby.show(reason ? explain(reason) : t('left'), open);
  });
  takeTracks().then((tracks) => call.publish(tracks)); // the permission prompt may still be open
}
