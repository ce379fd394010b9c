/*
 * json.c
 *	  Reading and writing jsonb in its binary form.
 *
 * Documents are merged, stamped and put into answers without ever being
 * unpacked: a value that is taken over is copied as it lies there.  The form
 * is that of utils/jsonb.h: a container is a header, one JEntry for each
 * element (an object: the keys, then the values), and their data.  Numerics
 * and containers start at a multiple of four bytes, and the padding before
 * them counts as theirs; every JB_OFFSET_STRIDE-th entry holds the offset of
 * its end and the others their length.  What is written here is byte for byte
 * what the server's own input function would write, so that two equal images
 * can be told by memcmp.
 *
 * Values go through JsonbValue: scalars as they are, containers as jbvBinary.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "base/compat.h"
#include "base/json.h"

/*
 * An object of more pairs could be stored, but not be read from its text again,
 * as in a restore: the server collects the pairs in an array of JsonbPair, whose
 * size it doubles, and whose limit is MaxAllocSize.
 */
#define MAX_PAIRS (8 * 1024 * 1024)
#define TOO_MANY_PAIRS(header) \
	(((header) & JB_FOBJECT) != 0 && ((header) & JB_CMASK) > MAX_PAIRS)

static void begin_container(KzJsonWriter *writer, StringInfo buffer, uint32 header,
							uint32 size);
static JEntry write_object(StringInfo buffer, const JsonbPair *pairs, int npairs);
static void pad_to_int(StringInfo buffer);
static JEntry append_value(StringInfo buffer, const JsonbValue *value);
static void check_length(uint32 length);
static int	compare_pairs(const void *a, const void *b);

/*
 * Start a walk over the keys of an object, in the order of jsonb: shorter
 * first, then by bytes.
 */
void
kz_json_keys(KzJsonCursor *cursor, const JsonbContainer *object)
{
	uint32		count = JsonContainerSize(object);

	Assert(JsonContainerIsObject(object));
	cursor->container = object;
	cursor->data = (const char *) &object->children[count * 2];
	cursor->next = 0;
	cursor->end = count;
	cursor->offset = 0;
}

/*
 * Start a walk over the values of an object, in the order of its keys, or over
 * the elements of an array.
 */
void
kz_json_values(KzJsonCursor *cursor, const JsonbContainer *container)
{
	uint32		count = JsonContainerSize(container);
	bool		object = JsonContainerIsObject(container);

	cursor->container = container;
	cursor->data = (const char *) &container->children[object ? count * 2 : count];
	cursor->next = object ? count : 0;
	cursor->end = object ? count * 2 : count;
	cursor->offset = count > 0 ? getJsonbOffset(container, cursor->next) : 0;
}

/*
 * Read the next key or value; false at the end.  What value points to belongs
 * to the container.
 */
bool
kz_json_next(KzJsonCursor *cursor, JsonbValue *value)
{
	JEntry		entry;
	uint32		start = cursor->offset;
	const char *aligned = cursor->data + INTALIGN(start);

	if (cursor->next >= cursor->end)
		return false;
	entry = cursor->container->children[cursor->next++];
	JBE_ADVANCE_OFFSET(cursor->offset, entry);

	if (JBE_ISSTRING(entry))
	{
		value->type = jbvString;
		value->val.string.val = unconstify(char *, cursor->data + start);
		value->val.string.len = cursor->offset - start;
	}
	else if (JBE_ISNUMERIC(entry))
	{
		value->type = jbvNumeric;
		value->val.numeric = (Numeric) aligned;
	}
	else if (JBE_ISBOOL(entry))
		kz_json_set_bool(value, JBE_ISBOOL_TRUE(entry));
	else if (JBE_ISNULL(entry))
		kz_json_set_null(value);
	else
	{
		Assert(JBE_ISCONTAINER(entry));
		value->type = jbvBinary;
		value->val.binary.data = (JsonbContainer *) aligned;
		value->val.binary.len = cursor->offset - INTALIGN(start);
	}
	return true;
}

/*
 * The value of key in object; false if there is none.
 */
bool
kz_json_field(const JsonbContainer *object, const char *key, JsonbValue *value)
{
	Assert(JsonContainerIsObject(object));
	return getKeyJsonValueFromContainer(unconstify(JsonbContainer *, object),
										key, strlen(key), value) != NULL;
}

