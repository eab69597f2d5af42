// Pion: the Go client, as a program of its own.

export { startBot as join } from '../../harness/bot.js';
