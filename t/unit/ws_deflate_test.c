/*
 * ws_deflate: which offers are accepted, and the answer.
 */


#include "unit.h"
#include "codec/ws_deflate.h"


static int
offered(const char *header, unsigned window)
{
    int      rc;
    uint8_t  *copy;

    copy = guard_copy(header, strlen(header));
    rc = ws_deflate_offered(sio_str(copy, strlen(header)), window);
    guard_free(copy, strlen(header));

    return rc;
}


static void
test_offers(void)
{
    size_t  i;

    static const struct {
        const char  *header;
        unsigned     window;
        int          rc;
    } cases[] = {
        { "permessage-deflate", 15, SIO_OK },
        { "  permessage-deflate\t", 15, SIO_OK },
        { "permessage-deflate; client_max_window_bits", 15, SIO_OK },
        { "permessage-deflate;client_max_window_bits=8", 15, SIO_OK },
        { "permessage-deflate; client_max_window_bits=\"10\"", 15, SIO_OK },
        { "permessage-deflate; server_no_context_takeover; "
          "client_no_context_takeover", 15, SIO_OK },
        { "permessage-deflate; server_max_window_bits=15", 15, SIO_OK },
        { "permessage-deflate; server_max_window_bits=12", 12, SIO_OK },
        { "permessage-deflate; server_max_window_bits=10, "
          "permessage-deflate", 15, SIO_OK },
        { "x-webkit-deflate-frame, permessage-deflate", 15, SIO_OK },
        { "a; b=\"c\"; d, permessage-deflate", 15, SIO_OK },

        { "", 15, SIO_DECLINED },
        { ",", 15, SIO_DECLINED },
        { "x", 15, SIO_DECLINED },
        { "permessage-deflate-2", 15, SIO_DECLINED },
        { "permessage-deflate;", 15, SIO_DECLINED },
        { "permessage-deflate,", 15, SIO_DECLINED },
        { "permessage-deflate x", 15, SIO_DECLINED },
        { "permessage-deflate; mystery", 15, SIO_DECLINED },
        { "permessage-deflate; server_max_window_bits", 15, SIO_DECLINED },
        { "permessage-deflate; server_max_window_bits=14", 15, SIO_DECLINED },
        { "permessage-deflate; server_max_window_bits=8", 9, SIO_DECLINED },
        { "permessage-deflate; server_max_window_bits=16", 15, SIO_DECLINED },
        { "permessage-deflate; client_max_window_bits=7", 15, SIO_DECLINED },
        { "permessage-deflate; client_max_window_bits=015", 15,
          SIO_DECLINED },
        { "permessage-deflate; client_max_window_bits=", 15, SIO_DECLINED },
        { "permessage-deflate; client_max_window_bits=\"10", 15,
          SIO_DECLINED },
        { "permessage-deflate; client_no_context_takeover=1", 15,
          SIO_DECLINED },
        { "permessage-deflate; client_no_context_takeover; "
          "client_no_context_takeover", 15, SIO_DECLINED }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        is_int(offered(cases[i].header, cases[i].window), cases[i].rc,
               "\"%s\", %u", cases[i].header, cases[i].window);
    }
}


static void
test_answer(void)
{
    uint8_t  answer[WS_DEFLATE_ANSWER_MAX];

    static const char  base[] = "permessage-deflate; "
                                "server_no_context_takeover; "
                                "client_no_context_takeover";
    static const char  nine[] = "permessage-deflate; "
                                "server_no_context_takeover; "
                                "client_no_context_takeover; "
                                "server_max_window_bits=9";
    static const char  twelve[] = "permessage-deflate; "
                                  "server_no_context_takeover; "
                                  "client_no_context_takeover; "
                                  "server_max_window_bits=12";

    is_mem(answer, ws_deflate_answer(answer, 15), base, sizeof(base) - 1,
           "15 bits need not be said");
    is_mem(answer, ws_deflate_answer(answer, 9), nine, sizeof(nine) - 1,
           "9 bits");
    is_mem(answer, ws_deflate_answer(answer, 12), twelve, sizeof(twelve) - 1,
           "12 bits");
}


int
main(void)
{
    unit_plan();
    test_offers();
    test_answer();
    return unit_done();
}
