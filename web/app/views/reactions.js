import {make} from './dom.js';

/** @typedef {import('../state/call.js').CallState} CallState */

/** How long a reaction is to be seen, in milliseconds. */
const stay = 3000;

/** Lets a thrown reaction rise from the tile of whoever threw it. @param {CallState} call */
export function showReactions(call) {
  call.on('reaction', ({id, reaction}) => {
    const participant = id === '' ? call.room.localId : id;
    const tile = document.querySelector(`.tile[data-participant="${CSS.escape(participant)}"]`) ?? document.getElementById('tiles');
    const element = make('span', {className: 'reaction', textContent: reaction, ariaHidden: 'true'});
    tile?.append(element);
    setTimeout(() => element.remove(), stay);
  });
}
