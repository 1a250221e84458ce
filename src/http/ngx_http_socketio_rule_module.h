/*
 * Verbs as directives: for modules that bring their own.
 */


#ifndef _NGX_HTTP_SOCKETIO_RULE_MODULE_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_RULE_MODULE_H_INCLUDED_


#include "http/ngx_http_socketio_module.h"


/*
 * The handler of a verb's directive, of type NGX_SOCKETIO_RULE_CONF and
 * NGX_CONF_ANY.  cmd->post: a list of tables of sio_verb_t ended by NULL, or
 * NULL for the verbs of floor 1.
 */
char *ngx_http_socketio_rule_verb(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


#endif /* _NGX_HTTP_SOCKETIO_RULE_MODULE_H_INCLUDED_ */
