/*
 * blocks.c
 *	  Memory contexts whose blocks are small.
 *
 * A chunk of more than an eighth of a context's largest block has a block of its
 * own.  The smallest block makes that all that has more than some 100 bytes, so that
 * AddressSanitizer sees what is read or written behind it, or after it is gone.
 */
#include "postgres.h"

#include "utils/memutils.h"

#define BLOCK_SIZE 1024

extern MemoryContext __real_AllocSetContextCreateInternal(MemoryContext parent, const char *name,
														  Size minContextSize, Size initBlockSize,
														  Size maxBlockSize);
extern MemoryContext __wrap_AllocSetContextCreateInternal(MemoryContext parent, const char *name,
														  Size minContextSize, Size initBlockSize,
														  Size maxBlockSize);

/*
 * What the linker calls instead of the server's function.
 */
MemoryContext
__wrap_AllocSetContextCreateInternal(MemoryContext parent, const char *name, Size minContextSize,
									 Size initBlockSize, Size maxBlockSize)
{
	return __real_AllocSetContextCreateInternal(parent, name, 0, BLOCK_SIZE, BLOCK_SIZE);
}
