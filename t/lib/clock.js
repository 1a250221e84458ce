'use strict';

// A clock that is wrong: the calendar of a server's processes is ahead, or
// behind, by some seconds; what it measures with is right.
//
//   Nginx.start({ inside: clock(300), ... });

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const tap = require('./tap');

const source = `
#include <stdlib.h>
#include <time.h>
#include <sys/time.h>

int
gettimeofday(struct timeval *tv, void *tz)
{
    struct timespec   ts;
    const char       *ahead = getenv("CLOCK_AHEAD");
    static long       n;

    if (n == 0 && ahead) {
        n = atol(ahead);
    }

    clock_gettime(CLOCK_REALTIME, &ts);
    tv->tv_sec = ts.tv_sec + n;
    tv->tv_usec = ts.tv_nsec / 1000;
    return 0;
}
`;

let library;

function clock(seconds) {
  if (!library) {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'clock-'));

    library = path.join(dir, 'clock.so');
    fs.writeFileSync(path.join(dir, 'clock.c'), source);
    execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', library,
      path.join(dir, 'clock.c')]);
    tap.after(() => fs.rmSync(dir, { recursive: true }));
  }

  return ['env', `LD_PRELOAD=${library}`, `CLOCK_AHEAD=${seconds}`];
}

module.exports = { clock };
