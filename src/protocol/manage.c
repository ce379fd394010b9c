/*
 * manage.c
 *	  The SQL functions for indexes and collections; contracts are in
 *	  sql/kz.sql.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "base/json.h"
#include "document/mapping.h"
#include "engine/collection.h"
#include "engine/definition.h"
#include "engine/naming.h"
#include "engine/resolve.h"
#include "protocol/argument.h"

#define ARG_INDEX kz_argument_name(fcinfo, 0, "index")
#define ARG_COLLECTION kz_argument_name(fcinfo, 1, "collection")

static Datum acknowledge(void);
static void put_name(ReturnSetInfo *result, const char *name);

PG_FUNCTION_INFO_V1(kz_create_index);
PG_FUNCTION_INFO_V1(kz_delete_index);
PG_FUNCTION_INFO_V1(kz_list_indexes);
PG_FUNCTION_INFO_V1(kz_index_exists);
PG_FUNCTION_INFO_V1(kz_create_collection);
PG_FUNCTION_INFO_V1(kz_update_collection);
PG_FUNCTION_INFO_V1(kz_attach_collection);
PG_FUNCTION_INFO_V1(kz_delete_collection);
PG_FUNCTION_INFO_V1(kz_truncate_collection);
PG_FUNCTION_INFO_V1(kz_get_mapping);
PG_FUNCTION_INFO_V1(kz_get_settings);
PG_FUNCTION_INFO_V1(kz_channel);
PG_FUNCTION_INFO_V1(kz_list_collections);
PG_FUNCTION_INFO_V1(kz_collection_exists);

Datum
kz_create_index(PG_FUNCTION_ARGS)
{
	kz_name_require_index(ARG_INDEX);
	kz_index_create(ARG_INDEX);
	return acknowledge();
}

Datum
kz_delete_index(PG_FUNCTION_ARGS)
{
	const char *index = ARG_INDEX;

	if (!kz_index_delete(index))
		kz_index_raise_unknown(index);
	return acknowledge();
}

Datum
kz_list_indexes(PG_FUNCTION_ARGS)
{
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	foreach(lc, kz_catalog_list_indexes())
	{
		KzIndexRow *row = lfirst(lc);

		if (OidIsValid(get_namespace_oid(row->schema, true)))
			put_name((ReturnSetInfo *) fcinfo->resultinfo, row->name);
	}
	return (Datum) 0;
}

Datum
kz_index_exists(PG_FUNCTION_ARGS)
{
	KzIndexRow	row;

	PG_RETURN_BOOL(kz_index_find(ARG_INDEX, &row));
}

Datum
kz_create_collection(PG_FUNCTION_ARGS)
{
	const char *index = ARG_INDEX;
	const char *collection = ARG_COLLECTION;
	Jsonb	   *mappings = kz_argument_optional_object(fcinfo, 2, "mappings");
	Jsonb	   *settings = kz_argument_optional_object(fcinfo, 3, "settings");

	kz_name_require_index(index);
	kz_name_require_collection(collection);
	kz_collection_create(index, collection,
						 mappings ? mappings : kz_json_object(NULL, 0),
						 settings ? settings : kz_json_object(NULL, 0));
	return acknowledge();
}

Datum
kz_update_collection(PG_FUNCTION_ARGS)
{
	const char *index = ARG_INDEX;
	const char *collection = ARG_COLLECTION;

	kz_collection_update(index, collection,
						 kz_argument_optional_object(fcinfo, 2, "mappings"),
						 kz_argument_optional_object(fcinfo, 3, "settings"));
	return acknowledge();
}

Datum
kz_attach_collection(PG_FUNCTION_ARGS)
{
	const char *index = ARG_INDEX;
	const char *collection = ARG_COLLECTION;

	kz_argument_require(fcinfo, 2, "relation");
	kz_name_require_collection(collection);
	kz_collection_attach(index, collection, PG_GETARG_OID(2));
	return acknowledge();
}

Datum
kz_delete_collection(PG_FUNCTION_ARGS)
{
	const char *index = ARG_INDEX;
	const char *collection = ARG_COLLECTION;

	if (!kz_collection_delete(index, collection))
		kz_collection_raise_unknown(index, collection);
	return acknowledge();
}

Datum
kz_truncate_collection(PG_FUNCTION_ARGS)
{
	const char *index = ARG_INDEX;

	kz_collection_truncate(index, ARG_COLLECTION);
	return acknowledge();
}

Datum
kz_get_mapping(PG_FUNCTION_ARGS)
{
	const char *index = ARG_INDEX;
	KzCollectionRow row;

	kz_collection_require(index, ARG_COLLECTION, &row);
	PG_RETURN_JSONB_P(kz_mapping_describe(kz_mapping_read(row.mappings)));
}

Datum
kz_get_settings(PG_FUNCTION_ARGS)
{
	const char *index = ARG_INDEX;
	KzCollectionRow row;

	kz_collection_require(index, ARG_COLLECTION, &row);
	PG_RETURN_JSONB_P(row.settings);
}

Datum
kz_channel(PG_FUNCTION_ARGS)
{
	const char *index = ARG_INDEX;

	PG_RETURN_TEXT_P(cstring_to_text(kz_name_channel(index, ARG_COLLECTION)));
}

Datum
kz_list_collections(PG_FUNCTION_ARGS)
{
	const char *index = ARG_INDEX;
	KzIndexRow	index_row;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	kz_index_require(index, &index_row);
	foreach(lc, kz_catalog_list_collections(index))
	{
		KzCollectionRow *row = lfirst(lc);

		if (OidIsValid(kz_table_find(row->schema, row->table)))
			put_name((ReturnSetInfo *) fcinfo->resultinfo, row->name);
	}
	return (Datum) 0;
}

Datum
kz_collection_exists(PG_FUNCTION_ARGS)
{
	const char *index = ARG_INDEX;
	KzCollectionRow row;

	PG_RETURN_BOOL(kz_collection_find(index, ARG_COLLECTION, &row));
}

/*
 * {"acknowledged": true}
 */
static Datum
acknowledge(void)
{
	JsonbPair	pair;

	kz_json_set_string(&pair.key, "acknowledged");
	kz_json_set_bool(&pair.value, true);
	return JsonbPGetDatum(kz_json_object(&pair, 1));
}

static void
put_name(ReturnSetInfo *result, const char *name)
{
	Datum		value = CStringGetTextDatum(name);
	bool		isnull = false;

	tuplestore_putvalues(result->setResult, result->setDesc, &value, &isnull);
}
