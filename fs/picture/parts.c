/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/picture/parts.h"

#include "fs/picture/words.h"

#include <stdio.h>
#include <string.h>

static const char *parts_text(const char *text)
{
	return text ? text : "";
}

static bool parts_ends_in(const char *text, const char *end)
{
	size_t len = strlen(text), tail = strlen(end);

	return len >= tail && strcmp(text + len - tail, end) == 0;
}

/* -- resources of CloudFormation --------------------------------------------------------------------------------- */

enum part_state part_resource_state(const char *status, const char **ret_word)
{
	static const struct {
		const char *begin, *end, *word;
		enum part_state state;
	} rules[] = {
		{"DELETE_", "_COMPLETE", "deleted", PART_MISSING},
		{"DELETE_", "_IN_PROGRESS", "deleting", PART_BUSY},
		{"CREATE_", "_IN_PROGRESS", "creating", PART_BUSY},
		{"", "_IN_PROGRESS", "updating", PART_BUSY},
		{"", "_FAILED", "failed", PART_FAILED},
		{"", "", "ready", PART_READY},
	};
	size_t i = 0;

	while (strncmp(status, rules[i].begin, strlen(rules[i].begin)) != 0 || !parts_ends_in(status, rules[i].end))
		i++;
	*ret_word = rules[i].word;
	return rules[i].state;
}

static struct part parts_absent(const struct picture *p)
{
	bool is_known = p->snapshot->contact_ms != 0;

	return (struct part){.state = is_known ? PART_MISSING : PART_UNKNOWN,
			     .word = is_known ? "missing" : "unknown",
			     .id = "",
			     .condition = ""};
}

static struct part parts_of_resource(const struct picture *p, const char *logical_id)
{
	const struct stack_resource *r = stack_view_resource(p->snapshot->stack, logical_id);
	struct part part = parts_absent(p);

	if (!r || !r->status)
		return part;
	part.state = part_resource_state(r->status, &part.word);
	part.id = parts_text(r->physical_id);
	part.condition = parts_text(r->status_reason);
	return part;
}

static struct part parts_of_subnet(const struct picture *p, const char *logical_id, const char *cidr)
{
	struct part part = parts_of_resource(p, logical_id);

	if (part.state != PART_MISSING)
		snprintf(part.detail, sizeof(part.detail), "%s",
			 parts_text(stack_view_parameter(p->snapshot->stack, cidr)));
	return part;
}

struct part part_of_public_subnet(const struct picture *p)
{
	return parts_of_subnet(p, "PublicSubnet", "PublicCidr");
}

struct part part_of_private_subnet(const struct picture *p)
{
	return parts_of_subnet(p, "PrivateSubnet", "PrivateCidr");
}

/* The address is a separate resource of the template, and its ID is the address itself. */
struct part part_of_nat(const struct picture *p)
{
	struct part part = parts_of_resource(p, "NatGateway"), address = parts_of_resource(p, "NatAddress");

	/* The gateway waits for its address. */
	if (part.state == PART_MISSING && (address.state == PART_FAILED || address.state == PART_BUSY))
		return address;
	if (address.state == PART_READY)
		snprintf(part.detail, sizeof(part.detail), "%s", address.id);
	return part;
}

struct part part_of_function(const struct picture *p)
{
	struct part part = parts_of_resource(p, "Function");
	unsigned running = words_in_flight(p->snapshot->queries);

	if (running)
		snprintf(part.detail, sizeof(part.detail), "%u %s", running, running == 1 ? "query" : "queries");
	return part;
}

/* -- parts outside the template ---------------------------------------------------------------------------------- */

/* The VPC belongs to the user. vastfs neither creates it nor changes it. */
struct part part_of_vpc(const struct picture *p)
{
	const char *id = stack_view_parameter(p->snapshot->stack, "VpcId");
	struct part part = parts_absent(p);

