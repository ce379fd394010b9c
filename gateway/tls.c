/*
 * tls.c
 *	  The certificate and its key.
 *
 * Connections keep the context they began with, so new files are a new context.
 */
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "file.h"
#include "log.h"
#include "tls.h"

#define LARGEST_FILE (1024 * 1024)

static SSL_CTX *context;

static SSL_CTX *load_files(void);
static bool use_certificate(SSL_CTX *fresh);
static bool use_key(SSL_CTX *fresh);
static int	no_passphrase(char *buffer, int size, int writing, void *data);

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
		abort();
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
	SSL_CTX_set_default_passwd_cb(fresh, no_passphrase);
	ERR_clear_error();
	if (use_certificate(fresh) && use_key(fresh))
		return fresh;
	ERR_clear_error();
	SSL_CTX_free(fresh);
	return NULL;
}

static bool
use_certificate(SSL_CTX *fresh)
{
	const char *problem;
	size_t		length;
	char	   *text = file_read(config.tls_cert, LARGEST_FILE, false, &length, &problem);
	bool		good = text && SSL_CTX_use_certificate_chain_file(fresh, config.tls_cert) == 1;

	if (text && !good)
		problem = strstr(text, "CERTIFICATE-----") ? ERR_reason_error_string(ERR_peek_error()) : "there is no certificate in it, as PEM";
	if (!good)
		log_message("the certificate %s can't be used: %s", config.tls_cert, problem);
	free(text);
	return good;
}

static bool
use_key(SSL_CTX *fresh)
{
	const char *problem;
	size_t		length;
	char	   *text = file_read(config.tls_key, LARGEST_FILE, true, &length, &problem);
	bool		good = text && SSL_CTX_use_PrivateKey_file(fresh, config.tls_key, SSL_FILETYPE_PEM) == 1 &&
	SSL_CTX_check_private_key(fresh) == 1;
	int			reason = ERR_GET_REASON(ERR_peek_error());

	if (text && !good)
		problem = strstr(text, "ENCRYPTED") ? "it needs a passphrase" :
			!strstr(text, "PRIVATE KEY-----") ? "there is no private key in it, as PEM" :
			reason == X509_R_KEY_VALUES_MISMATCH || reason == X509_R_KEY_TYPE_MISMATCH ? "it belongs to another certificate" :
			ERR_reason_error_string(ERR_peek_error());
	if (!good)
		log_message("the key %s of the certificate %s can't be used: %s", config.tls_key, config.tls_cert, problem);
	if (text)
		explicit_bzero(text, length);
	free(text);
	return good;
}

/*
 * OpenSSL would ask at the terminal.
 */
static int
no_passphrase(char *buffer, int size, int writing, void *data)
{
	(void) buffer;
	(void) size;
	(void) writing;
	(void) data;
	return 0;
}

/*
 * What is to be spoken on a new connection; NULL for nothing but TCP.
 */
SSL *
tls_accept(int fd)
{
	SSL		   *ssl;

	if (!context)
		return NULL;
	ssl = SSL_new(context);
	if (!ssl || SSL_set_fd(ssl, fd) != 1)
		abort();
	SSL_set_accept_state(ssl);
	return ssl;
}

void
tls_close(void)
{
	SSL_CTX_free(context);
}
