/*
 * notifier.h
 *	  Telling listeners what one call has changed in a collection.
 */
#ifndef KZ_OPERATION_NOTIFIER_H
#define KZ_OPERATION_NOTIFIER_H

#include "operation/write.h"

extern void kz_notifier_attach(KzWriter *writer, const KzStamp *stamp);
extern void kz_notifier_compare(KzWriter *writer, KzItem **items, int nitems, const Jsonb *stored);
extern void kz_notifier_add(KzWriter *writer, const KzItem *item, bool of_many);
extern void kz_notifier_send(KzWriter *writer);

#endif							/* KZ_OPERATION_NOTIFIER_H */
