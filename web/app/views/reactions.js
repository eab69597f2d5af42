import {make} from './dom.js';

/** @typedef {import('../state/call.js').CallState} CallState */

/** How long a reaction is to be seen, in milliseconds. */
const stay = 3000;
/** How many are to be seen at once; more would be a wall, and cost the page its frames. */
const most = 30;

/** Lets a thrown reaction rise from the tile of whoever threw it. @param {CallState} call */
export function showReactions(call) {
  let shown = 0;
  call.on('reaction', ({id, reaction}) => {
    if (shown >= most) return;
    shown++;
    const participant = id === '' ? call.room.localId : id;
    const tile = document.querySelector(`.tile[data-participant="${CSS.escape(participant)}"]`) ?? document.getElementById('tiles');
    const element = make('span', {className: 'reaction', textContent: reaction, ariaHidden: 'true'});
    tile?.append(element);
    setTimeout(() => {
      element.remove();
      shown--;
    }, stay);
  });
}
