/*
 * A page of names.
 */


#include "logic/sio_page.h"


#define SIO_PAGE_MIN  16


static void sio_page_up(sio_page_entry_t *entries, uint32_t i);
static void sio_page_down(sio_page_entry_t *entries, uint32_t n);


int
sio_page_compare(sio_str_t a, sio_str_t b)
{
    int     rc;
    size_t  len;

    len = a.len < b.len ? a.len : b.len;
    rc = len ? memcmp(a.data, b.data, len) : 0;

    return rc ? rc : (a.len > b.len) - (a.len < b.len);
}


void
sio_page_init(sio_page_t *page, const sio_mem_t *mem, uint32_t limit,
    sio_str_t after)
{
    memset(page, 0, sizeof(sio_page_t));

    page->mem = mem;
    page->limit = limit;
    page->after = after;
}


void
sio_page_free(sio_page_t *page)
{
    sio_free(page->mem, page->entries);

    page->entries = NULL;
    page->n = 0;
    page->cap = 0;
}


int
sio_page_add(sio_page_t *page, sio_str_t key, void *data)
{
    uint32_t           cap;
    sio_page_entry_t  *entries;

    if (page->after.len && sio_page_compare(key, page->after) <= 0) {
        return SIO_OK;
    }

    if (page->n == page->limit) {
        page->more = 1;

        if (sio_page_compare(key, page->entries[0].key) >= 0) {
            return SIO_OK;
        }

        page->entries[0].key = key;
        page->entries[0].data = data;
        sio_page_down(page->entries, page->n);

        return SIO_OK;
    }

    if (page->n == page->cap) {
        cap = page->cap ? page->cap * 2 : SIO_PAGE_MIN;

        entries = sio_realloc(page->mem, page->entries,
                              page->n * sizeof(sio_page_entry_t),
                              cap * sizeof(sio_page_entry_t));
        if (entries == NULL) {
            return SIO_NOMEM;
        }

        page->entries = entries;
        page->cap = cap;
    }

    page->entries[page->n].key = key;
    page->entries[page->n].data = data;
    sio_page_up(page->entries, page->n++);

    return SIO_OK;
}


/* The greatest goes behind the others, again and again. */

void
sio_page_sort(sio_page_t *page)
{
    uint32_t          n;
    sio_page_entry_t  top;

    for (n = page->n; n > 1; n--) {
        top = page->entries[0];
        page->entries[0] = page->entries[n - 1];
        page->entries[n - 1] = top;

        sio_page_down(page->entries, n - 1);
    }
}


static void
sio_page_up(sio_page_entry_t *entries, uint32_t i)
{
    uint32_t          parent;
    sio_page_entry_t  entry;

    entry = entries[i];

    while (i) {
        parent = (i - 1) / 2;

        if (sio_page_compare(entries[parent].key, entry.key) >= 0) {
            break;
        }

        entries[i] = entries[parent];
        i = parent;
    }

    entries[i] = entry;
}


static void
sio_page_down(sio_page_entry_t *entries, uint32_t n)
{
    uint32_t          i, child;
    sio_page_entry_t  entry;

    entry = entries[0];

    for (i = 0; (child = 2 * i + 1) < n; i = child) {

        if (child + 1 < n
            && sio_page_compare(entries[child + 1].key, entries[child].key) > 0)
        {
            child++;
        }

        if (sio_page_compare(entries[child].key, entry.key) <= 0) {
            break;
        }

        entries[i] = entries[child];
    }

    entries[i] = entry;
}
