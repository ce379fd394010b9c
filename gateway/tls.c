/*
 * tls.c
 *	  The certificate and its key.
 *
 * Connections keep the context they began with, so new files are a new context.
 */
#include <openssl/err.h>
#include <stdlib.h>

#include "config.h"
#include "log.h"
#include "tls.h"

static SSL_CTX *context;

static SSL_CTX *load_files(void);

/*
 * Read the files that are configured, if any; ends the program if they are no good.
 */
void
tls_open(void)
{
	if (!config.tls_cert)
		return;
	context = load_files();
	if (!context)
	{
		log_flush();
		exit(1);
	}
}

/*
 * Read the files again; those of before stay if they are no good.
 */
void
tls_reload(void)
{
	SSL_CTX    *fresh = context ? load_files() : NULL;

	if (!fresh)
		return;
	SSL_CTX_free(context);
	context = fresh;
	log_message("the certificate has been read again");
}

static SSL_CTX *
load_files(void)
{
	SSL_CTX    *fresh = SSL_CTX_new(TLS_server_method());

	if (!fresh)
	{
		log_message("no memory for the certificate");
		ERR_clear_error();
		return NULL;
	}
	SSL_CTX_set_min_proto_version(fresh, TLS1_2_VERSION);

	/*
	 * Messages say how long they are: an end that TLS does not announce cuts
	 * off none.
	 */
	SSL_CTX_set_options(fresh, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF |
						SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_mode(fresh, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					 SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(fresh, SSL_SESS_CACHE_OFF);
	if (SSL_CTX_use_certificate_chain_file(fresh, config.tls_cert) == 1 &&
		SSL_CTX_use_PrivateKey_file(fresh, config.tls_key, SSL_FILETYPE_PEM) == 1 &&
		SSL_CTX_check_private_key(fresh) == 1)
		return fresh;
	log_message("the certificate %s or its key %s can't be used: %s", config.tls_cert, config.tls_key,
				ERR_reason_error_string(ERR_peek_last_error()));
	ERR_clear_error();
	SSL_CTX_free(fresh);
	return NULL;
}

/*
 * What is to be spoken on a new connection; NULL for nothing but TCP.  False if there is
 * no memory for it.
 */
bool
tls_accept(int fd, SSL **ssl)
{
	*ssl = context ? SSL_new(context) : NULL;
	if (!context)
		return true;
	if (!*ssl || SSL_set_fd(*ssl, fd) != 1)
	{
		ERR_clear_error();
		SSL_free(*ssl);
		return false;
	}
	SSL_set_accept_state(*ssl);
	return true;
}

void
tls_close(void)
{
	SSL_CTX_free(context);
}
