/*
 * key.c
 *	  The keys of tokens.
 *
 * Which algorithm there is and what is in a file are told apart, so they may not fit.
 * A public key taken for a secret would let in everybody, since everybody may have it:
 * whatever looks like a key of another kind is refused.
 */
#include <ctype.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "file.h"
#include "key.h"

#define SMALLEST_SECRET 32		/* bytes */
#define SMALLEST_MODULUS 2048	/* bits */
#define LARGEST_KEY (64 * 1024)

static char *read_text(const char *file, bool secret);
static bool is_key_pair(const char *text);
static bool is_der(const char *text);
static EVP_PKEY *parse(const char *pem, bool private);
static void check_rsa(const EVP_PKEY *key, const char *file, const char *what);
static void fail(const char *file, const char *problem) __attribute__((noreturn));

/*
 * The secret in a file, the caller's; ends the program if there is none that is good.
 */
char *
key_read_secret(const char *file)
{
	char	   *text = read_text(file, true);

	if (is_key_pair(text) || is_der(text))
		fail(file, "it is a public or private key, or a certificate, and no secret; a public key needs --jwt-algorithm RS256");
	if (strlen(text) < SMALLEST_SECRET)
		fail(file, "a secret must have at least 32 bytes");
	return text;
}

/*
 * The public key of RSA in a file, as PEM, the caller's; ends the program if there is
 * none that is good.
 */
char *
key_read_public(const char *file)
{
	char	   *text = read_text(file, false);
	EVP_PKEY   *key = parse(text, false);

	check_rsa(key, file, "it is no public key of RSA in PEM");
	EVP_PKEY_free(key);
	return text;
}

/*
 * The private key in a file that belongs to a public key, both as PEM, the caller's;
 * ends the program if there is none.
 */
char *
key_read_private(const char *file, const char *public_key)
{
	char	   *text = read_text(file, true);
	EVP_PKEY   *key = parse(text, true);
	EVP_PKEY   *other = parse(public_key, false);

	check_rsa(key, file, "it is no private key of RSA in PEM");
	if (EVP_PKEY_eq(key, other) != 1)
		fail(file, "it does not belong to the public key of --jwt-key, so its tokens would be refused");
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
	return text;
}

/*
 * What is in a file, without newlines at its end.
 */
static char *
read_text(const char *file, bool secret)
{
	const char *problem;
	size_t		length;
	char	   *text = file_read(file, LARGEST_KEY, secret, &length, &problem);

	if (!text)
	{
		fprintf(stderr, "kz-gateway: the key %s can't be used: %s\n", file, problem);
		exit(2);
	}
	while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == '\r'))
		text[--length] = '\0';
	if (strlen(text) != length)
		fail(file, "there is a zero in it");
	return text;
}

/*
 * Whether a text is a key of two parts, or one of them, as people write them: PEM, SSH,
 * JWK, XML.
 */
static bool
is_key_pair(const char *text)
{
	static const char *const marks[] = {
		"-----BEGIN", "---- BEGIN", "ssh-rsa ", "ssh-dss ", "ssh-ed25519 ", "ecdsa-sha2-",
		"PuTTY-User-Key-File", "\"kty\"", "<RSAKeyValue"
	};

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (strstr(text, marks[i]))
			return true;
	return false;
}

/*
 * Whether a text is the middle of a PEM: a key, or a certificate, in base64.
 */
static bool
is_der(const char *text)
{
	Buffer		base64 = {0};
	unsigned char *der = allocate(strlen(text) + 4);
	const unsigned char *at = der;
	int			length;
	EVP_PKEY   *key = NULL;
	X509	   *certificate = NULL;

	for (const char *c = text; *c; c++)
		if (!isspace((unsigned char) *c))
			buffer_append(&base64, *c == '-' ? "+" : *c == '_' ? "/" : c, 1);
	while (buffer_length(&base64) % 4 != 0)
		buffer_append(&base64, "=", 1);
	length = EVP_DecodeBlock(der, (unsigned char *) buffer_data(&base64), buffer_length(&base64));
	if (length > 0)
	{
		key = d2i_PUBKEY(NULL, &at, length);
		at = der;
		certificate = key ? NULL : d2i_X509(NULL, &at, length);
		at = der;
		if (!key && !certificate)
			key = d2i_AutoPrivateKey(NULL, &at, length);
	}
	EVP_PKEY_free(key);
	X509_free(certificate);
	buffer_free(&base64);
	free(der);
	return key || certificate;
}

static EVP_PKEY *
parse(const char *pem, bool private)
{
	BIO		   *bio = BIO_new_mem_buf(pem, -1);
	EVP_PKEY   *key = private ? PEM_read_bio_PrivateKey(bio, NULL, NULL, "") : PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);

	BIO_free(bio);
	return key;
}

static void
check_rsa(const EVP_PKEY *key, const char *file, const char *problem)
{
	if (!key || EVP_PKEY_base_id(key) != EVP_PKEY_RSA)
		fail(file, problem);
	if (EVP_PKEY_bits(key) < SMALLEST_MODULUS)
		fail(file, "a key of RSA must have at least 2048 bits");
}

static void
fail(const char *file, const char *problem)
{
	fprintf(stderr, "kz-gateway: the key %s can't be used: %s\n", file, problem);
	exit(2);
}