	part.id = id ? id : words_setting(p, SETTING_VPC_ID);
	if (*part.id) {
		part.state = PART_READY;
		part.word = "";
	}
	return part;
}

/* The file system outlives the stack. The stack has only a mount target and an access point to it. */
struct part part_of_storage(const struct picture *p)
{
	const struct snapshot *s = p->snapshot;
	const char *kind = stack_view_parameter(s->stack, "Storage");
	struct part part = parts_of_resource(p, "MountTarget");

	if (part.state == PART_READY || part.state == PART_BUSY)
		part.id = parts_text(stack_view_parameter(s->stack, "FileSystemId"));
	if (part.state == PART_READY && s->storage_bytes >= 0)
		snprintf(part.detail, sizeof(part.detail), "%.1f GB", (double)s->storage_bytes / COST_BYTES_OF_GB);
	if (kind ? strcmp(kind, "ephemeral") == 0 : s->settings && !s->settings->efs)
		part = (struct part){.state = PART_MISSING,
				     .word = "not used",
				     .id = "",
				     .detail = "vast_storage=ephemeral",
				     .condition = ""};
	return part;
}

/* "123456789012.dkr.ecr.eu-central-1.amazonaws.com/vast-default@sha256:0123..." */
struct part part_of_repository(const struct picture *p)
{
	const char *image = parts_text(stack_view_parameter(p->snapshot->stack, "ImageUri"));
	const char *name = strchr(image, '/');
	struct part part = parts_absent(p);

	if (!name)
		return part;
	part.state = PART_READY;
	part.word = "ready";
	part.id = name + 1;
	return part;
}

/* -- the server -------------------------------------------------------------------------------------------------- */

static const char *parts_health(const struct snapshot *s, const struct task *t)
{
	static const char *const words[] = {
		[HEALTH_UNKNOWN] = "", [HEALTH_ANSWERS] = "HEALTHY", [HEALTH_SILENT] = "UNHEALTHY"};

	return t->health && strcmp(t->health, "UNKNOWN") != 0 ? t->health : words[snapshot_health(s, t, NULL)];
}

enum part_state part_task_state(const struct snapshot *s, const struct task *t, const char **ret_word)
{
	const char *status = parts_text(t->status), *health = parts_health(s, t);
	bool is_starting = task_is_live(t);

	if (strcmp(status, "STOPPED") == 0) {
		*ret_word = "stopped";
		return PART_MISSING;
	}
	if (strcmp(status, "RUNNING") != 0 || !is_starting) {
		*ret_word = is_starting ? "starting" : "stopping";
		return PART_BUSY;
	}
	*ret_word = strcmp(health, "UNHEALTHY") == 0 ? "unhealthy"
		    : strcmp(health, "HEALTHY") == 0 ? "healthy"
						     : "running";
	return strcmp(health, "UNHEALTHY") == 0 ? PART_FAILED : PART_READY;
}

static const struct task *parts_newest_server(const struct snapshot *s)
{
	for (size_t i = 0; i < s->tasks->n; i++)
		if (s->tasks->tasks[i].server && strcmp(parts_text(s->tasks->tasks[i].status), "STOPPED") != 0)
			return &s->tasks->tasks[i];
	return NULL;
}

struct part part_of_server(const struct picture *p)
{
	const struct snapshot *s = p->snapshot;
	const struct task *t = snapshot_default_task(s);
	struct part part = parts_absent(p);

	if (!t)
		t = parts_newest_server(s);
	if (t) {
		part.state = part_task_state(s, t, &part.word);
		part.id = t->id;
		snprintf(part.detail, sizeof(part.detail), "%s", parts_text(t->endpoint));
		part.condition = parts_text(t->stopped_reason);
	} else if (service_is_wanted(&s->service)) {
		part.state = PART_BUSY;
		part.word = "starting";
	} else if (part.state == PART_MISSING) {
		part.word = "none";
	}
	return part;
}
