import {isText, t} from '../state/text.js';

/**
 * The element with an id of index.html.
 *
 * @template {typeof HTMLElement} Type
 * @param {string} id
 * @param {Type} type
 * @returns {InstanceType<Type>}
 */
export function byId(id, type) {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`index.html has no ${type.name} #${id}`);
  return /** @type {InstanceType<Type>} */ (element);
}

/** A button of index.html. @param {string} id */
export function button(id) {
  return byId(id, HTMLButtonElement);
}

/**
 * Makes an element.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Partial<HTMLElementTagNameMap[Tag]>} [properties]
 * @param {(Node | string)[]} children
 */
export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** An icon of index.html. @param {string} name */
export function icon(name) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  use.setAttribute('href', `#icon-${name}`);
  svg.setAttribute('aria-hidden', 'true');
  svg.append(use);
  return svg;
}

/**
 * Shows a device's button as on or off.
 *
 * @param {HTMLButtonElement} element
 * @param {boolean} on
 * @param {string} [name]  its icon, where the icon differs
 */
export function press(element, on, name) {
  element.setAttribute('aria-pressed', String(on));
  if (name) element.querySelector('use')?.setAttribute('href', `#icon-${name}${on ? '' : '-off'}`);
}

/** Menus where the browser knows no popovers (Safari before 17): a press opens one, a press elsewhere or Escape closes it. */
export function prepareMenus() {
  if ('popover' in HTMLElement.prototype) return;
  for (const opener of document.querySelectorAll('[popovertarget]')) {
    const menu = byId(opener.getAttribute('popovertarget') ?? '', HTMLElement);
    const open = (/** @type {boolean} */ wanted) => {
      menu.hidden = !wanted;
      opener.setAttribute('aria-expanded', String(wanted));
    };
    open(false);
    document.addEventListener('click', ({target}) => open(menu.hidden && target instanceof Node && opener.contains(target)));
    document.addEventListener('keydown', ({key}) => { if (key === 'Escape') open(false); });
  }
}

/** Sets a text only where it differs: live regions speak whatever is written to them. @param {Element} element @param {string} text */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Names an element for screen readers and for the mouse. @param {HTMLElement} element @param {string} text */
export function label(element, text) {
  if (element.getAttribute('aria-label') === text) return;
  element.setAttribute('aria-label', text);
  if (element instanceof HTMLButtonElement) element.title = text;
}

/**
 * Fills in the texts of the language: `data-text`, `data-label` and `data-placeholder`
 * name them in index.html.
 *
 * @param {ParentNode} root
 */
export function translate(root) {
  for (const element of root.querySelectorAll('[data-text], [data-label], [data-placeholder]')) {
    if (!(element instanceof HTMLElement)) continue;
    const {text, label: name, placeholder} = element.dataset;
    if (text && isText(text)) element.textContent = t(text);
    if (name && isText(name)) label(element, t(name));
    if (placeholder && isText(placeholder)) element.setAttribute('placeholder', t(placeholder));
  }
}

/**
 * A box to tick, with its label around it.
 *
 * @param {string} text
 * @param {boolean} checked
 * @param {(checked: boolean) => void} changed
 */
export function checkbox(text, checked, changed) {
  const box = document.createElement('input');
  box.type = 'checkbox';
  box.checked = checked;
  box.onchange = () => changed(box.checked);
  return make('label', {className: 'check'}, box, text);
}

let made = 0;

/**
 * A list to choose from, and its label.
 *
 * @param {string} text
 * @param {(value: string) => void} changed
 * @returns {[HTMLLabelElement, HTMLSelectElement]}
 */
export function choice(text, changed) {
  const select = document.createElement('select');
  select.id = `choice-${++made}`;
  select.onchange = () => changed(select.value);
  return [make('label', {htmlFor: select.id, textContent: text}), select];
}

/** Fills a list. @param {HTMLSelectElement} select @param {{id: string, text: string}[]} options @param {string} chosen */
export function fill(select, options, chosen) {
  select.replaceChildren(...options.map(({id, text}) => new Option(text, id)));
  select.value = chosen;
  if (select.selectedIndex < 0) select.selectedIndex = 0;
}
