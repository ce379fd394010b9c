/*
 * subtransaction.h
 *	  Doing something in a subtransaction.
 */
#ifndef KZ_BASE_SUBTRANSACTION_H
#define KZ_BASE_SUBTRANSACTION_H

extern ErrorData *kz_subtransaction_run(bool (*run) (void *argument),
										bool (*undone) (void *argument, int sqlerrcode),
										void *argument);

#endif							/* KZ_BASE_SUBTRANSACTION_H */
