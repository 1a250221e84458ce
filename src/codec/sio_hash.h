/*
 * A keyed hash for tables whose keys come from clients: SipHash-2-4, so that
 * nobody can choose keys that collide.  The key is random per zone.
 */


#ifndef _SIO_HASH_H_INCLUDED_
#define _SIO_HASH_H_INCLUDED_


#include "codec/sio_types.h"


typedef struct {
    uint64_t  k0;
    uint64_t  k1;
} sio_hash_key_t;


#pragma GCC visibility push(hidden)


uint64_t sio_hash(const sio_hash_key_t *key, const void *data, size_t len);

/*
 * 128 bits of two strings (a namespace and a room), for tables that keep the
 * hash in place of the name.  ("ab","c") and ("a","bc") differ.
 */
void sio_hash_pair(const sio_hash_key_t *key, sio_str_t a, sio_str_t b,
    uint8_t out[16]);


#pragma GCC visibility pop


#endif /* _SIO_HASH_H_INCLUDED_ */
