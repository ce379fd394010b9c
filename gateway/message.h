/*
 * message.h
 *	  What a client has sent.
 */
#ifndef MESSAGE_H
#define MESSAGE_H

#include "client.h"

extern bool message_take(Client *client);
extern void message_give_up(Client *client, int status);

#endif							/* MESSAGE_H */
