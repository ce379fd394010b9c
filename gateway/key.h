/*
 * key.h
 *	  The keys of tokens.
 */
#ifndef KEY_H
#define KEY_H

extern char *key_read_secret(const char *file);
extern char *key_read_public(const char *file);
extern char *key_read_private(const char *file, const char *public_key);

#endif							/* KEY_H */
