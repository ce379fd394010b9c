/*
 * remembered.c
 *	  Passwords that were right a short while ago.
 *
 * Clients of Milvus send a password with each request, and a login costs PostgreSQL more
 * than most requests.  So one that was right is believed for --remember-passwords; what
 * is kept of it is a digest.  It ends early when it, or its role, turns out to be good no
 * longer.
 */
#include <openssl/crypto.h>
#include <string.h>

#include "config.h"
#include "digest.h"
#include "loop.h"
#include "remembered.h"

#define NREMEMBERED 1024		/* at most, by their digests */

typedef struct Remembered
{
	unsigned char digest[DIGEST_SIZE];	/* of user and password */
	unsigned char user[DIGEST_SIZE];	/* of the user alone */
	int64_t		until;
} Remembered;

static Remembered remembered[NREMEMBERED];

static bool digest_both(const char *user, const char *password, unsigned char *digest);
static Remembered *slot_of(const unsigned char *digest);

/*
 * Remember a password that is right.
 */
void
remembered_add(const char *user, const char *password)
{
	Remembered	fresh = {.until = loop_now() + config.remember_passwords * 1000L};

	if (digest_both(user, password, fresh.digest) && digest_both(user, "", fresh.user))
		*slot_of(fresh.digest) = fresh;
}

/*
 * Whether a password was right a short while ago.
 */
bool
remembered_has(const char *user, const char *password)
{
	unsigned char digest[DIGEST_SIZE];
	const Remembered *slot;

	if (config.remember_passwords == 0 || !digest_both(user, password, digest))
		return false;
	slot = slot_of(digest);
	return slot->until > loop_now() && CRYPTO_memcmp(slot->digest, digest, DIGEST_SIZE) == 0;
}

/*
 * Forget a password of a user, or all of the user if it is NULL; those of everybody if
 * there is no memory to tell which.
 */
void
remembered_forget(const char *user, const char *password)
{
	unsigned char digest[DIGEST_SIZE];
	bool		known = digest_both(user, password ? password : "", digest);

	for (int i = 0; i < NREMEMBERED; i++)
		if (!known || memcmp(password ? remembered[i].digest : remembered[i].user, digest, DIGEST_SIZE) == 0)
			remembered[i].until = 0;
}

static bool
digest_both(const char *user, const char *password, unsigned char *digest)
{
	return digest_pair(digest, user, strlen(user) + 1, password);
}

/*
 * Where a password with this digest is, if it is remembered.
 */
static Remembered *
slot_of(const unsigned char *digest)
{
	return &remembered[(digest[0] << 8 | digest[1]) % NREMEMBERED];
}
