/*
 * A page of names: of many that are added in any order, the first few behind
 * a given one, sorted by their bytes.
 *
 * A heap of limit entries, the greatest on top: what is greater than that is
 * not on the page.  So a page of a hundred out of a million costs little more
 * than looking at each.
 */


#ifndef _SIO_PAGE_H_INCLUDED_
#define _SIO_PAGE_H_INCLUDED_


#include "codec/sio_mem.h"
#include "codec/sio_types.h"


typedef struct {
    sio_str_t   key;                       /* a view */
    void       *data;
} sio_page_entry_t;


typedef struct {
    const sio_mem_t   *mem;
    sio_page_entry_t  *entries;
    uint32_t           n;
    uint32_t           cap;
    uint32_t           limit;
    sio_str_t          after;              /* empty: from the beginning */
    unsigned           more:1;             /* a greater one was left out */
} sio_page_t;


#pragma GCC visibility push(hidden)


/* The order of names: bytes, a shorter one before what it begins. */

int sio_page_compare(sio_str_t a, sio_str_t b);

/* limit is not 0; after is a view that outlives the adding. */

void sio_page_init(sio_page_t *page, const sio_mem_t *mem, uint32_t limit,
    sio_str_t after);
void sio_page_free(sio_page_t *page);

/*
 * Add a name, a view that outlives the page.  SIO_OK (whether it is on the
 * page or not), SIO_NOMEM.
 */
int sio_page_add(sio_page_t *page, sio_str_t key, void *data);

/* All are added: entries becomes sorted, the least first. */

void sio_page_sort(sio_page_t *page);


#pragma GCC visibility pop


#endif /* _SIO_PAGE_H_INCLUDED_ */
