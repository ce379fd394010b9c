/*
 * file.c
 *	  Files that the program is told to use.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "buffer.h"
#include "file.h"

static const char *unreadable(void);

/*
 * What is in a file, with a zero behind it, the caller's; or NULL, and what the problem
 * is.  A secret that everybody on the machine may read is none, so it is a problem.
 */
char *
file_read(const char *path, size_t most, bool secret, size_t *length, const char **problem)
{
	FILE	   *stream = fopen(path, "r");
	struct stat status;
	char	   *text;

	if (!stream)
	{
		*problem = unreadable();
		return NULL;
	}
	text = allocate(most + 1);
	*length = fread(text, 1, most, stream);
	if (ferror(stream) || fstat(fileno(stream), &status) != 0)
		*problem = unreadable();
	else if (secret && S_ISREG(status.st_mode) && status.st_mode & S_IROTH)
		*problem = "everybody may read it; take that right away (chmod o-r), or give it by LoadCredential= of systemd";
	else if (*length == 0)
		*problem = "it is empty";
	else if (*length == most)
		*problem = "it is too large";
	else
	{
		fclose(stream);
		return text;
	}
	explicit_bzero(text, *length);
	free(text);
	fclose(stream);
	return NULL;
}

static const char *
unreadable(void)
{
	static char text[128];

	snprintf(text, sizeof(text), "it can't be read: %s", strerror(errno));
	return text;
}
