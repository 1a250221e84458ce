'use strict';

// Messages of hosts as no nginx writes them, for their channel:
//
//   forged(7, item.on('ann'), item.bye)     from worker 0 of host 7
//   forged({ host: 7, slot: 1, sequence: 2, beat: 500 }, item.ask)

const number = (n, size) => {
  const bytes = Buffer.alloc(8);

  bytes.writeBigUInt64LE(BigInt(n));
  return bytes.subarray(0, size);
};
const text = (s) => Buffer.concat([number(Buffer.from(s).length, 4),
  Buffer.from(s)]);

const item = {
  on: (user) => Buffer.concat([Buffer.from([1]), text('/'), text(user),
    Buffer.from([0])]),
  grant: (user, room, { left = 60000, stamp, host = 7 }) => Buffer.concat([
    Buffer.from([4]), text('/'), text(user), text(room), number(left, 8),
    number(stamp, 8), number(host, 8)]),
  ask: Buffer.from([5]),
  begin: Buffer.from([6]),
  end: Buffer.from([7]),
  gone: Buffer.from([8, 0, 0, 0, 0, 1, 0, 0, 0]),
  bye: Buffer.from([9]),
};

function forged(from, ...items) {
  const { host = from, slot = 0, incarnation = 1, sequence = 1, beat = 500 }
    = Object(from);

  return Buffer.concat([Buffer.from([1, 2]), number(host, 8), number(slot, 4),
    number(incarnation, 4), number(sequence, 8), number(beat, 4),
    Buffer.alloc(17), text(Buffer.concat([Buffer.from([2, 2]), ...items]))]);
}

module.exports = { forged, item };
