/*
 * digest.c
 *	  Digests of what is not to be kept itself.
 *
 * They are under a key that is made anew each time the program starts, so nobody can
 * choose what falls together, and they tell nothing elsewhere.
 */
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "buffer.h"
#include "digest.h"

static unsigned char key[DIGEST_SIZE];

/*
 * Make the key; once for the program.
 */
void
digest_open(void)
{
	if (getrandom(key, sizeof(key), 0) != sizeof(key))
		abort();
}

/*
 * The digest of bytes and a string: a name and its zero, and a password.  False if
 * there is no memory for it.
 */
bool
digest_pair(unsigned char *digest, const void *one, size_t length, const char *other)
{
	Buffer		text = {0};
	bool		good;

	buffer_append(&text, one, length);
	buffer_append_string(&text, other);
	good = !text.failed && HMAC(EVP_sha256(), key, sizeof(key), (unsigned char *) buffer_data(&text),
								buffer_length(&text), digest, NULL);
	explicit_bzero(buffer_data(&text), buffer_length(&text));
	buffer_free(&text);
	return good;
}
