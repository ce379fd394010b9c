#!/usr/bin/env bash
#
# debian/control is what "pg_buildext updatecontrol" makes of debian/control.in on sid.  To
# mend a violation: sed s/PGVERSION/18/ debian/control.in >debian/control, with the number
# that sid has.

major=$(sed -n 's/^Package: postgresql-\([0-9]*\)-kz$/\1/p' debian/control)
diff <(sed "s/PGVERSION/$major/g" debian/control.in) debian/control
