import * as english from '../strings/en.js';

/**
 * What the app says, in the language of the browser.
 *
 * @typedef {typeof english.texts} English
 * @typedef {keyof English} TextKey
 * @typedef {{[Key in TextKey]: English[Key] extends string ? string : {one?: string, other: string}}} Texts
 */

/** Languages by the first part of their tag. English is always there, the others are loaded when needed. */
const languages = {en: async () => english, zh: () => import('../strings/zh.js')};

/** Their own names for themselves. @type {Record<string, string>} */
export const languageNames = {en: 'English', zh: '中文'};

/** @type {Texts} */
let texts = english.texts;
let rules = new Intl.PluralRules('en');

/** @type {{language: string, direction: string}} */
export const current = {language: 'en', direction: english.direction};

/**
 * Chooses the first language that the app has.
 *
 * @param {readonly string[]} wanted  BCP 47 tags, most wanted first
 */
export async function chooseLanguage(wanted) {
  const tags = wanted.map((tag) => tag.toLowerCase().split('-')[0] ?? '');
  const language = tags.find((tag) => tag in languages) ?? 'en';
  const strings = await languages[/** @type {keyof typeof languages} */ (language)]();
  texts = strings.texts;
  rules = new Intl.PluralRules(language);
  Object.assign(current, {language, direction: strings.direction});
}

/**
 * A text with its placeholders filled in. Where it has plural forms, `n` chooses.
 *
 * @param {TextKey} key
 * @param {Record<string, string | number>} [values]
 * @returns {string}
 */
export function t(key, values = {}) {
  const entry = texts[key];
  const form = typeof entry === 'string' ? entry : entry[rules.select(Number(values.n)) === 'one' ? 'one' : 'other'] ?? entry.other;
  return form.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/** Names as a sentence says them: "Ada, Bob and Cem". @param {string[]} names */
export function listed(names) {
  return 'ListFormat' in Intl ? new Intl.ListFormat(current.language).format(names) : names.join(', ');
}

/** Whether there is such a text. @param {string} key @returns {key is TextKey} */
export function isText(key) {
  return Object.hasOwn(english.texts, key);
}
