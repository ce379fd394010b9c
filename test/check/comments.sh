#!/usr/bin/env bash
#
# Every object of sql/kz.sql tells in psql what it is (\df+, \dt+, \dn+), so
# each CREATE has its COMMENT ON.  To mend a violation, add the comment; a "<"
# below marks an object without one, a ">" a comment without its object.

kinds='SCHEMA|TABLE|VIEW|TYPE|DOMAIN|SEQUENCE|FUNCTION|PROCEDURE|AGGREGATE|TRIGGER|EVENT TRIGGER'
objects() { sed -nE "s/^$1 ($kinds) ([^ (;]+).*/\1 \2/p" sql/kz.sql | sort; }

diff <(objects CREATE) <(objects 'COMMENT ON')
