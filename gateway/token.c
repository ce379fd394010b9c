/*
 * token.c
 *	  Tokens that say who a client is: JSON Web Tokens.
 *
 * How a token is signed is configured, and not the token's choice: otherwise it could
 * choose "none", or take a public key for a secret.  A token must have an end, a
 * user ("sub") and a role of PostgreSQL ("role").
 *
 * The gateway keeps no sessions.  It remembers tokens of users who logged out, as
 * long as they would be good, but forgets them when it ends; and another gateway does
 * not know of them.
 */
#include <jwt.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "buffer.h"
#include "config.h"
#include "text.h"
#include "token.h"

#define SMALLEST_SECRET 32
#define LARGEST_KEY (64 * 1024)
#define LONGEST_TOKEN 8192
#define DIGEST_SIZE 32
#define NBUCKETS 4096
#define MOST_REVOKED 65536

typedef struct Revoked
{
	unsigned char digest[DIGEST_SIZE];
	int64_t		expires;
	struct Revoked *next;
} Revoked;

static char *key;				/* verifies */
static char *signing_key;		/* NULL: there is none */
static jwt_alg_t algorithm;
static Revoked *revoked[NBUCKETS];
static int	nrevoked;

static char *read_key(const char *file);
static void check_key(const char *pem, const char *file, bool private);
static void fail(const char *file, const char *problem) __attribute__((noreturn));
static TokenState read_claims(jwt_t *jwt, Identity *identity);
static bool get_time(jwt_t *jwt, const char *name, int64_t *seconds);
static bool has_audience(jwt_t *jwt);
static bool digest_token(const char *token, unsigned char *digest);
static bool is_revoked(const char *token);
static void forget_expired(Revoked **bucket);

/*
 * Read the keys; ends the program if they are no good.
 */
void
token_open(void)
{
	bool		is_public = strcmp(config.jwt_algorithm, "RS256") == 0;

	key = read_key(config.jwt_key);
	algorithm = is_public ? JWT_ALG_RS256 : JWT_ALG_HS256;
	if (!is_public)
	{
		if (strlen(key) < SMALLEST_SECRET)
			fail(config.jwt_key, "a secret must have at least 32 bytes");
		signing_key = copy_string(key);
		return;
	}
	check_key(key, config.jwt_key, false);
	if (config.jwt_signing_key)
	{
		signing_key = read_key(config.jwt_signing_key);
		check_key(signing_key, config.jwt_signing_key, true);
	}
}

/*
 * What is in a file, without newlines at its end.
 */
static char *
read_key(const char *file)
{
	char	   *text = allocate(LARGEST_KEY + 1);
	FILE	   *stream = fopen(file, "r");
	size_t		length = stream ? fread(text, 1, LARGEST_KEY, stream) : 0;

	if (!stream || ferror(stream) || length == 0)
		fail(file, "it can't be read");
	fclose(stream);
	while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == '\r'))
		text[--length] = '\0';
	if (strlen(text) != length)
		fail(file, "there is a zero in it");
	return text;
}

static void
check_key(const char *pem, const char *file, bool private)
{
	BIO		   *bio = BIO_new_mem_buf(pem, -1);
	EVP_PKEY   *parsed;

	parsed = private ? PEM_read_bio_PrivateKey(bio, NULL, NULL, "") :
		PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	if (!parsed || EVP_PKEY_base_id(parsed) != EVP_PKEY_RSA)
		fail(file, private ? "it is no private key of RSA in PEM" : "it is no public key of RSA in PEM");
	EVP_PKEY_free(parsed);
	BIO_free(bio);
}

static void
fail(const char *file, const char *problem)
{
	fprintf(stderr, "kz-gateway: the key %s can't be used: %s\n", file, problem);
	exit(2);
}

/*
 * Look at a token.  The identity is set if it is good.
 */
TokenState
token_verify(const char *token, Identity *identity)
{
	jwt_t	   *jwt;
	TokenState	state;

	if (strlen(token) > LONGEST_TOKEN || jwt_decode(&jwt, token, (unsigned char *) key, strlen(key)) != 0)
		return TOKEN_BAD;
	state = jwt_get_alg(jwt) == algorithm ? read_claims(jwt, identity) : TOKEN_BAD;
	jwt_free(jwt);
	if (state == TOKEN_GOOD && is_revoked(token))
	{
		free(identity->kuid);
		free(identity->role);
		return TOKEN_BAD;
	}
	return state;
}

static TokenState
read_claims(jwt_t *jwt, Identity *identity)
{
	const char *user = jwt_get_grant(jwt, "sub");
	const char *role = jwt_get_grant(jwt, "role");
	int64_t		expires;
	int64_t		begins;
	int64_t		now = time(NULL);

	if (!get_time(jwt, "exp", &expires) || !get_time(jwt, "nbf", &begins))
		return TOKEN_BAD;
	/* For PostgreSQL, "none" is no role, but who the gateway itself is. */
	if (!user || !*user || !role || !*role || strcmp(role, "none") == 0 || expires <= 0 || begins > now)
		return TOKEN_BAD;
	if (config.jwt_audience && !has_audience(jwt))
		return TOKEN_BAD;
	if (expires <= now)
		return TOKEN_EXPIRED;
	identity->kuid = copy_string(user);
	identity->role = copy_string(role);
	identity->expires = expires;
	return TOKEN_GOOD;
}

