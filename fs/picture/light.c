/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/picture/light.h"

#include <stdarg.h>
#include <string.h>

static bool _printf_(4, 5) light_show(struct light *l, enum lamp lamp, const char *word, const char *sentence, ...)
{
	va_list args;

	l->lamp = lamp;
	snprintf(l->word, sizeof(l->word), "%s", word);
	va_start(args, sentence);
	vsnprintf(l->sentence, sizeof(l->sentence), sentence, args);
	va_end(args);
	return true;
}

static bool light_advise(struct light *l, const char *remedy)
{
	snprintf(l->remedy, sizeof(l->remedy), "%s", remedy);
	return true;
}

/* -- rules: each returns whether it applies ----------------------------------------------------------------------- */

static bool light_of_settings(const struct picture *p, struct light *l)
{
	const struct snapshot *s = p->snapshot;

	if (s->settings_fault) {
		light_show(l, LAMP_RED, "Settings", "config/default.env is not in force: %s", s->settings_fault->data);
		return light_advise(l, "correct config/default.env");
	}
	if (s->settings)
		return false;
	light_show(l, LAMP_OFF, "No settings", "Nothing is configured yet.");
	return light_advise(l, "cp discover/suggested.env config/default.env, or write config/default.env yourself");
}

static bool light_of_contact(const struct picture *p, struct light *l)
{
	const struct error *e = &p->snapshot->contact_error;
	bool passes = e->duration == ERROR_TRANSIENT;

	if (error_is(&p->credentials.error)) {
		light_show(l, LAMP_RED, "Credentials", "%s", p->credentials.error.message);
		return light_advise(l, p->credentials.error.remedy);
	}
	if (!error_is(e))
		return false;
	light_show(l, passes ? LAMP_AMBER : LAMP_RED, passes ? "No contact" : "No access", "%s", e->message);
	l->is_doubtful = passes;
	return light_advise(l, e->remedy);
}

static const char *light_doing(const char *verb)
{
	static const char *const words[][2] = {{"deploy", "Deploying"},	 {"destroy", "Destroying"},
					       {"run-task", "Starting"}, {"restart-task", "Restarting"},
					       {"refresh", "Reading"},	 {"stop-all-tasks", "Stopping"}};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(words[i][0], verb) == 0)
			return words[i][1];
	return "Changing";
}

static bool light_of_operation(const struct picture *p, struct light *l)
{
	struct job *running = snapshot_running_operation(p->snapshot);
	_cleanup_(job_view_unref_cleanup) struct job_view *v = running ? job_view(running) : NULL;

	return v && light_show(l, LAMP_AMBER, light_doing(running->name), "%s",
			       *v->step ? v->step : job_state_name(v->state));
}

/*
 * The newest operation other than a login. Its failure is shown until another operation has succeeded or was cancelled.
 */
static bool light_of_failure(const struct picture *p, struct light *l)
{
	const struct job_list *all = p->snapshot->operations;

	for (size_t i = all->n; i-- > 0;) {
		struct job *j = all->jobs[i];
		_cleanup_(job_view_unref_cleanup) struct job_view *v = job_view(j);

		if (strcmp(j->name, "login") == 0 || strcmp(j->name, "logout") == 0)
			continue;
		if (v->state != JOB_FAILED)
			return false;
		light_show(l, LAMP_RED, "Failed", "%s failed: %s", j->name, v->error->message);
		return light_advise(l, v->error->remedy);
	}
	return false;
}

static bool light_of_stack(const struct picture *p, struct light *l)
{
	const struct snapshot *s = p->snapshot;
	const char *word = snapshot_stack_word(s);

	if (!s->contact_ms)
		return light_show(l, LAMP_OFF, "Waiting", "AWS has not answered yet.");
	if (s->stack->exists && s->stack->foreign)
		return light_show(l, LAMP_RED, "Not ours", "The stack %s exists, but vastfs did not create it.",
				  s->stack->name);
	if (strcmp(word, "failed") == 0)
		return light_show(l, LAMP_RED, "Failed", "The stack is %s.", s->stack->status) &&
		       light_advise(l, "run: touch control/deploy");
	if (!s->stack->exists || strcmp(word, "not-deployed") == 0)
		return light_show(l, LAMP_OFF, "No stack", "Nothing is deployed.") &&
		       light_advise(l, "run: touch control/deploy");
	return strcmp(word, "deployed") != 0 &&
	       light_show(l, LAMP_AMBER, "Changing", "The stack is %s.", s->stack->status);
}

static bool light_is_silent(const struct snapshot *s, const struct task *t)
{
	return (t->health && strcmp(t->health, "UNHEALTHY") == 0) || snapshot_health(s, t, NULL) == HEALTH_SILENT;
}

static bool light_of_server(const struct picture *p, struct light *l)
{
	const struct snapshot *s = p->snapshot;
	const struct task *server = snapshot_default_task(s);

	if (!server)
		return service_is_wanted(&s->service) &&
		       light_show(l, LAMP_AMBER, "Starting", "ECS is starting a server.");
	if (light_is_silent(s, server)) {
		light_show(l, LAMP_RED, "Unhealthy", "The server runs, but its port does not answer.");
		return light_advise(l, "run: touch control/restart-task");
	}
	light_show(l, LAMP_GREEN, "Running", "The server runs at %s.", server->endpoint ? server->endpoint : "-");
	if (snapshot_task_is_outdated(s, server)) {
		light_show(l, LAMP_GREEN, "Running", "The server still runs the previous deployment.");
		light_advise(l, "run: touch control/restart-task");
	}
	return true;
}

void light_decide(const struct picture *p, struct light *ret)
{
	static bool (*const rules[])(const struct picture *p, struct light *l) = {light_of_settings,  light_of_contact,
										  light_of_operation, light_of_failure,
										  light_of_stack,     light_of_server};

	*ret = (struct light){0};
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i](p, ret))
			return;
	light_show(ret, LAMP_GREEN, "Deployed", "The stack is deployed; no server runs.");
	light_advise(ret, "run: touch control/run-task");
}
