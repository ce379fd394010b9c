/*
 * intake.h
 *	  What libpq holds of a connection to the database.
 */
#ifndef INTAKE_H
#define INTAKE_H

#include <libpq-fe.h>

#include "loop.h"

/* Bytes, which are counted as used; all zeroes begins. */
typedef struct Intake
{
	size_t		received;		/* of an answer that is not whole yet, or all
								 * of it */
	size_t		come;			/* of the answer, as far as we have seen */
	size_t		kept;			/* at most, of all before, if that was much */
	bool		waits;			/* it is not read until intake_resume() says
								 * so */
} Intake;

/* How many are not read. */
extern int	intakes_that_wait;

extern bool intake_read(Intake *intake, Watch *watch, PGconn *pg);
extern void intake_resume(Intake *intake, Watch *watch);
extern void intake_begin(Intake *intake, size_t bytes);
extern void intake_end(Intake *intake);
extern void intake_clear(Intake *intake);

#endif							/* INTAKE_H */
