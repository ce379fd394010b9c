/*
 * websocket.c
 *	  The protocol of WebSockets, RFC 6455: frames in, messages out, and back.
 *
 * No extensions are agreed on, so reserved bits are errors, and a message is its
 * bytes.
 */
#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "websocket.h"

#define OPCODE_CONTINUATION 0
#define OPCODE_TEXT 1
#define OPCODE_CLOSE 8
#define OPCODE_PING 9
#define OPCODE_PONG 10
#define FINAL 0x80
#define RESERVED 0x70
#define MASKED 0x80

/* The head of a frame. */
typedef struct Frame
{
	bool		final;
	int			opcode;
	uint64_t	length;
	size_t		head;			/* bytes of the head, with the mask */
	const unsigned char *mask;
} Frame;

static WebSocketEvent bad(WebSocketReader *reader, int code);
static WebSocketEvent read_frame_head(WebSocketReader *reader, const Buffer *in, Frame *frame);
static WebSocketEvent check_frame(WebSocketReader *reader, const Frame *frame, int first);
static WebSocketEvent read_payload(WebSocketReader *reader, Buffer *in);
static WebSocketEvent read_control(WebSocketReader *reader, const Frame *frame, const char *payload);
static WebSocketEvent read_close(WebSocketReader *reader);
static void unmask(char *to, const char *from, size_t length, const unsigned char *mask);
static void write_frame(Buffer *out, int opcode, const char *payload, size_t length);

/*
 * What proves to the client that we have understood its key; false if it can't be made.
 */
bool
websocket_accept(const char *key, char *accept)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int length;
	char		text[128];

	snprintf(text, sizeof(text), "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
	if (EVP_Digest(text, strlen(text), digest, &length, EVP_sha1(), NULL) != 1)
		return false;
	EVP_EncodeBlock((unsigned char *) accept, digest, length);
	return true;
}

/*
 * Read the next frame, or what there is of it.  A message is left in the reader; who
 * takes it leaves it empty.
 */
WebSocketEvent
websocket_read(WebSocketReader *reader, Buffer *in)
{
	Frame		frame;
	WebSocketEvent event;

	if (reader->in_frame)
		return read_payload(reader, in);
	event = read_frame_head(reader, in, &frame);
	if (event == WEBSOCKET_BAD || event == WEBSOCKET_MORE)
		return event;
	if (frame.opcode >= OPCODE_CLOSE)
	{
		event = read_control(reader, &frame, buffer_data(in) + frame.head);
		buffer_consume(in, frame.head + frame.length);
		return event;
	}
	reader->in_frame = true;
	reader->final = frame.final;
	reader->remaining = frame.length;
	memcpy(reader->mask, frame.mask, sizeof(reader->mask));
	buffer_consume(in, frame.head);
	return read_payload(reader, in);
}

/*
 * Move what is there of a frame of text to its message.
 */
static WebSocketEvent
read_payload(WebSocketReader *reader, Buffer *in)
{
	size_t		n = buffer_length(in) < reader->remaining ? buffer_length(in) : reader->remaining;
	char	   *to = buffer_reserve(&reader->message, n);
	unsigned char mask[4];

	if (!to && n > 0)
		return bad(reader, WEBSOCKET_TRY_LATER);
	unmask(to, buffer_data(in), n, reader->mask);
	for (int i = 0; i < 4; i++)
		mask[i] = reader->mask[(i + n) % 4];
	memcpy(reader->mask, mask, sizeof(mask));
	reader->message.end += n;
	reader->remaining -= n;
	buffer_consume(in, n);
	if (reader->remaining > 0)
		return WEBSOCKET_MORE;
	reader->in_frame = false;
	reader->fragmented = !reader->final;
	if (reader->fragmented)
		return WEBSOCKET_PART;
	if (!utf8_is_valid(buffer_data(&reader->message), buffer_length(&reader->message)))
		return bad(reader, WEBSOCKET_NOT_TEXT);
	buffer_fit(&reader->message);
	return WEBSOCKET_TEXT;
}

/*
 * Whether there is a part of a message.
 */
bool
websocket_has_begun(const WebSocketReader *reader, const Buffer *in)
{
	return reader->fragmented || reader->in_frame || buffer_length(in) > 0;
}

static WebSocketEvent
bad(WebSocketReader *reader, int code)
{
	reader->code = code;
	return WEBSOCKET_BAD;
}

/*
 * Read the head of a frame, and see that all of a control frame is there.
 */