/*
 * The same, with the position of the key among all, from 0.
 */
bool
kz_json_find_key(const JsonbContainer *object, const char *key, uint32 *position,
				 JsonbValue *value)
{
	uint32		count = JsonContainerSize(object);
	const char *data = (const char *) &object->children[count * 2];
	uint32		low = 0;
	uint32		high = count;
	JsonbValue	wanted;
	JsonbValue	found = {.type = jbvString};

	Assert(JsonContainerIsObject(object));
	kz_json_set_string(&wanted, key);
	while (low < high)
	{
		uint32		middle = (low + high) / 2;
		int			cmp;

		found.val.string.val = unconstify(char *, data + getJsonbOffset(object, middle));
		found.val.string.len = getJsonbLength(object, middle);
		cmp = kz_json_compare_keys(&wanted, &found);
		if (cmp == 0)
		{
			*position = middle;
			kz_json_value_at(object, middle, value);
			return true;
		}
		if (cmp < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

/*
 * The value at a position of an object or an array, which is there.
 */
void
kz_json_value_at(const JsonbContainer *container, uint32 position, JsonbValue *value)
{
	KzJsonCursor cursor;

	kz_json_values(&cursor, container);
	cursor.next += position;
	cursor.offset = getJsonbOffset(container, cursor.next);
	kz_json_next(&cursor, value);
}

/*
 * Start a document in buffer, which is initialised in the current memory
 * context.  One container goes in; kz_json_finish ends it.
 */
void
kz_json_start(StringInfo buffer)
{
	initStringInfo(buffer);
	appendStringInfoSpaces(buffer, VARHDRSZ);
}

Jsonb *
kz_json_finish(StringInfo buffer)
{
	SET_VARSIZE(buffer->data, buffer->len);
	return (Jsonb *) buffer->data;
}

/*
 * Begin an object of npairs pairs: all keys must be put, in order, then all
 * values; then comes kz_json_end.
 */
void
kz_json_begin_object(KzJsonWriter *writer, StringInfo buffer, uint32 npairs)
{
	begin_container(writer, buffer, npairs | JB_FOBJECT, npairs * 2);
}

/*
 * Begin an array of nelems elements, all of which must be put.
 */
void
kz_json_begin_array(KzJsonWriter *writer, StringInfo buffer, uint32 nelems)
{
	begin_container(writer, buffer, nelems | JB_FARRAY, nelems);
}

/*
 * Put the next key, value or element, copying it.
 */
void
kz_json_put(KzJsonWriter *writer, const JsonbValue *value)
{
	kz_json_put_entry(writer, append_value(writer->buffer, value));
}

/*
 * Put a container whose data kz_json_end has just completed.
 */
void
kz_json_put_entry(KzJsonWriter *writer, JEntry entry)
{
	Assert(writer->next < writer->size);
	writer->length += JBE_OFFLENFLD(entry);
	check_length(writer->length);
	if (writer->next % JB_OFFSET_STRIDE == 0)
		entry = (entry & JENTRY_TYPEMASK) | writer->length | JENTRY_HAS_OFF;
	memcpy(writer->buffer->data + writer->entries + writer->next * sizeof(JEntry),
		   &entry, sizeof(JEntry));
	writer->next++;
}

/*
 * End a container; returns the entry that a container around it has to put.
 */
JEntry
kz_json_end(KzJsonWriter *writer)
{
	uint32		length = writer->buffer->len - writer->start;

	Assert(writer->next == writer->size);
	check_length(length);
	return JENTRY_ISCONTAINER | length;
}

/*
 * Copy a container out of a document, palloc'd, as a document of its own.
 */
Jsonb *
kz_json_document(const JsonbValue *container)
{
	int			length = container->val.binary.len;
	Jsonb	   *document = palloc(VARHDRSZ + length);

	Assert(container->type == jbvBinary);
	memcpy(&document->root, container->val.binary.data, length);
	SET_VARSIZE(document, VARHDRSZ + length);
	return document;
}

/*
 * Copy a document, palloc'd.
 */
Jsonb *
kz_json_copy(const Jsonb *document)
{
	Jsonb	   *copy = palloc(VARSIZE(document));

	memcpy(copy, document, VARSIZE(document));
	return copy;
}

/*
 * Put an object into a container; its pairs must be in the order of jsonb.
 */
void
kz_json_put_object(KzJsonWriter *writer, const JsonbPair *pairs, int npairs)
{
	kz_json_put_entry(writer, write_object(writer->buffer, pairs, npairs));
}

/*
 * Build an object from pairs with distinct keys, which are sorted in place.
 */
Jsonb *
kz_json_object(JsonbPair *pairs, int npairs)
{
	StringInfoData buffer;

	qsort(pairs, npairs, sizeof(JsonbPair), compare_pairs);
	kz_json_start(&buffer);
	write_object(&buffer, pairs, npairs);
	return kz_json_finish(&buffer);
}

/*
 * An array of values, palloc'd.
 */
Jsonb *
kz_json_array(const JsonbValue *values, int nvalues)
{
	StringInfoData buffer;
	KzJsonWriter writer;

	kz_json_start(&buffer);
	kz_json_begin_array(&writer, &buffer, nvalues);
	for (int i = 0; i < nvalues; i++)
		kz_json_put(&writer, &values[i]);
	kz_json_end(&writer);
	return kz_json_finish(&buffer);
}

static JEntry
write_object(StringInfo buffer, const JsonbPair *pairs, int npairs)
{
	KzJsonWriter writer;

	kz_json_begin_object(&writer, buffer, npairs);
	for (int i = 0; i < npairs; i++)
	{
		Assert(i == 0 || compare_pairs(&pairs[i - 1], &pairs[i]) < 0);
		kz_json_put(&writer, &pairs[i].key);
	}
	for (int i = 0; i < npairs; i++)
		kz_json_put(&writer, &pairs[i].value);
	return kz_json_end(&writer);
}

static void
begin_container(KzJsonWriter *writer, StringInfo buffer, uint32 header, uint32 size)
{
	if (TOO_MANY_PAIRS(header))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("number of jsonb object pairs exceeds the maximum allowed (%u)",
						MAX_PAIRS)));
	writer->buffer = buffer;
	writer->start = buffer->len;
	pad_to_int(buffer);
	appendBinaryStringInfo(buffer, (char *) &header, sizeof(header));
	writer->entries = buffer->len;
	check_length(size > JENTRY_OFFLENMASK / sizeof(JEntry) ? JENTRY_OFFLENMASK + 1 : 0);
	enlargeStringInfo(buffer, size * sizeof(JEntry));
	buffer->len += size * sizeof(JEntry);
	writer->next = 0;
	writer->size = size;
	writer->length = 0;
}

static void
pad_to_int(StringInfo buffer)
{
	while (buffer->len != INTALIGN(buffer->len))
		appendStringInfoCharMacro(buffer, '\0');
}

static JEntry
append_value(StringInfo buffer, const JsonbValue *value)
{
	int			start = buffer->len;
	JEntry		type;

	switch (value->type)
	{
		case jbvNull:
			return JENTRY_ISNULL;
		case jbvBool:
			return value->val.boolean ? JENTRY_ISBOOL_TRUE : JENTRY_ISBOOL_FALSE;
		case jbvString:
			appendBinaryStringInfo(buffer, value->val.string.val, value->val.string.len);
			type = JENTRY_ISSTRING;
			break;
		case jbvNumeric:
			pad_to_int(buffer);
			appendBinaryStringInfo(buffer, (char *) value->val.numeric,
								   VARSIZE_ANY(value->val.numeric));
			type = JENTRY_ISNUMERIC;
			break;
		case jbvBinary:
			pad_to_int(buffer);
			appendBinaryStringInfo(buffer, (char *) value->val.binary.data,
								   value->val.binary.len);
			type = JENTRY_ISCONTAINER;
			break;
		default:
			elog(ERROR, "unexpected jsonb value of type %d", value->type);
	}
	check_length(buffer->len - start);
	return type | (buffer->len - start);
}

/* An entry has 28 bits for a length or an offset. */
static void
check_length(uint32 length)
{
	if (length > JENTRY_OFFLENMASK)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("total size of jsonb object or array elements exceeds the maximum of %u bytes",
						JENTRY_OFFLENMASK)));
}

static int
compare_pairs(const void *a, const void *b)
{
	return kz_json_compare_keys(&((const JsonbPair *) a)->key,
								&((const JsonbPair *) b)->key);
}