/*
 * A time of a token, 0 if it has none.  False if it is anything but whole seconds, for
 * which libjwt gives 0 as well, or too far away to be told in milliseconds.
 */
static bool
get_time(jwt_t *jwt, const char *name, int64_t *seconds)
{
	char	   *json = jwt_get_grants_json(jwt, name);
	bool		whole = !json || json[strspn(json, "-0123456789")] == '\0';

	free(json);
	*seconds = jwt_get_grant_int(jwt, name);
	return whole && *seconds <= INT64_MAX / 1000;
}

static bool
has_audience(jwt_t *jwt)
{
	const char *single = jwt_get_grant(jwt, "aud");
	char	   *list = single ? NULL : jwt_get_grants_json(jwt, "aud");
	Slice		slice = {list, list ? strlen(list) : 0};
	bool		has = single ? strcmp(single, config.jwt_audience) == 0 : json_array_has(slice, config.jwt_audience);

	free(list);
	return has;
}

/*
 * Whether there is a key to sign with.
 */
bool
token_can_issue(void)
{
	return signing_key != NULL;
}

/*
 * Make a token for a role of PostgreSQL, who is the user as well.  It is the caller's;
 * NULL if it can't be made.
 */
char *
token_issue(const char *user, int lifetime, int64_t *expires)
{
	char		id[RANDOM_ID_LENGTH + 1];
	int64_t		now = time(NULL);
	jwt_t	   *jwt;
	char	   *encoded;
	char	   *token = NULL;

	*expires = now + lifetime;
	make_random_id(id);
	if (jwt_new(&jwt) != 0)
		return NULL;
	if (jwt_add_grant(jwt, "_id", user) == 0 && jwt_add_grant(jwt, "sub", user) == 0 &&
		jwt_add_grant(jwt, "role", user) == 0 && jwt_add_grant(jwt, "jti", id) == 0 &&
		(!config.jwt_audience || jwt_add_grant(jwt, "aud", config.jwt_audience) == 0) &&
		jwt_add_grant_int(jwt, "iat", now) == 0 && jwt_add_grant_int(jwt, "exp", *expires) == 0 &&
		jwt_set_alg(jwt, algorithm, (unsigned char *) signing_key, strlen(signing_key)) == 0)
	{
		encoded = jwt_encode_str(jwt);
		token = copy_string(encoded);
		free(encoded);
	}
	jwt_free(jwt);
	return token;
}

/*
 * Refuse a token from now on; false if too many are refused already.
 */
bool
token_revoke(const char *token, int64_t expires)
{
	Revoked    *entry;
	Revoked   **bucket;

	for (int i = 0; i < NBUCKETS && nrevoked >= MOST_REVOKED; i++)
		forget_expired(&revoked[i]);
	if (nrevoked >= MOST_REVOKED)
		return false;
	entry = allocate(sizeof(Revoked));
	if (!digest_token(token, entry->digest))
	{
		free(entry);
		return false;
	}
	entry->expires = expires;
	bucket = &revoked[(entry->digest[0] << 8 | entry->digest[1]) % NBUCKETS];
	entry->next = *bucket;
	*bucket = entry;
	nrevoked++;
	return true;
}

/*
 * Tokens are told apart by what is signed, which ends at the second point.  The
 * signature can be written in several ways, with more points too.  False if there is no
 * memory for it.
 */
static bool
digest_token(const char *token, unsigned char *digest)
{
	const char *claims = strchr(token, '.');
	const char *signature = claims ? strchr(claims + 1, '.') : NULL;
	size_t		length = signature ? (size_t) (signature - token) : strlen(token);

	return EVP_Digest(token, length, digest, NULL, EVP_sha256(), NULL) == 1;
}

static bool
is_revoked(const char *token)
{
	unsigned char digest[DIGEST_SIZE];
	Revoked   **bucket;

	if (nrevoked == 0)
		return false;
	if (!digest_token(token, digest))
		return true;
	bucket = &revoked[(digest[0] << 8 | digest[1]) % NBUCKETS];
	forget_expired(bucket);
	for (Revoked *entry = *bucket; entry; entry = entry->next)
		if (memcmp(entry->digest, digest, DIGEST_SIZE) == 0)
			return true;
	return false;
}

static void
forget_expired(Revoked **bucket)
{
	int64_t		now = time(NULL);

	while (*bucket)
	{
		Revoked    *entry = *bucket;

		if (entry->expires > now)
		{
			bucket = &entry->next;
			continue;
		}
		*bucket = entry->next;
		free(entry);
		nrevoked--;
	}
}

void
token_close(void)
{
	free(key);
	free(signing_key);
	for (int i = 0; i < NBUCKETS; i++)
		while (revoked[i])
		{
			Revoked    *entry = revoked[i];

			revoked[i] = entry->next;
			free(entry);
		}
}
