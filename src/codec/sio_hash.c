/*
 * SipHash-2-4 with 64 and 128 bits of result, after J.-P. Aumasson and
 * D. J. Bernstein, "SipHash: a fast short-input PRF".
 *
 * The state takes bytes in any slicing, because a pair is hashed without
 * joining its strings first.  Words are read as little endian on every host.
 */


#include "codec/sio_hash.h"


typedef struct {
    uint64_t  v0;
    uint64_t  v1;
    uint64_t  v2;
    uint64_t  v3;
    uint64_t  word;              /* bytes that do not fill a word yet */
    uint64_t  len;               /* bytes taken in all */
} sio_hash_state_t;


static inline uint64_t
sio_hash_rotate(uint64_t x, unsigned bits)
{
    return (x << bits) | (x >> (64 - bits));
}


static inline uint64_t
sio_hash_word(const uint8_t *p)
{
    uint64_t  word;

    memcpy(&word, p, sizeof(word));

#if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
    word = __builtin_bswap64(word);
#endif

    return word;
}


static inline void
sio_hash_put(uint8_t *p, uint64_t word)
{
#if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
    word = __builtin_bswap64(word);
#endif

    memcpy(p, &word, sizeof(word));
}


static inline void
sio_hash_round(sio_hash_state_t *s)
{
    s->v0 += s->v1;
    s->v1 = sio_hash_rotate(s->v1, 13) ^ s->v0;
    s->v0 = sio_hash_rotate(s->v0, 32);

    s->v2 += s->v3;
    s->v3 = sio_hash_rotate(s->v3, 16) ^ s->v2;

    s->v0 += s->v3;
    s->v3 = sio_hash_rotate(s->v3, 21) ^ s->v0;

    s->v2 += s->v1;
    s->v1 = sio_hash_rotate(s->v1, 17) ^ s->v2;
    s->v2 = sio_hash_rotate(s->v2, 32);
}


static inline void
sio_hash_init(sio_hash_state_t *s, const sio_hash_key_t *key)
{
    /* The constants spell "somepseudorandomlygeneratedbytes". */

    s->v0 = key->k0 ^ 0x736f6d6570736575ULL;
    s->v1 = key->k1 ^ 0x646f72616e646f6dULL;
    s->v2 = key->k0 ^ 0x6c7967656e657261ULL;
    s->v3 = key->k1 ^ 0x7465646279746573ULL;
    s->word = 0;
    s->len = 0;
}


static inline void
sio_hash_compress(sio_hash_state_t *s, uint64_t word)
{
    s->v3 ^= word;
    sio_hash_round(s);
    sio_hash_round(s);
    s->v0 ^= word;
}


/* Up to 8 bytes, the rest of the word zeros, behind those that wait. */

static inline void
sio_hash_add(sio_hash_state_t *s, uint64_t word, unsigned n)
{
    unsigned  kept;

    kept = s->len & 7;
    s->word |= word << kept * 8;
    s->len += n;

    if (kept + n >= 8) {
        sio_hash_compress(s, s->word);
        s->word = kept ? word >> (8 - kept) * 8 : 0;
    }
}


static inline void
sio_hash_update(sio_hash_state_t *s, const uint8_t *p, size_t len)
{
    unsigned  i;
    uint64_t  word;

    if ((s->len & 7) == 0) {

        /* nothing waits: words as they are */

        s->len += len & ~(size_t) 7;

        for ( /* void */ ; len >= 8; len -= 8) {
            sio_hash_compress(s, sio_hash_word(p));
            p += 8;
        }
    }

    for ( /* void */ ; len >= 8; len -= 8) {
        sio_hash_add(s, sio_hash_word(p), 8);
        p += 8;
    }

    if (len) {
        for (word = 0, i = 0; i < len; i++) {
            word |= (uint64_t) p[i] << i * 8;
        }

        sio_hash_add(s, word, len);
    }
}


static inline uint64_t
sio_hash_final(sio_hash_state_t *s, uint8_t mark)
{
    s->v2 ^= mark;
    sio_hash_round(s);
    sio_hash_round(s);
    sio_hash_round(s);
    sio_hash_round(s);

    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}


uint64_t
sio_hash(const sio_hash_key_t *key, const void *data, size_t len)
{
    sio_hash_state_t  s;

    sio_hash_init(&s, key);
    sio_hash_update(&s, data, len);
    sio_hash_compress(&s, s.word | s.len << 56);

    return sio_hash_final(&s, 0xff);
}


void
sio_hash_pair(const sio_hash_key_t *key, sio_str_t a, sio_str_t b,
    uint8_t out[16])
{
    unsigned          i;
    sio_hash_state_t  s;

    const sio_str_t   strings[2] = { a, b };

    sio_hash_init(&s, key);
    s.v1 ^= 0xee;

    /* The first length tells where one string ends and the other begins. */

    sio_hash_compress(&s, a.len);
    s.len = 8;

    for (i = 0; i < 2; i++) {
        sio_hash_update(&s, strings[i].data, strings[i].len);
    }

    sio_hash_compress(&s, s.word | s.len << 56);

    sio_hash_put(out, sio_hash_final(&s, 0xee));

    s.v1 ^= 0xdd;
    sio_hash_put(out + 8, sio_hash_final(&s, 0));
}
