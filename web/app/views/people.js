import {t} from '../state/text.js';
import {byId, icon, label, make, say} from './dom.js';

/** @typedef {import('../state/call.js').CallState} CallState */

const list = byId('people-list', HTMLElement);

/** Everyone in the room: hands first, in the order of raising, then by name. */
export class People {
  #call;
  /** The drawn ones, in order. @type {Map<string, {text: string, item: HTMLElement}>} */
  #drawn = new Map();

  /** @param {CallState} call */
  constructor(call) {
    this.#call = call;
    list.replaceChildren();
  }

  draw() {
    const {others, name, media, conversation, speaking} = this.#call;
    const hands = [...conversation.hands];
    const rank = (/** @type {string} */ id) => (hands.includes(id) ? hands.indexOf(id) : hands.length);
    const everyone = [
      {id: '', name: t('you', {name: name || t('guest')}), muted: media.microphone?.muted !== false, camera: media.camera?.muted === false},
      ...others.map(({id, name: theirs, tracks}) => {
        const on = (/** @type {string} */ source) => [...tracks.values()].some((track) => track.source === source && !track.muted);
        return {id, name: theirs || t('guest'), muted: !on('microphone'), camera: on('camera')};
      }).sort((a, b) => rank(a.id) - rank(b.id) || a.name.localeCompare(b.name)),
    ].map((one) => ({...one, hand: hands.includes(one.id), speaking: speaking.includes(one.id)}));
    const before = this.#drawn;
    const order = [...before.keys()].join(' ');
    this.#drawn = new Map(everyone.map((one) => {
      const text = JSON.stringify(one);
      const old = before.get(one.id);
      if (old?.text === text) return [one.id, old];
      const item = person(one);
      old?.item.replaceWith(item);
      return [one.id, {text, item}];
    }));
    if ([...this.#drawn.keys()].join(' ') !== order) list.replaceChildren(...[...this.#drawn.values()].map(({item}) => item));
  }
}

/** @param {{id: string, name: string, muted: boolean, camera: boolean, hand: boolean, speaking: boolean}} one */
function person(one) {
  const item = make('li', {className: one.speaking ? 'speaking' : ''}, make('bdi', {textContent: one.name}));
  item.dataset.person = one.id;
  if (one.hand) item.append(mark('hand', t('handUp')));
  if (one.muted) item.append(mark('mic-off', t('muted')));
  if (one.camera) item.append(mark('camera', t('camera')));
  return item;
}

/** @param {string} name @param {string} meaning */
function mark(name, meaning) {
  const element = make('span', {className: `mark ${name}`, role: 'img'}, icon(name));
  label(element, meaning);
  return element;
}

/** How many there are. @param {CallState} call */
export function drawCount({others}) {
  say(byId('head-count', HTMLElement), others.length === 0 ? t('onlyYou') : t('people', {n: others.length + 1}));
}
