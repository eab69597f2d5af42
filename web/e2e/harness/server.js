// The real binary, on free ports.

import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { until } from './until.js';

const binary = fileURLToPath(new URL('../../../bin/plenum', import.meta.url));
const artifacts = fileURLToPath(new URL('../artifacts/', import.meta.url));

/**
 * Starts a server and waits until it serves.
 * @param {{flags?: string[], host?: string, nice?: number}} options host is the address to
 *   listen on, nice what is added to the process's niceness.
 */
export async function startServer({ flags = [], host = '127.0.0.1', nice = 0 } = {}) {
  const server = new Server(['--listen', `${host}:0`, '--media-port', '0', '--log-level', 'debug', ...flags], nice);
  await server.started();
  return server;
}

class Server {
  log = '';
  exit = null; // {code, signal} once the process has ended
  #adminToken = randomUUID();

  constructor(flags, nice) {
    this.process = spawn('nice', ['-n', String(nice), binary, 'serve', ...flags],
      { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, PLENUM_ADMIN_TOKEN: this.#adminToken } });
    this.process.stdout.on('data', text => { this.log += text; });
    this.process.stderr.on('data', text => { this.log += text; });
    this.ended = new Promise(resolve => this.process.on('exit', (code, signal) => {
      this.exit = { code, signal };
      resolve(this.exit);
    }));
  }

  async started() {
    const line = await until(() => {
      if (this.exit) throw new Error(`the server ended:\n${this.log}`);
      return this.log.match(/^.*\baddr=(\S+) media=(\S+).*$/m);
    }, { what: 'the start-up log line', every: 20 });
    this.address = line[1];
    this.media = line[2];
    this.url = `http://${this.address}`;
    await until(async () => (await fetch(`${this.url}/readyz`)).ok, { what: '/readyz', every: 20 });
  }

  get mediaPort() { return Number(this.media.split(':').at(-1)); }
  get mediaHost() { return this.media.slice(0, this.media.lastIndexOf(':')).replace(/[[\]]/g, ''); }

  /** The page's URL of a room; localhost is a secure context, so it gets devices. */
  room(room, host = this.address.replace('127.0.0.1', 'localhost')) {
    return `http://${host}/r/${room}`;
  }

  /** The metrics as a function: metric('name', {label: value}) sums what matches. */
  async metrics() {
    const response = await fetch(`${this.url}/metrics`, { headers: { Authorization: `Bearer ${this.#adminToken}` } });
    if (!response.ok) throw new Error(`the metrics: status ${response.status}`);
    const text = await response.text();
    const samples = [...text.matchAll(/^(\w+)(?:\{(.*)\})? (\S+)$/gm)].map(([, name, labels, value]) => ({
      name,
      labels: Object.fromEntries([...(labels ?? '').matchAll(/(\w+)="([^"]*)"/g)].map(m => [m[1], m[2]])),
      value: Number(value),
    }));
    return (name, labels = {}) => samples
      .filter(s => s.name === name && Object.entries(labels).every(([k, v]) => s.labels[k] === v))
      .reduce((sum, s) => sum + s.value, 0);
  }

  /** Why the participant of that id sees what it sees: the server's explanation; all participants for ''. */
  async explain(id) {
    const response = await fetch(`${this.url}/debug/participants${id && `/${id}`}`, { headers: { Authorization: `Bearer ${this.#adminToken}` } });
    if (!response.ok) throw new Error(`the explanation of ${id}: status ${response.status}`);
    return response.json();
  }

  /** SIGTERM; resolves with {code, signal}. The log is kept where failed tests are looked into. */
  async stop(name = 'server') {
    if (!this.exit) this.process.kill('SIGTERM');
    const force = setTimeout(() => this.process.kill('SIGKILL'), 40000);
    const exit = await this.ended;
    clearTimeout(force);
    mkdirSync(artifacts, { recursive: true });
    writeFileSync(`${artifacts}${name}.log`, this.log);
    return exit;
  }
}
