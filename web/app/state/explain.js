import {isText, t} from './text.js';

/**
 * What went wrong, in the person's language.
 *
 * @param {unknown} error
 */
export function explain(error) {
  const {code, reason, kind, message} = /** @type {{code?: string, reason?: string, kind?: string, message?: string}} */ (error ?? {});
  const key = reason ? `${kind}.${reason}` : `error.${code}`;
  return isText(key) ? t(key) : t('error.failed', {message: message ?? String(error)});
}
