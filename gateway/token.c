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
#include <math.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "buffer.h"
#include "config.h"
#include "key.h"
#include "text.h"
#include "token.h"

#define LONGEST_TOKEN 8192
#define LAST_SECOND 9e15		/* in ms it is an int64_t, too */
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

static bool has_good_header(jwt_t *jwt);
static TokenState read_claims(jwt_t *jwt, Identity *identity);
static bool get_time(jwt_t *jwt, const char *name, int64_t *ms);
static int64_t now_ms(void);
static bool has_audience(jwt_t *jwt);
static void digest_token(const char *token, unsigned char *digest);
static bool is_revoked(const char *token);
static void forget_expired(Revoked **bucket);

/*
 * Read the keys; ends the program if they are no good.
 */
void
token_open(void)
{
	if (strcmp(config.jwt_algorithm, "HS256") == 0)
	{
		algorithm = JWT_ALG_HS256;
		key = key_read_secret(config.jwt_key);
		signing_key = copy_string(key);
		return;
	}
	algorithm = JWT_ALG_RS256;
	key = key_read_public(config.jwt_key);
	if (config.jwt_signing_key)
		signing_key = key_read_private(config.jwt_signing_key, key);
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
	state = has_good_header(jwt) ? read_claims(jwt, identity) : TOKEN_BAD;
	jwt_free(jwt);
	if (state == TOKEN_GOOD && is_revoked(token))
	{
		free(identity->kuid);
		free(identity->role);
		return TOKEN_BAD;
	}
	return state;
}

/*
 * Whether a token is signed as it has to be, and needs nothing that we don't know: what
 * "crit" names must be understood, and we understand none of it.
 */
static bool
has_good_header(jwt_t *jwt)
{
	const char *name = jwt_get_header(jwt, "alg");
	char	   *crit = jwt_get_headers_json(jwt, "crit");
	bool		good = !crit && name && strcmp(name, config.jwt_algorithm) == 0 && jwt_get_alg(jwt) == algorithm;

	free(crit);
	return good;
}

static TokenState
read_claims(jwt_t *jwt, Identity *identity)
{
	const char *user = jwt_get_grant(jwt, "sub");
	const char *role = jwt_get_grant(jwt, "role");
	int64_t		expires;
	int64_t		begins;
	int64_t		issued;
	int64_t		now = now_ms();

	if (!get_time(jwt, "exp", &expires) || !get_time(jwt, "nbf", &begins) || !get_time(jwt, "iat", &issued))
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
 * A time of a token in ms, 0 if it has none.  It stands there as a number of seconds,
 * which may have a fraction; false if it is anything else, or can't be told in ms.
 */
static bool
get_time(jwt_t *jwt, const char *name, int64_t *ms)
{
	char	   *json = jwt_get_grants_json(jwt, name);
	char	   *end = json;
	double		seconds = json ? strtod(json, &end) : 0;
	bool		good = !json || (end > json && *end == '\0' && fabs(seconds) <= LAST_SECOND);

	free(json);
	*ms = good ? (int64_t) ceil(seconds * 1000) : 0;
	return good;
}

static int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
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
 * Make a token for a role of PostgreSQL, who is the user as well, for so many seconds.
 * It is the caller's; NULL if it can't be made.
 */
char *
token_issue(const char *user, int lifetime, int64_t *expires)
{
	char		id[RANDOM_ID_LENGTH + 1];
	int64_t		now = time(NULL);
	jwt_t	   *jwt;
	char	   *encoded;
	char	   *token = NULL;

	*expires = (now + lifetime) * 1000;
	make_random_id(id);
	if (jwt_new(&jwt) != 0)
		return NULL;
	if (jwt_add_grant(jwt, "_id", user) == 0 && jwt_add_grant(jwt, "sub", user) == 0 &&
		jwt_add_grant(jwt, "role", user) == 0 && jwt_add_grant(jwt, "jti", id) == 0 &&
		(!config.jwt_audience || jwt_add_grant(jwt, "aud", config.jwt_audience) == 0) &&
		jwt_add_grant_int(jwt, "iat", now) == 0 && jwt_add_grant_int(jwt, "exp", now + lifetime) == 0 &&
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
	digest_token(token, entry->digest);
	entry->expires = expires;
	bucket = &revoked[(entry->digest[0] << 8 | entry->digest[1]) % NBUCKETS];
	entry->next = *bucket;
	*bucket = entry;
	nrevoked++;
	return true;
}

/*
 * Tokens are told apart by what is signed, which ends at the second point.  The
 * signature can be written in several ways, with more points too.
 */
static void
digest_token(const char *token, unsigned char *digest)
{
	const char *claims = strchr(token, '.');
	const char *signature = claims ? strchr(claims + 1, '.') : NULL;
	size_t		length = signature ? (size_t) (signature - token) : strlen(token);

	if (EVP_Digest(token, length, digest, NULL, EVP_sha256(), NULL) != 1)
		abort();
}

static bool
is_revoked(const char *token)
{
	unsigned char digest[DIGEST_SIZE];
	Revoked   **bucket;

	if (nrevoked == 0)
		return false;
	digest_token(token, digest);
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
	int64_t		now = now_ms();

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
