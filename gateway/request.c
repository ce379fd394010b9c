/*
 * request.c
 *	  A request, from its last byte to its answer.
 *
 * What the database answers goes on as it is.  Failures that are told here have the
 * shape that clients of the protocol know.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "client.h"
#include "forwarded.h"
#include "log.h"
#include "metrics.h"
#include "request.h"
#include "text.h"

#define NODE "knode-kz-gateway"

static Request *make_request(Client *client);
static int64_t microseconds(void);
static void read_frame(Request *request);
static char *copy_raw(Slice value);
static char *decode_string(Slice value);
static void write_http_headers(Buffer *out, const char *headers);
static void finish(Request *request, int status, size_t length);
static void append_envelope(Buffer *body, const Request *request, int status, const char *key, const char *value);
static void append_error(Buffer *body, const Failure *failure, int status, const char *message);
static void append_or_null(Buffer *body, const char *string);
static void fail(Request *request, const Failure *failure, int status, const char *message);

static Request *
make_request(Client *client)
{
	Request    *request = allocate(sizeof(Request));

	request->client = client;
	request->next = client->requests;
	if (request->next)
		request->next->previous = request;
	client->requests = request;
	client->nrequests++;
	metrics.requests++;
	request->began = microseconds();
	snprintf(request->address, sizeof(request->address), "%s", client->address);
	return request;
}

/*
 * Milliseconds since a request was there.
 */
int64_t
request_age(const Request *request)
{
	return (microseconds() - request->began) / 1000;
}

static int64_t
microseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/*
 * Make a request of a message, which loses its parts to it.
 */
Request *
request_from_http(Client *client, HttpMessage *message)
{
	Request    *request = make_request(client);
	const char *path = message->target ? message->target : "";

	request->protocol = strncmp(path, "/v1/vector/", 11) == 0 || strncmp(path, "/v2/vectordb/", 13) == 0 ?
		MILVUS_HTTP : KUZZLE_HTTP;
	request->forwarded = forwarded_client(client->address, message->x_forwarded_for, message->forwarded);
	request->method = message->method;
	request->target = message->target;
	request->origin = message->origin;
	request->body = message->body;
	request->size = buffer_length(&request->body);
	client->request_bytes += request->size;
	request->keep_alive = message->keep_alive;
	request->headers = buffer_take_string(&message->headers);
	if (message->authorization && strncasecmp(message->authorization, "Bearer ", 7) == 0)
		request->token = copy_string(message->authorization + 7 + strspn(message->authorization + 7, " "));
	message->method = message->target = message->origin = NULL;
	memset(&message->body, 0, sizeof(message->body));
	return request;
}

/*
 * Make a request of a message of a WebSocket, which is empty then.
 */
Request *
request_from_frame(Client *client, Buffer *frame)
{
	Request    *request = make_request(client);
	Buffer		target = {0};

	request->protocol = KUZZLE_WEBSOCKET;
	request->keep_alive = true;
	request->forwarded = copy_string(client->forwarded);
	request->method = copy_string("WS");
	request->body = *frame;
	request->size = buffer_length(frame);
	client->request_bytes += request->size;
	memset(frame, 0, sizeof(*frame));
	read_frame(request);
	buffer_printf(&target, "%s:%s", request->controller ? request->controller : "",
				  request->action ? request->action : "");
	request->target = buffer_take_string(&target);
	return request;
}

/*
 * What the gateway itself needs of an envelope.
 */
static void
read_frame(Request *request)
{
	Slice		rest;
	Slice		key;
	Slice		value;
	Slice		controller = {0};
	Slice		action = {0};
	Slice		jwt = {0};
	Slice		request_id = {0};
	Slice		volatile_data = {0};

	if (!json_open(&rest, buffer_data(&request->body), buffer_length(&request->body)))
		return;
	while (json_next(&rest, &key, &value))
	{
		if (json_is_string(key, "controller"))
			controller = value;
		else if (json_is_string(key, "action"))
			action = value;
		else if (json_is_string(key, "jwt"))
			jwt = value;
		else if (json_is_string(key, "requestId"))
			request_id = value;
		else if (json_is_string(key, "volatile"))
			volatile_data = value;
	}
	request->controller = decode_string(controller);
	request->action = decode_string(action);
	request->token = decode_string(jwt);
	if (request_id.text && *request_id.text == '"')
		request->request_id = copy_raw(request_id);
	if (volatile_data.text && *volatile_data.text == '{')
		request->volatile_data = copy_raw(volatile_data);
}

