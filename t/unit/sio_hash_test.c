/* sio_hash: the published vectors of SipHash-2-4, pairs, every alignment. */


#include "unit.h"
#include "codec/sio_hash.h"


/* The key is the bytes 00 01 .. 0f, as in the paper. */

static const sio_hash_key_t  key = {
    0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL
};


static void
test_vectors(void)
{
    size_t    i;
    uint8_t   in[64], *guard;
    uint64_t  got;

    /* Of the inputs 00 01 .. of that many bytes. */

    static const struct {
        size_t    len;
        uint64_t  hash;
    } vectors[] = {
        { 0,  0x726fdb47dd0e0e31ULL },
        { 1,  0x74f839c593dc67fdULL },
        { 2,  0x0d6c8009d9a94f5aULL },
        { 7,  0xab0200f58b01d137ULL },
        { 8,  0x93f5f5799a932462ULL },
        { 15, 0xa129ca6149be45e5ULL },
        { 63, 0x958a324ceb064572ULL },
    };

    for (i = 0; i < sizeof(in); i++) {
        in[i] = (uint8_t) i;
    }

    for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        guard = guard_copy(in, vectors[i].len);
        got = sio_hash(&key, guard, vectors[i].len);
        guard_free(guard, vectors[i].len);

        is_int(got, vectors[i].hash, "vector of %zu bytes", vectors[i].len);
    }
}


static void
test_alignment(void)
{
    size_t    i, len, bad;
    uint8_t   text[64], copy[64 + 8];
    uint64_t  hash;

    memset(text, 'x', sizeof(text));
    bad = 0;

    for (len = 0; len <= sizeof(text); len++) {
        hash = sio_hash(&key, text, len);

        for (i = 1; i < 8; i++) {
            memcpy(copy + i, text, len);
            bad += (sio_hash(&key, copy + i, len) != hash);
        }
    }

    is_int(bad, 0, "the result does not depend on alignment");
}


static void
test_pair(void)
{
    size_t          i, bad;
    uint8_t         a[16], b[16], in[64];
    sio_hash_key_t  other;

    /* SipHash-2-4-128 of the first length in 8 bytes and both strings. */

    static const uint8_t  expected[16] = {
        0x4f, 0xb1, 0x22, 0xdc, 0xd1, 0xc7, 0x74, 0xf5,
        0x26, 0x35, 0x08, 0xec, 0x0e, 0xb4, 0x10, 0xf7
    };

    sio_hash_pair(&key, sio_cstr("ab"), sio_cstr("c"), a);
    is_mem(a, 16, expected, 16, "a pair is one input of SipHash-128");

    sio_hash_pair(&key, sio_cstr("a"), sio_cstr("bc"), b);
    ok(memcmp(a, b, 16) != 0, "(ab, c) and (a, bc) differ");

    sio_hash_pair(&key, sio_cstr(""), sio_cstr("abc"), b);
    ok(memcmp(a, b, 16) != 0, "(ab, c) and (, abc) differ");

    sio_hash_pair(&key, sio_cstr("c"), sio_cstr("ab"), b);
    ok(memcmp(a, b, 16) != 0, "the order counts");

    ok(memcmp(a, a + 8, 8) != 0, "the halves differ");

    other = key;
    other.k1 ^= 1;
    sio_hash_pair(&other, sio_cstr("ab"), sio_cstr("c"), b);
    ok(memcmp(a, b, 16) != 0, "the key counts");

    sio_hash_pair(&key, sio_str(NULL, 0), sio_str(NULL, 0), a);
    sio_hash_pair(&key, sio_cstr(""), sio_cstr(""), b);
    is_mem(a, 16, b, 16, "null strings are empty strings");

    /* Every cut of one text gives a hash of its own. */

    for (i = 0; i < sizeof(in); i++) {
        in[i] = (uint8_t) i;
    }

    bad = 0;

    for (i = 1; i <= sizeof(in); i++) {
        sio_hash_pair(&key, sio_str(in, i - 1),
                      sio_str(in + i - 1, sizeof(in) - i + 1), a);
        sio_hash_pair(&key, sio_str(in, i),
                      sio_str(in + i, sizeof(in) - i), b);
        bad += (memcmp(a, b, 16) == 0);
    }

    is_int(bad, 0, "no two cuts collide");
}


int
main(void)
{
    unit_plan();
    test_vectors();
    test_alignment();
    test_pair();
    return unit_done();
}
