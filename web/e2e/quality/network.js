// The network of the measurements: the server on this machine, the publishers and the
// viewer in namespaces of their own, all joined by a bridge. Needs root.
//
//   this machine   bridge, 10.77.0.1, ports to pub and bad
//   pub            10.77.0.2, the publishers
//   bad            10.77.0.3, the viewer, whose link becomes bad
//
// Rates are tbf on the sending end of a link. Losses are nftables on the receiving end,
// so that a sender never learns of them. Delay is netfilter's queue in the client's
// namespace, in both directions. Segmentation offload is off: a run of packets that the
// server hands over at once must not be lost or queued as one.

import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const wire = join(root, 'bin/quality-wire');
const addresses = { pub: '10.77.0.2', bad: '10.77.0.3' };

const run = (command, input) => execFileSync(command[0], command.slice(1), { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] });
const quietly = command => {
  try {
    run(command);
  } catch {
    // it was not there
  }
};

export class Network {
  // The process id keeps runs apart.
  #id = `q${process.pid % 10000}`;
  #folder = mkdtempSync(join(tmpdir(), 'plenum-quality-'));
  #children = [];
  host = '10.77.0.1';

  /** @param {number} delay in ms, each way between a client and the server */
  async up(delay) {
    execFileSync('go', ['build', '-o', wire, './web/e2e/quality/wire'], { cwd: root, stdio: 'inherit' });
    const bridge = `${this.#id}br`;
    run(['ip', 'link', 'add', bridge, 'type', 'bridge']);
    run(['ip', 'link', 'set', bridge, 'addrgenmode', 'none']);
    for (const [name, address] of Object.entries(addresses)) {
      const port = this.#port(name);
      run(['ip', 'netns', 'add', this.#space(name)]);
      run(['ip', 'link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', this.#space(name)]);
      run(['ip', 'link', 'set', port, 'addrgenmode', 'none']);
      this.#ip(name, 'link', 'set', 'eth0', 'addrgenmode', 'none');
      run(['ip', 'link', 'set', port, 'master', bridge, 'up']);
      this.#ip(name, 'link', 'set', 'lo', 'up');
      this.#ip(name, 'addr', 'add', `${address}/24`, 'dev', 'eth0');
      this.#ip(name, 'link', 'set', 'eth0', 'up');
      this.#ip(name, 'route', 'add', 'default', 'via', this.host);
      run(['ethtool', '-K', port, ...whole]);
      run(this.inside(name, 'ethtool', '-K', 'eth0', ...whole));
    }
    run(['ip', 'addr', 'add', `${this.host}/24`, 'dev', bridge]);
    run(['ip', 'link', 'set', bridge, 'up']);
    run(['ethtool', '-K', bridge, ...whole]);
    if (delay > 0) for (const name of Object.keys(addresses)) await this.#delay(name, delay);
    this.#start([wire, 'echo', `${this.host}:9999`]);
    this.#start([wire, 'serve', `${this.host}:9998`]);
  }

  #space(name) { return `${this.#id}${name}`; }
  #port(name) { return `${this.#id}p${name}`; }
  #ip(name, ...command) { run(['ip', '-n', this.#space(name), ...command]); }
  #nft(name, rules) { run(name ? this.inside(name, 'nft', '-f', '-') : ['nft', '-f', '-'], rules); }

  inside(name, ...command) { return ['ip', 'netns', 'exec', this.#space(name), ...command]; }

  /** A program that runs command in a client's namespace. */
  wrap(name, command) {
    const path = join(this.#folder, `${basename(command)}-${name}`);
    writeFileSync(path, `#!/bin/sh\nexec ip netns exec ${this.#space(name)} ${command} "$@"\n`);
    chmodSync(path, 0o755);
    return path;
  }

  async #delay(name, milliseconds) {
    for (const [chain, direction, queue] of [['INPUT', '-i', '0'], ['POSTROUTING', '-o', '1']]) {
      run(this.inside(name, 'iptables', '-t', 'mangle', '-A', chain, direction, 'eth0', '-j', 'NFQUEUE', '--queue-num', queue, '--queue-bypass'));
    }
    const child = this.#start(['nice', '-n', '-15', ...this.inside(name, wire, 'delay', String(milliseconds), '0', '1')]);
    await new Promise((resolve, reject) => {
      child.stdout.once('data', resolve);
      child.once('exit', code => reject(new Error(`the delay ended with ${code}`)));
    });
  }

  #start(command) {
    const child = spawn(command[0], command.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] });
    child.on('error', error => { throw error; });
    this.#children.push(child);
    return child;
  }

  /** Round trips of small datagrams beside the viewer's media: [[ms since the epoch, ms or -1 if lost]]. */
  ping() {
    const samples = [];
    let rest = '';
    this.#start(this.inside('bad', wire, 'ping', `${this.host}:9999`, '100ms')).stdout.on('data', text => {
      const lines = (rest + text).split('\n');
      rest = lines.pop();
      samples.push(...lines.map(line => line.split(' ').map(Number)));
    });
    return samples;
  }

  /** So many TCP connections download to the viewer as fast as they can; returns what ends them. */
  download(connections) {
    const child = this.#start(this.inside('bad', wire, 'download', `${this.host}:9998`, String(connections)));
    return () => child.kill('SIGTERM');
  }

  /** Limits a link ('down' to the viewer, 'up' from the publishers) to kbit/s behind a queue of 200 ms; 0 opens it. */
  limit(link, kbits) {
    const [prefix, device] = this.#sender(link);
    if (kbits) run([...prefix, 'tc', 'qdisc', 'replace', 'dev', device, 'root', 'tbf', 'rate', `${kbits}kbit`, 'burst', '4kb', 'latency', '200ms']);
    else quietly([...prefix, 'tc', 'qdisc', 'del', 'dev', device, 'root']);
  }

  /** Bytes and drops of a limited link since it was limited. */
  counted(link) {
    const [prefix, device] = this.#sender(link);
    const [{ bytes, drops }] = JSON.parse(run([...prefix, 'tc', '-s', '-j', 'qdisc', 'show', 'dev', device, 'root']));
    return { bytes, drops };
  }

  #sender(link) {
    return link === 'down' ? [[], this.#port('bad')] : [this.inside('pub'), 'eth0'];
  }

  /** Loses that share of a link's datagrams at random, in percent; 0 ends it. */
  lose(link, percent) {
    const [name, device] = link === 'down' ? ['bad', 'eth0'] : ['', this.#port('pub')];
    const table = `${this.#id}loss`;
    this.#drop(name, table);
    if (percent) this.#nft(name, `table netdev ${table} { chain in { type filter hook ingress device "${device}" priority 0;
      meta l4proto udp numgen random mod 1000 < ${percent * 10} drop
    }\n}`);
  }

  /** Nothing reaches a client and nothing comes from it: 'bad', the viewer, or 'pub', the publishers. */
  black(isBlack, client = 'bad') {
    const table = `${this.#id}black`;
    for (const [name, device] of [['', this.#port(client)], [client, 'eth0']]) {
      this.#drop(name, table);
      if (isBlack) this.#nft(name, `table netdev ${table} { chain in { type filter hook ingress device "${device}" priority -10;
        drop
      }\n}`);
    }
  }

  #drop(name, table) {
    quietly(name ? this.inside(name, 'nft', 'delete', 'table', 'netdev', table) : ['nft', 'delete', 'table', 'netdev', table]);
  }

  down() {
    for (const child of this.#children) child.kill('SIGTERM');
    for (const name of Object.keys(addresses)) {
      this.#drop('', `${this.#id}loss`);
      this.#drop('', `${this.#id}black`);
      quietly(['ip', 'link', 'del', this.#port(name)]);
      quietly(['ip', 'netns', 'del', this.#space(name)]);
    }
    quietly(['ip', 'link', 'del', `${this.#id}br`]);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** For ethtool -K: packets leave one by one. */
const whole = ['tso', 'off', 'gso', 'off', 'gro', 'off', 'tx-udp-segmentation', 'off'];
