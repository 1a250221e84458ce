#!/usr/bin/env node
'use strict';

// Hosts joined by Redis' sharded pub/sub: nginx, and Node's servers with the
// sharded adapter.

const { callsScenario } = require('./lib/calls_scenario');
const { clusterScenario } = require('./lib/cluster_scenario');

clusterScenario({ workers: 1, adapter: 'sharded' });
clusterScenario({ workers: 4, adapter: 'sharded' });
callsScenario({ workers: 4, adapter: 'sharded' });