static WebSocketEvent
read_frame_head(WebSocketReader *reader, const Buffer *in, Frame *frame)
{
	const unsigned char *bytes = (const unsigned char *) buffer_data(in);
	size_t		length = buffer_length(in);
	int			extra;
	WebSocketEvent event;

	if (length < 2)
		return WEBSOCKET_MORE;
	frame->final = bytes[0] & FINAL;
	frame->opcode = bytes[0] & 0x0f;
	frame->length = bytes[1] & 0x7f;
	extra = frame->length == 127 ? 8 : frame->length == 126 ? 2 : 0;
	frame->head = 2 + extra + 4;
	event = check_frame(reader, frame, bytes[0]);
	if (event == WEBSOCKET_BAD)
		return event;
	if (!(bytes[1] & MASKED))
		return bad(reader, WEBSOCKET_PROTOCOL);
	if (length < frame->head)
		return WEBSOCKET_MORE;
	if (extra > 0)
		frame->length = 0;
	for (int i = 0; i < extra; i++)
		frame->length = frame->length << 8 | bytes[2 + i];
	frame->mask = bytes + 2 + extra;
	if (frame->opcode >= OPCODE_CLOSE)
		return length - frame->head < frame->length ? WEBSOCKET_MORE : WEBSOCKET_TEXT;
	if (frame->length > reader->most || frame->length + buffer_length(&reader->message) > reader->most)
		return bad(reader, WEBSOCKET_TOO_LARGE);
	return WEBSOCKET_TEXT;
}

/*
 * What is wrong with a frame by itself, or where it stands.
 */
static WebSocketEvent
check_frame(WebSocketReader *reader, const Frame *frame, int first)
{
	if (first & RESERVED)
		return bad(reader, WEBSOCKET_PROTOCOL);
	switch (frame->opcode)
	{
		case OPCODE_CONTINUATION:
			return reader->fragmented ? WEBSOCKET_TEXT : bad(reader, WEBSOCKET_PROTOCOL);
		case OPCODE_TEXT:
			return reader->fragmented ? bad(reader, WEBSOCKET_PROTOCOL) : WEBSOCKET_TEXT;
		case OPCODE_CLOSE:
		case OPCODE_PING:
		case OPCODE_PONG:
			return frame->final && frame->length < 126 ? WEBSOCKET_TEXT : bad(reader, WEBSOCKET_PROTOCOL);
		case 2:
			return bad(reader, WEBSOCKET_UNSUPPORTED);
		default:
			return bad(reader, WEBSOCKET_PROTOCOL);
	}
}

static WebSocketEvent
read_control(WebSocketReader *reader, const Frame *frame, const char *payload)
{
	unmask(reader->payload, payload, frame->length, frame->mask);
	reader->payload_length = frame->length;
	if (frame->opcode == OPCODE_PING)
		return WEBSOCKET_PING;
	if (frame->opcode == OPCODE_PONG)
		return WEBSOCKET_PONG;
	return read_close(reader);
}

static WebSocketEvent
read_close(WebSocketReader *reader)
{
	const unsigned char *bytes = (const unsigned char *) reader->payload;
	int			code = WEBSOCKET_NO_CODE;

	if (reader->payload_length == 1)
		return bad(reader, WEBSOCKET_PROTOCOL);
	if (reader->payload_length >= 2)
	{
		code = bytes[0] << 8 | bytes[1];
		if (code < 1000 || code >= 5000 || (code > 1003 && code < 1007) || (code > 1014 && code < 3000))
			return bad(reader, WEBSOCKET_PROTOCOL);
		if (!utf8_is_valid(reader->payload + 2, reader->payload_length - 2))
			return bad(reader, WEBSOCKET_NOT_TEXT);
	}
	reader->code = code;
	return WEBSOCKET_CLOSE;
}

static void
unmask(char *to, const char *from, size_t length, const unsigned char *mask)
{
	uint64_t	eight;
	uint64_t	mask_eight;
	size_t		i = 0;

	memcpy(&mask_eight, mask, 4);
	memcpy((char *) &mask_eight + 4, mask, 4);
	for (; i + 8 <= length; i += 8)
	{
		memcpy(&eight, from + i, 8);
		eight ^= mask_eight;
		memcpy(to + i, &eight, 8);
	}
	for (; i < length; i++)
		to[i] = from[i] ^ mask[i % 4];
}

void
websocket_write_text(Buffer *out, const char *text, size_t length)
{
	write_frame(out, OPCODE_TEXT, text, length);
}

void
websocket_write_ping(Buffer *out)
{
	write_frame(out, OPCODE_PING, "", 0);
}

void
websocket_write_pong(Buffer *out, const char *payload, size_t length)
{
	write_frame(out, OPCODE_PONG, payload, length);
}

/*
 * Say that this is the end, and why: the reason is a short text, or empty.
 */
void
websocket_write_close(Buffer *out, int code, const char *reason)
{
	char		payload[126] = {code >> 8, code & 0xff};
	size_t		length = snprintf(payload + 2, sizeof(payload) - 2, "%s", reason) + 2;

	if (length > sizeof(payload) - 1)
		length = sizeof(payload) - 1;
	write_frame(out, OPCODE_CLOSE, payload, code == WEBSOCKET_NO_CODE ? 0 : length);
}

static void
write_frame(Buffer *out, int opcode, const char *payload, size_t length)
{
	unsigned char head[10] = {FINAL | opcode};
	int			extra = length > 0xffff ? 8 : length > 125 ? 2 : 0;

	head[1] = extra == 8 ? 127 : extra == 2 ? 126 : length;
	for (int i = 0; i < extra; i++)
		head[2 + i] = (uint64_t) length >> 8 * (extra - 1 - i);
	buffer_append(out, head, 2 + extra);
	buffer_append(out, payload, length);
}
