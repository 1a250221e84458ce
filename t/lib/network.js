'use strict';

// Hosts whose network can fail without a word: packets are lost, and nobody
// is told.
//
//   const network = await Network.start(['redis', 'a', 'b']);
//
//   network.at('a')         { host, inside } for Nginx.start(), Redis.start()
//   await network.way('a', 'redis', port)     'HOST:PORT': from a to redis
//   network.cut('a'); network.heal('a');
//
// Each has a network namespace with a port of one switch, and a link to the
// test that does not fail.  Where these may not be made (network.real is
// false) proxies stand in between, which stop to pass on anything.

const { spawnSync } = require('node:child_process');
const tap = require('./tap');
const { Proxy } = require('./proxy');

process.env.PATH += ':/usr/sbin:/sbin';

function ip(...words) {
  const { status, stderr, error } = spawnSync('ip', words,
    { encoding: 'utf8' });

  if (status !== 0) {
    throw new Error(`ip ${words.join(' ')}: ${stderr || error}`);
  }
}

const hardware = (n) => `02:00:00:00:00:0${n}`;

class Network {
  static async start(names) {
    const network = new Network();

    Object.assign(network, { names, made: [], proxies: [], real: true,
      id: `sio${process.pid}` });
    process.on('exit', () => network.destroy());

    try {
      network.build();
    } catch (error) {
      network.destroy();
      network.real = false;
      tap.note(`no network namespaces, proxies instead: ${error.message}`);
    }
    tap.after(async () => {
      network.proxies.forEach((proxy) => proxy.stop());
      network.destroy();
    });

    return network;
  }

  // Addresses: from .1 on the switch, from .16 between a host and the test.

  build() {
    const box = this.space('switch');

    this.net = `10.231.${process.pid % 256}`;

    for (const name of [...this.names, 'switch']) {
      ip('netns', 'add', this.space(name));
      this.made.push(name);
      ip('-n', this.space(name), 'link', 'set', 'lo', 'up');
    }
    ip('-n', box, 'link', 'add', 'switch', 'type', 'bridge');
    ip('-n', box, 'link', 'set', 'switch', 'up');

    this.names.forEach((name, n) => {
      const space = this.space(name);
      const near = `${this.id}-${n}`;

      ip('-n', box, 'link', 'add', `to-${name}`, 'type', 'veth', 'peer',
        'name', 'far', 'address', hardware(n), 'netns', space);
      ip('-n', box, 'link', 'set', `to-${name}`, 'master', 'switch', 'up');
      ip('link', 'add', near, 'type', 'veth', 'peer', 'name', 'near',
        'netns', space);
      ip('addr', 'add', `${this.net}.${17 + 4 * n}/30`, 'dev', near);
      ip('link', 'set', near, 'up');

      for (const [dev, address] of [['far', `${n + 1}/28`],
        ['near', `${18 + 4 * n}/30`]])
      {
        ip('-n', space, 'addr', 'add', `${this.net}.${address}`, 'dev', dev);
        ip('-n', space, 'link', 'set', dev, 'up');
      }

      // as behind a router: they need not look for each other

      this.names.forEach((other, i) => i === n || ip('-n', space, 'neigh',
        'add', `${this.net}.${i + 1}`, 'lladdr', hardware(i), 'dev', 'far'));
    });
  }

  space(name) {
    return `${this.id}-${name}`;
  }

  at(name) {
    return this.real
      ? { host: `${this.net}.${18 + 4 * this.names.indexOf(name)}`,
        inside: ['ip', 'netns', 'exec', this.space(name)] }
      : {};
  }

  async way(from, to, port) {
    if (this.real) {
      return `${this.net}.${1 + this.names.indexOf(to)}:${port}`;
    }
    const proxy = await Proxy.start(port);

    proxy.ends = [from, to];
    this.proxies.push(proxy);

    return `127.0.0.1:${proxy.port}`;
  }

  // The cable is up, but leads to nowhere.

  cut(name) {
    this.set(name, 'cut');
  }

  heal(name) {
    this.set(name, 'whole');
  }

  set(name, state) {
    if (this.real) {
      ip('-n', this.space('switch'), 'link', 'set', `to-${name}`,
        ...state === 'cut' ? ['nomaster'] : ['master', 'switch']);
      return;
    }

    for (const proxy of this.proxies) {
      if (proxy.ends.includes(name)) {
        proxy[state === 'cut' ? 'hold' : 'release']();
      }
    }
  }

  destroy() {
    for (const name of this.made.splice(0)) {
      spawnSync('ip', ['netns', 'del', this.space(name)]);
    }
  }
}

module.exports = { Network };
