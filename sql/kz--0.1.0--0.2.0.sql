/*
 * What has changed in kz.sql since 0.1.0.
 */

-- complain if the script is sourced in psql, rather than via ALTER EXTENSION
\echo Use "ALTER EXTENSION kz UPDATE" to load this file. \quit
