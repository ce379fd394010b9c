#include "auth.h"
#include "pool.h"
void auth_open(void) {}
void auth_close(void) {}
void auth_admit(Request *request) { request->kuid = copy_string("-1"); pool_submit(request); }
