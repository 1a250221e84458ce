#!/usr/bin/env node
'use strict';

// Our server beside the floor and its peers, in one run.
//
//   node t/bench/bench.js [--quick] [--json FILE] [SCENARIO...]
//
// Each scenario is measured in rounds, one server after the other, so that
// what disturbs the machine disturbs all of them.  A figure is the median of
// its rounds; noise is how far the middle half of them lies apart.  What
// counts is the ratio.

process.env.SOCKETIO_BUILD ||= 'build/release';

const fs = require('node:fs');
const { load, servers } = require('./servers');

const args = process.argv.slice(2);
const quick = args.includes('--quick');
const json = args.includes('--json') && args[args.indexOf('--json') + 1];
const wanted = args.filter((arg) => !arg.startsWith('--') && arg !== json);
const seconds = quick ? 0.7 : 3;
const rounds = quick ? 3 : 7;

const sockets = ['floor', 'ours', 'nchan', 'node'];

// of: the figure; goal: [at most so many times, of whom].

const scenarios = [
  { name: 'fanout-1k', title: 'delivery, 1,000 in the room', unit: 'us',
    mode: ['broadcast', '--connections', '1000'], who: sockets,
    goal: [1.10, 'floor'] },
  { name: 'fanout-10k', title: 'delivery, 10,000 in the room', unit: 'us',
    mode: ['broadcast', '--connections', '10000'], who: sockets,
    goal: [1.15, 'floor'], slow: true },
  { name: 'fanout-16', title: 'delivery, 1,000, 16 broadcasts under way',
    mode: ['broadcast', '--connections', '1000', '--window', '16'],
    unit: 'us', who: ['floor', 'coalesced', 'ours', 'nchan', 'node'],
    goal: [0.35, 'floor'] },
  { name: 'latency', title: 'latency p99, 20 broadcasts/s to 1,000',
    mode: ['broadcast', '--connections', '1000', '--rate', '20'],
    unit: 'ms', of: 'p99', who: sockets, goal: [1.15, 'floor'] },
  { name: 'emit', title: 'POST emit, nobody in the room', unit: 'us',
    mode: ['emit', '--connections', '16'], emit: true,
    who: ['return', 'ours', 'nchan', 'node', 'express'],
    goal: [1.20, 'return'] },
  { name: 'echo', title: 'event with ack, 100 connections', unit: 'us',
    mode: ['echo', '--connections', '100'], who: ['floor', 'ours', 'node'],
    goal: [1.20, 'floor'] },
  { name: 'connect', title: 'connection set-up, with CONNECT', unit: 'us',
    mode: ['connect', '--connections', '50'], who: sockets,
    goal: [1.25, 'floor'] },
  { name: 'churn', title: 'join or leave, with ack, 100 connections',
    unit: 'us', mode: ['churn', '--connections', '100'],
    who: ['ours', 'node'] },
  { name: 'polling', title: 'event by POST and its ack by GET', unit: 'us',
    mode: ['polling', '--connections', '50',
      '--path', '/socket.io/'], who: ['ours', 'node'] },
  { name: 'idle', title: 'memory of an idle connection', unit: 'bytes',
    of: 'bytes', mode: ['idle', '--connections', '5000'],
    who: ['ours', 'nchan', 'node'], rounds: 1, fresh: true },
];

const median = (numbers) => {
  const sorted = [...numbers].sort((a, b) => a - b);
  const half = sorted.length >> 1;

  return sorted.length % 2 ? sorted[half] : (sorted[half - 1]
    + sorted[half]) / 2;
};

// The middle half of the rounds lies within so many hundredths.

const noise = (numbers) => {
  const sorted = [...numbers].sort((a, b) => a - b);
  const from = sorted[Math.floor(sorted.length / 4)];
  const to = sorted[Math.ceil(sorted.length * 3 / 4) - 1];

  return (to - from) / median(numbers) * 100;
};

// "return" is not a server of its own: nginx's return, in ours.

const serverOf = (who) => (who === 'return' ? 'ours' : who);

const round = (scenario, who, server) => load(server, [...scenario.mode,
  '--seconds', seconds, ...!scenario.emit ? server.args
    : who === 'return' ? server.floor : server.emit]);

async function measure(scenario) {
  const running = {};
  const results = Object.fromEntries(scenario.who.map((who) => [who, []]));

  for (const who of scenario.who) {
    running[serverOf(who)] ||= await servers[serverOf(who)]();
  }

  for (let n = 0; n < (scenario.rounds || rounds); n++) {
    for (const who of scenario.who) {
      results[who].push(await round(scenario, who, running[serverOf(who)]));
    }
  }

  await Promise.all(Object.values(running).map((server) => server.stop()));

  return results;
}

function report(scenario, results) {
  const figures = {};
  const wrong = [];

  for (const [who, runs] of Object.entries(results)) {
    const numbers = runs.map((run) => run[scenario.of || 'usec']);

    figures[who] = { value: median(numbers), noise: noise(numbers) };

    for (const what of ['lost', 'repeated', 'disordered', 'errors']) {
      const count = runs.reduce((sum, run) => sum + run[what], 0);

      if (count) {
        wrong.push(`${who}: ${count} ${what}`);
      }
    }
  }

  const { goal } = scenario;
  const base = figures[goal ? goal[1] : 'ours'].value;
  const cells = Object.entries(figures).map(([who, { value, noise: spread }]) =>
    `${who} ${value.toFixed(value < 100 ? 2 : 0)} (x${
      (value / base).toFixed(2)}, +-${(spread / 2).toFixed(0)}%)`);
  const met = goal && figures.ours.value <= goal[0] * base;

  console.log(`${scenario.title}, ${scenario.unit}`);
  console.log(`    ${cells.join('   ')}`);

  if (goal) {
    console.log(`    goal ${goal[0]} x ${goal[1]}: ${
      (figures.ours.value / base).toFixed(2)} ${met ? 'met' : 'NOT MET'}`);
  }

  wrong.forEach((text) => console.log(`    WRONG  ${text}`));

  return { name: scenario.name, unit: scenario.unit, goal, met, figures,
    wrong };
}

async function main() {
  const chosen = scenarios.filter(({ name, slow }) =>
    (wanted.length ? wanted.includes(name) : !(quick && slow)));
  const all = [];

  for (const scenario of chosen) {
    all.push(report(scenario, await measure(scenario)));
  }

  if (json) {
    fs.writeFileSync(json, JSON.stringify(all, null, 2));
  }

  process.exit(all.some(({ wrong }) => wrong.some((text) =>
    text.startsWith('ours'))) ? 1 : 0);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