/*
 * What looked like the id of a request is none: the frame is not JSON.
 */
void
request_forget_id(Request *request)
{
	free(request->request_id);
	free(request->volatile_data);
	request->request_id = request->volatile_data = NULL;
}

static char *
copy_raw(Slice value)
{
	return copy_bytes(value.text, value.length);
}

static char *
decode_string(Slice value)
{
	return value.text ? json_decode_string(value) : NULL;
}

/*
 * Answer with a body that the database has made, and headers, a JSON object whose
 * values are strings.
 */
void
request_answer(Request *request, int status, const char *headers, const char *body, size_t length)
{
	Client	   *client = request->client;

	if (client && request->protocol == KUZZLE_WEBSOCKET)
		websocket_write_text(&client->stream.out, body, length);
	else if (client)
	{
		bool		only_head = request->method && strcmp(request->method, "HEAD") == 0;

		http_write_head(&client->stream.out, status);
		write_http_headers(&client->stream.out, headers);
		http_write_body(&client->stream.out, status, body, length, request->keep_alive, only_head);
	}
	finish(request, status, length);
}

static void
write_http_headers(Buffer *out, const char *headers)
{
	Slice		rest;
	Slice		key;
	Slice		value;
	Buffer		strings = {0};

	if (!headers || !json_open(&rest, headers, strlen(headers)))
		return;
	while (json_next(&rest, &key, &value))
	{
		strings.end = 0;
		if (json_decode(&strings, key) && json_decode(&strings, value))
			http_write_header(out, strings.bytes, strings.bytes + strlen(strings.bytes) + 1);
	}
	buffer_free(&strings);
}

/*
 * The answer is written, if anybody waits for it.
 */
static void
finish(Request *request, int status, size_t length)
{
	Client	   *client = request->client;
	bool		keep_alive = request->keep_alive;
	double		ms = (microseconds() - request->began) / 1000.0;

	metrics_count(request->protocol, status, length, ms);
	log_request(request, status, length, ms);
	request_discard(request);
	if (!client)
		return;
	if (!keep_alive)
		client_close_after_answers(client);
	client_answered(client);
}

/*
 * Free a request that gets no answer (any more).
 */
void
request_discard(Request *request)
{
	Client	   *client = request->client;

	if (client)
	{
		if (request->previous)
			request->previous->next = request->next;
		else
			client->requests = request->next;
		if (request->next)
			request->next->previous = request->previous;
		client->nrequests--;
		client->request_bytes -= request->size;
	}
	metrics.requests--;
	free(request->forwarded);
	free(request->method);
	free(request->target);
	free(request->headers);
	buffer_free(&request->body);
	free(request->origin);
	free(request->token);
	free(request->request_id);
	free(request->volatile_data);
	free(request->controller);
	free(request->action);
	free(request->role);
	free(request->kuid);
	free(request->problem);
	free(request);
}

/*
 * Answer with a result, JSON, that was made here: Kuzzle's actions of auth.
 */
void
request_succeed(Request *request, const char *result)
{
	Buffer		body = {0};
	Buffer		headers = {0};

	append_envelope(&body, request, 200, "result", result);
	buffer_append_string(&headers, "{\"Content-Type\":\"application/json\"");
	if (request->origin)
	{
		buffer_append_string(&headers, ",\"Vary\":\"Origin\",\"Access-Control-Allow-Origin\":");
		json_append_string(&headers, request->origin);
	}
	buffer_append(&headers, "}", 2);
	request_answer(request, 200, buffer_data(&headers), buffer_data(&body), buffer_length(&body));
	buffer_free(&body);
	buffer_free(&headers);
}

