import {isText, t} from './text.js';

/**
 * What went wrong, in the person's language.
 *
 * @param {unknown} error
 */
export function explain(error) {
  const {code: said, reason, kind, message, fatal} = /** @type {{code?: string, reason?: string, kind?: string, message?: string, fatal?: boolean}} */ (error ?? {});
  const code = said === 'rate-limited' && !fatal ? 'limited' : said; // the call goes on
  const key = reason ? `${kind}.${reason}` : `error.${code}`;
  return isText(key) ? t(key) : t('error.failed', {message: message ?? String(error)});
}
