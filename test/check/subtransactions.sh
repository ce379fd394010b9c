#!/usr/bin/env bash
#
# Who begins a subtransaction must end it, whatever is raised on the way and at its
# end, and with no memory left.  src/base/subtransaction.c does, and nobody else calls
# the server for it.  To mend a violation, call kz_subtransaction_run.

! grep -nE '(BeginInternal|Release(Current)?|RollbackAndReleaseCurrent)SubTransaction' \
	-r src --include='*.[ch]' --exclude=subtransaction.c