/*
 * Answer with a failure; its message is a more specific one, if it is given.
 */
void
request_fail(Request *request, const Failure *failure, const char *message)
{
	fail(request, failure, failure->status, message);
}

/*
 * Answer that it is not HTTP as we speak it.
 */
void
request_fail_http(Request *request, int status, const char *problem)
{
	Buffer		message = {0};

	request->keep_alive = false;
	if (status == 413 || status == 408)
	{
		fail(request, status == 413 ? &failure_too_large : &failure_timeout, status, NULL);
		return;
	}
	buffer_printf(&message, "%s: %s", failure_http.message, problem);
	buffer_append(&message, "", 1);
	fail(request, &failure_http, status, buffer_data(&message));
	buffer_free(&message);
}

static void
fail(Request *request, const Failure *failure, int status, const char *message)
{
	Buffer		body = {0};
	Buffer		error = {0};
	Buffer		headers = {0};

	if (!message)
		message = failure->message;
	append_error(&error, failure, status, message);
	if (request->protocol == MILVUS_HTTP)
	{
		buffer_printf(&body, "{\"code\":%d,\"message\":", failure->milvus_code);
		json_append_string(&body, message);
		buffer_append(&body, "}", 1);
	}
	else if (failure->bare)
		buffer_append_string(&body, buffer_data(&error));
	else
		append_envelope(&body, request, status, "error", buffer_data(&error));

	buffer_append_string(&headers, "{\"Content-Type\":\"application/json\"");
	if (request->origin)
	{
		buffer_append_string(&headers, ",\"Vary\":\"Origin\",\"Access-Control-Allow-Origin\":");
		json_append_string(&headers, request->origin);
	}
	if (status == 401)
		buffer_append_string(&headers, ",\"WWW-Authenticate\":\"Bearer\"");
	buffer_append(&headers, "}", 2);
	free(request->problem);
	request->problem = copy_string(message);
	request_answer(request, status, buffer_data(&headers), buffer_data(&body), buffer_length(&body));
	buffer_free(&body);
	buffer_free(&error);
	buffer_free(&headers);
}

/*
 * Kuzzle's envelope, whose "result" or "error" is this value.
 */
static void
append_envelope(Buffer *body, const Request *request, int status, const char *key, const char *value)
{
	char		id[RANDOM_ID_LENGTH + 3];
	const char *request_id = request->request_id;
	bool		failed = strcmp(key, "error") == 0;

	if (!request_id)
	{
		id[0] = '"';
		make_random_id(id + 1);
		strcat(id, "\"");
		request_id = id;
	}
	buffer_append_string(body, "{\"action\":");
	append_or_null(body, request->action);
	buffer_append_string(body, ",\"controller\":");
	append_or_null(body, request->controller);
	buffer_printf(body, ",\"error\":%s,\"headers\":{},\"node\":\"" NODE "\",\"requestId\":%s,\"result\":%s,\"status\":%d,\"volatile\":%s",
				  failed ? value : "null", request_id, failed ? "null" : value, status,
				  request->volatile_data ? request->volatile_data : "null");
	if (request->protocol == KUZZLE_WEBSOCKET && request->request_id)
		buffer_printf(body, ",\"room\":%s", request->request_id);
	buffer_append(body, "}", 1);
}

static void
append_error(Buffer *body, const Failure *failure, int status, const char *message)
{
	buffer_append_string(body, "{\"code\":");
	buffer_printf(body, "%d,\"id\":\"%s\",\"message\":", failure->code, failure->id);
	json_append_string(body, message);
	buffer_printf(body, ",\"props\":[],\"status\":%d}", status);
	*buffer_reserve(body, 1) = '\0';
}

static void
append_or_null(Buffer *body, const char *string)
{
	if (string)
		json_append_string(body, string);
	else
		buffer_append_string(body, "null");
}
