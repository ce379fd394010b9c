/*
 * remembered.c
 *	  Passwords that were right a short while ago.
 *
 * Clients of Milvus send a password with each request, and a login costs PostgreSQL more
 * than most requests.  So one that was right is believed for --remember-passwords; what
 * is kept of it is a digest under a key that is made anew each time the program starts.
 * It ends early when it, or its role, turns out to be good no longer.
 */
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "buffer.h"
#include "config.h"
#include "loop.h"
#include "remembered.h"

#define DIGEST_SIZE 32
#define NREMEMBERED 1024		/* at most, by their digests */

typedef struct Remembered
{
	unsigned char digest[DIGEST_SIZE];	/* of user and password */
	unsigned char user[DIGEST_SIZE];	/* of the user alone */
	int64_t		until;
} Remembered;

static unsigned char digest_key[DIGEST_SIZE];
static Remembered remembered[NREMEMBERED];

static void digest_both(const char *user, const char *password, unsigned char *digest);
static Remembered *slot_of(const unsigned char *digest);

void
remembered_open(void)
{
	if (getrandom(digest_key, sizeof(digest_key), 0) != sizeof(digest_key))
		abort();
}

/*
 * Remember a password that is right.
 */
void
remembered_add(const char *user, const char *password)
{
	unsigned char digest[DIGEST_SIZE];
	Remembered *slot;

	digest_both(user, password, digest);
	slot = slot_of(digest);
	memcpy(slot->digest, digest, DIGEST_SIZE);
	digest_both(user, "", slot->user);
	slot->until = loop_now() + config.remember_passwords * 1000L;
}

/*
 * Whether a password was right a short while ago.
 */
bool
remembered_has(const char *user, const char *password)
{
	unsigned char digest[DIGEST_SIZE];
	const Remembered *slot;

	if (config.remember_passwords == 0)
		return false;
	digest_both(user, password, digest);
	slot = slot_of(digest);
	return slot->until > loop_now() && CRYPTO_memcmp(slot->digest, digest, DIGEST_SIZE) == 0;
}

/*
 * Forget a password of a user, or all if it is NULL.
 */
void
remembered_forget(const char *user, const char *password)
{
	unsigned char digest[DIGEST_SIZE];

	digest_both(user, password ? password : "", digest);
	for (int i = 0; i < NREMEMBERED; i++)
		if (memcmp(password ? remembered[i].digest : remembered[i].user, digest, DIGEST_SIZE) == 0)
			remembered[i].until = 0;
}

static void
digest_both(const char *user, const char *password, unsigned char *digest)
{
	Buffer		text = {0};

	buffer_append(&text, user, strlen(user) + 1);
	buffer_append_string(&text, password);
	if (!HMAC(EVP_sha256(), digest_key, sizeof(digest_key), (unsigned char *) buffer_data(&text),
			  buffer_length(&text), digest, NULL))
		abort();
	explicit_bzero(buffer_data(&text), buffer_length(&text));
	buffer_free(&text);
}

/*
 * Where a password with this digest is, if it is remembered.
 */
static Remembered *
slot_of(const unsigned char *digest)
{
	return &remembered[(digest[0] << 8 | digest[1]) % NREMEMBERED];
}
