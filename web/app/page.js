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
  svg.append(use);
  return svg;
}

/**
 * Shows a device's button as on or off.
 *
 * @param {HTMLButtonElement} button
 * @param {boolean} on
 * @param {string} [name]  its icon, where the icon differs
 */
export function press(button, on, name) {
  button.setAttribute('aria-pressed', String(on));
  if (name) button.querySelector('use')?.setAttribute('href', `#icon-${name}${on ? '' : '-off'}`);
}
