/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * world.h - a session whose AWS, agent and clock belong to the test.
 *
 * A test that is listed with this dependency is linked with --wrap for the calls of AWS, the WebSocket, the timers and
 * the clock. So it decides which reply comes when, and an hour takes no time.
 */
#ifndef VASTFS_TESTS_UNIT_SESSION_WORLD_H
#define VASTFS_TESTS_UNIT_SESSION_WORLD_H

#include "aws/websocket.h"
#include "session/session.h"

#define TIMERS_MOST 16
#define MINUTE_MS   60000

struct world {
	int64_t now_ms;
	struct engine_timer *timers[TIMERS_MOST];
	struct {
		char operation[64];
		void (*done)(struct aws_reply *reply, void *arg);
		void *arg;
	} call;		    /* the last call that has no reply yet */
	char command[4096]; /* that the container runs */
	unsigned asked, resumed, terminated, greetings, terminal_sizes;
	char keys[64]; /* the input that the agent has got */
	struct websocket_events socket;
	void *socket_arg;
	bool has_socket, is_paused;
	const char *fails; /* the name of the function that lacks memory, NULL: none */
	int64_t sequence;  /* of the next message of the agent */
};

extern struct world world;
extern const struct session_request world_request;

/* Begins anew, without timers and calls. */
void world_reset(void);

/* Lets time pass, and runs the timers that are due. */
void world_wait(int64_t ms);
struct engine_timer *world_next_timer(void);

/* Replies to the last call. errnum 0: success. */
void world_reply(const char *body, int status, int errnum, const char *code, const char *message);
void world_lose_socket(int errnum);

/* The agent answers ExecuteCommand, and the session is ready. */
void agent_answers(void);
void agent_sends(const char *type, unsigned payload_type, const char *text);
void agent_prints(const char *text);
void agent_acknowledges(int64_t sequence);
void agent_closes(const char *why);
void agent_is_absent(void);

/* Prints the greeting of the script around a program, which contains a random number from the command. */
void agent_greets(void);

#endif
