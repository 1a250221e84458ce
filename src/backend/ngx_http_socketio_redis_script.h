/*
 * The script that keeps mailboxes in Redis.
 *
 * KEYS[1] is the beginning of all names, PREFIX-mail#.  A mailbox M is
 * "NAMESPACE,USER", an origin O 32 hexadecimal digits.  Behind the beginning:
 *
 *     order#M          sorted set of origins, by the number of their news
 *     data#M           hash: O the item, wO it may have been written to a
 *                      socket, kKEY the origin that has the key
 *     key#NSP,KEY      sorted set of "O M": where a key is
 *     users            sorted set of M: the last number of each
 *     state            hash: epoch, which tells that Redis lost its memory,
 *                      and seq, the last number
 *     host#HOST        the last put of a host that was done
 *     host#HOST-       the last remove or drop
 *
 * An item is "EXPIRES LENGTH KEY" and bytes of the host's.  ARGV: the command,
 * now in milliseconds, an epoch if there is none, then
 *
 *     state                                        epoch, seq
 *     put     HOST ID M O EXPIRES MAX WRITTEN KEY CHANNEL BYTES BEFORE
 *                                                  0; 1: full; 2: later, the
 *                                                  put BEFORE was not done
 *     remove  HOST ID M OO..                       0
 *     drop    HOST ID NSP KEY BOUND CHANNEL BYTES  0, or the bound: go on
 *     read    M ITEMS BYTES                        epoch, seq, whole, then
 *                                                  O, written, bytes each
 *     since   SEQ ITEMS                            epoch, seq, then M, number
 *
 * News on the channel are "EPOCH SEQ " and the bytes.
 */


#ifndef _NGX_HTTP_SOCKETIO_REDIS_SCRIPT_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_REDIS_SCRIPT_H_INCLUDED_


extern const char  ngx_http_socketio_redis_script[];


#endif /* _NGX_HTTP_SOCKETIO_REDIS_SCRIPT_H_INCLUDED_ */
