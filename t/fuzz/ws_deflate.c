/*
 * Offers of permessage-deflate: what is accepted with a window is accepted
 * with any smaller one, and beside another good offer.
 */


#include "fuzz.h"
#include "codec/ws_deflate.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t  *longer;
    unsigned  window;

    static const char  head[] = "permessage-deflate, ";

    for (window = WS_DEFLATE_WINDOW_MAX; window > WS_DEFLATE_WINDOW_MIN;
         window--)
    {
        if (ws_deflate_offered(sio_str(data, size), window) == SIO_OK) {
            check(ws_deflate_offered(sio_str(data, size), window - 1)
                  == SIO_OK);
        }
    }

    if (ws_deflate_offered(sio_str(data, size), window) != SIO_OK) {
        return 0;
    }

    longer = malloc(sizeof(head) - 1 + size);
    check(longer != NULL);

    memcpy(longer, head, sizeof(head) - 1);
    memcpy(longer + sizeof(head) - 1, data, size);

    check(ws_deflate_offered(sio_str(longer, sizeof(head) - 1 + size), 15)
          == SIO_OK);

    free(longer);

    return 0;
}
