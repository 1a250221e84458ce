#!/usr/bin/env node
'use strict';

// Hosts joined by a stream of Redis: nginx, and Node's servers with the
// streams adapter.

const { clusterScenario } = require('./lib/cluster_scenario');

clusterScenario({ workers: 1, adapter: 'streams' });
clusterScenario({ workers: 4, adapter: 'streams' });
