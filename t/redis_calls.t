#!/usr/bin/env node
'use strict';

// What hosts ask of each other, on the wire of Node's classic adapter.

const { clusterScenario } = require('./lib/cluster_scenario');
const { callsScenario } = require('./lib/calls_scenario');

for (const workers of [1, 3]) {
  clusterScenario({ workers, adapter: 'classic' });
  callsScenario({ workers, adapter: 'classic' });
}
