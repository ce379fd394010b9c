/*
 * tls.h
 *	  The certificate and its key.
 */
#ifndef TLS_H
#define TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>

extern void tls_open(void);
extern void tls_reload(void);
extern bool tls_accept(int fd, SSL **ssl);
extern void tls_close(void);

#endif							/* TLS_H */
