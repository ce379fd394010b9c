#!/usr/bin/env bash
#
# Differences between versions of PostgreSQL are settled in one place,
# src/base/compat.h, so that supporting a new version means reading one file.
# To mend a violation, give the difference a name there and use that name.

! grep -rn PG_VERSION_NUM src --include='*.[ch]' | grep -v '^src/base/compat\.h:'
