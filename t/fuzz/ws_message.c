/*
 * WebSocket messages: the same bytes fed whole and in random slices must give
 * the same events, and those of a plain reading of RFC 6455 that sees all
 * bytes at once and copies everything.  A third run has an allocation fail.
 *
 * Input: a seed for the slices, options (bits 0-2: the bound, 3: RSV1 is in
 * use, 4-7: the allocation that fails), then the bytes of the peer.
 */


#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec/sio_buf.h"
#include "codec/ws_message.h"


typedef struct {
    unsigned  fail_at;    /* 0: none */
    unsigned  allocs;
    long      live;
} fuzz_mem_t;


/* what the reference knows */

typedef struct {
    const uint8_t  *pos;
    const uint8_t  *end;
    uint8_t        *message;
    size_t          len;
    int             opcode;    /* 0: no message has begun */
    int             rsv;
} reference_t;


static void *fuzz_alloc(void *ctx, size_t size);
static void fuzz_free(void *ctx, void *p);
static void expect(int fact);

static void trace_event(sio_buf_t *trace, unsigned type, unsigned arg,
    const uint8_t *data, size_t len);
static void trace_error(sio_buf_t *trace, unsigned code);

static void stream_run(const uint8_t *data, size_t size,
    const ws_limits_t *lim, unsigned seed, sio_buf_t *trace);

static void reference_run(const uint8_t *data, size_t size,
    const ws_limits_t *lim, sio_buf_t *trace);
static int reference_frame(reference_t *r, const ws_limits_t *lim,
    sio_buf_t *trace);
static int reference_head(reference_t *r, unsigned rsv_ok, uint64_t *len,
    const uint8_t **mask);
static int reference_data(reference_t *r, int first, uint64_t len, size_t have,
    sio_buf_t *trace);
static int reference_control(int opcode, const uint8_t *data, size_t len,
    sio_buf_t *trace);
