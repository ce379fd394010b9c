/*
 * shed.h
 *	  Who has to go when memory is short.
 */
#ifndef SHED_H
#define SHED_H

extern void shed(void);
extern void shed_close(void);

#endif							/* SHED_H */