static int reference_text(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static const sio_mem_t  trace_mem = { fuzz_alloc, fuzz_free, NULL };


static void *
fuzz_alloc(void *ctx, size_t size)
{
    fuzz_mem_t  *m;

    m = ctx;

    if (m) {
        if (++m->allocs == m->fail_at) {
            return NULL;
        }

        m->live++;
    }

    return malloc(size);
}


static void
fuzz_free(void *ctx, void *p)
{
    fuzz_mem_t  *m;

    m = ctx;

    if (m) {
        m->live--;
    }

    free(p);
}


static void
expect(int fact)
{
    if (!fact) {
        abort();
    }
}


static void
trace_event(sio_buf_t *trace, unsigned type, unsigned arg,
    const uint8_t *data, size_t len)
{
    expect(sio_buf_append_uint(trace, type) == SIO_OK);
    expect(sio_buf_append_char(trace, ',') == SIO_OK);
    expect(sio_buf_append_uint(trace, arg) == SIO_OK);
    expect(sio_buf_append_char(trace, ',') == SIO_OK);
    expect(sio_buf_append_uint(trace, len) == SIO_OK);
    expect(sio_buf_append_char(trace, ':') == SIO_OK);
    expect(sio_buf_append(trace, data, len) == SIO_OK);
}


static void
trace_error(sio_buf_t *trace, unsigned code)
{
    trace_event(trace, 0, code, NULL, 0);
}


/* Seed 0: all at once.  Every slice is a block of exactly its size. */

static void
stream_run(const uint8_t *data, size_t size, const ws_limits_t *lim,
    unsigned seed, sio_buf_t *trace)
{
    int           rc;
    size_t        n, done, used;
    uint8_t      *slice;
    ws_event_t    ev;
    ws_message_t  m;

    ws_message_init(&m);

    rc = SIO_AGAIN;

    while (size && rc == SIO_AGAIN) {

        n = size;

        if (seed) {
            seed = seed * 1103515245 + 12345;
            n = (seed >> 16) % (seed & 0x80000 ? 8 : 200) + 1;
            n = n < size ? n : size;
        }

        slice = malloc(n);
        expect(slice != NULL);
        memcpy(slice, data, n);

        done = 0;

        do {
            rc = ws_message_feed(&m, lim, slice + done, n - done, &used, &ev);
            expect(used <= n - done);
            done += used;

            if (rc == SIO_OK) {
                trace_event(trace, ev.type,
                            ev.type == WS_EVENT_CLOSE ? ev.code : ev.rsv,
                            ev.data, ev.len);

            } else if (rc == SIO_ERROR) {
                trace_error(trace, ev.close_code);

            } else {
                expect(done == n);
            }

        } while (rc == SIO_OK);

        free(slice);

        data += n;
        size -= n;
    }

    ws_message_free(&m, lim->mem);
}


static void
reference_run(const uint8_t *data, size_t size, const ws_limits_t *lim,
    sio_buf_t *trace)
{
    reference_t  r;

    memset(&r, 0, sizeof(reference_t));

    r.pos = data;
    r.end = data + size;
    r.message = malloc(size ? size : 1);
    expect(r.message != NULL);

    while (r.pos < r.end && reference_frame(&r, lim, trace)) {
        /* void */
    }

    free(r.message);
}


/* Returns 0 at the end: a close, an error, or no more bytes. */

static int
reference_frame(reference_t *r, const ws_limits_t *lim, sio_buf_t *trace)
{
    int             rc, first, opcode;
    size_t          i, have;
    uint8_t         control[WS_CONTROL_MAX], *dst;
    uint64_t        len;
    const uint8_t  *mask;

    first = r->pos[0];
    opcode = first & 15;

    rc = reference_head(r, lim->rsv_ok, &len, &mask);

    if (rc == SIO_AGAIN) {
        return 0;
    }

    if (rc == SIO_ERROR
        || (opcode < 8 && (opcode == 0) != (r->opcode != 0))
        || ((opcode == 0 || opcode > 7) && (first & 0x70)))
    {
        trace_error(trace, 1002);
        return 0;
    }

    if (opcode < 8 && len > lim->max - r->len) {
        trace_error(trace, 1009);
        return 0;
    }

    have = r->end - r->pos;
    have = len < have ? len : have;
    dst = opcode < 8 ? r->message + r->len : control;

    for (i = 0; i < have; i++) {
        dst[i] = r->pos[i] ^ mask[i & 3];
    }

    r->pos += have;

    if (opcode < 8) {
        return reference_data(r, first, len, have, trace);
    }

    return have == len && reference_control(opcode, control, len, trace);
}


/* Moves pos behind the header, if it is whole. */

static int
reference_head(reference_t *r, unsigned rsv_ok, uint64_t *len,
    const uint8_t **mask)
{
    int             op;
    size_t          n, have, ext;
    const uint8_t  *p;

    p = r->pos;
    have = r->end - p;
    op = p[0] & 15;

    if (((p[0] >> 4) & 7 & ~rsv_ok) || (op > 2 && op < 8) || op > 10
        || (op >= 8 && !(p[0] & 0x80)))
    {
        return SIO_ERROR;
    }

    if (have < 2) {
        return SIO_AGAIN;
    }

    if (!(p[1] & 0x80) || (op >= 8 && (p[1] & 0x7f) > 125)) {
        return SIO_ERROR;
    }

    ext = (p[1] & 0x7f) == 126 ? 2 : (p[1] & 0x7f) == 127 ? 8 : 0;
    *len = ext ? 0 : p[1] & 0x7f;

    for (n = 2; n < 2 + ext && n < have; n++) {
        *len = *len * 256 + p[n];
    }

    if (n > 2 && ext == 8 && p[2] >= 0x80) {
        return SIO_ERROR;
    }

    /* shorter forms would have done, whatever else comes */

    if ((ext == 2 && n == 4 && *len < 126)
        || (ext == 8 && n >= 8 && *len >> 8 * (n - 8) == 0))
    {
        return SIO_ERROR;
    }

    if (have < 2 + ext + 4) {
        return SIO_AGAIN;
    }

    *mask = p + 2 + ext;
    r->pos = *mask + 4;

    return SIO_OK;
}


static int
reference_data(reference_t *r, int first, uint64_t len, size_t have,
    sio_buf_t *trace)
{
    int  text, whole;

    if (first & 15) {
        r->opcode = first & 15;
        r->rsv = (first >> 4) & 7;
    }

    r->len += have;
    whole = have == len && (first & 0x80);

    if (r->opcode == WS_OP_TEXT && r->rsv == 0) {
        text = reference_text(r->message, r->len);

        if (text == SIO_ERROR || (whole && text == SIO_AGAIN)) {
            trace_error(trace, 1007);
            return 0;
        }
    }

    if (whole) {
        trace_event(trace, r->opcode == WS_OP_TEXT ? WS_EVENT_TEXT
                                                   : WS_EVENT_BINARY,
                    r->rsv, r->message, r->len);
        r->opcode = 0;
        r->len = 0;
    }

    return have == len;
}


static int
reference_control(int opcode, const uint8_t *data, size_t len,
    sio_buf_t *trace)
{
    int  code;

    if (opcode != WS_OP_CLOSE) {
        trace_event(trace, opcode == WS_OP_PING ? WS_EVENT_PING
                                                : WS_EVENT_PONG,
                    0, data, len);
        return 1;
    }

    code = len >= 2 ? data[0] * 256 + data[1] : 1005;

    if (len == 0) {
        trace_event(trace, WS_EVENT_CLOSE, code, NULL, 0);

    } else if (len == 1 || code < 1000 || code > 4999
               || (code > 1014 && code < 3000)
               || (code >= 1004 && code <= 1006))
    {
        trace_error(trace, 1002);

    } else if (reference_text(data + 2, len - 2) != SIO_OK) {
        trace_error(trace, 1007);

    } else {
        trace_event(trace, WS_EVENT_CLOSE, code, data + 2, len - 2);
    }

    return 0;
}


/* The grammar of RFC 3629, 4, as it is written there. */

static int
reference_text(const uint8_t *data, size_t len)
{
    size_t  i, row, n;

    static const struct {
        uint8_t  low[4];
        uint8_t  high[4];
        size_t   len;
    } rows[] = {
        { { 0x00 }, { 0x7f }, 1 },
        { { 0xc2, 0x80 }, { 0xdf, 0xbf }, 2 },
        { { 0xe0, 0xa0, 0x80 }, { 0xe0, 0xbf, 0xbf }, 3 },
        { { 0xe1, 0x80, 0x80 }, { 0xec, 0xbf, 0xbf }, 3 },
        { { 0xed, 0x80, 0x80 }, { 0xed, 0x9f, 0xbf }, 3 },
        { { 0xee, 0x80, 0x80 }, { 0xef, 0xbf, 0xbf }, 3 },
        { { 0xf0, 0x90, 0x80, 0x80 }, { 0xf0, 0xbf, 0xbf, 0xbf }, 4 },
        { { 0xf1, 0x80, 0x80, 0x80 }, { 0xf3, 0xbf, 0xbf, 0xbf }, 4 },
        { { 0xf4, 0x80, 0x80, 0x80 }, { 0xf4, 0x8f, 0xbf, 0xbf }, 4 }
    };

    while (len) {

        for (row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
            if (data[0] >= rows[row].low[0] && data[0] <= rows[row].high[0]) {
                break;
            }
        }

        if (row == sizeof(rows) / sizeof(rows[0])) {
            return SIO_ERROR;
        }

        n = rows[row].len;

        for (i = 1; i < n; i++) {
            if (i == len) {
                return SIO_AGAIN;
            }

            if (data[i] < rows[row].low[i] || data[i] > rows[row].high[i]) {
                return SIO_ERROR;
            }
        }

        data += n;
        len -= n;
    }

    return SIO_OK;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned     seed, options;
    sio_buf_t    whole, sliced, reference, failing;
    fuzz_mem_t   m;
    sio_mem_t    mem;
    ws_limits_t  lim;

    static const size_t  bounds[] = {
        0, 1, 10, 126, 300, 1000, 100000, SIZE_MAX
    };

    if (size < 2) {
        return 0;
    }

    seed = data[0] + 1;
    options = data[1];
    data += 2;
    size -= 2;

    memset(&m, 0, sizeof(fuzz_mem_t));

    mem.alloc = fuzz_alloc;
    mem.free = fuzz_free;
    mem.ctx = &m;

    lim.mem = &mem;
    lim.max = bounds[options & 7];
    lim.rsv_ok = options & 8 ? 4 : 0;

    sio_buf_init(&whole, &trace_mem, SIZE_MAX / 2);
    sio_buf_init(&sliced, &trace_mem, SIZE_MAX / 2);
    sio_buf_init(&reference, &trace_mem, SIZE_MAX / 2);
    sio_buf_init(&failing, &trace_mem, SIZE_MAX / 2);

    stream_run(data, size, &lim, 0, &whole);
    stream_run(data, size, &lim, seed, &sliced);
    reference_run(data, size, &lim, &reference);

    expect(sio_str_eq(sio_buf_str(&whole), sio_buf_str(&reference)));
    expect(sio_str_eq(sio_buf_str(&sliced), sio_buf_str(&reference)));

    m.allocs = 0;
    m.fail_at = options >> 4;
    stream_run(data, size, &lim, seed, &failing);

    expect(m.live == 0);

    sio_buf_free(&whole);
    sio_buf_free(&sliced);
    sio_buf_free(&reference);
    sio_buf_free(&failing);

    return 0;
}
