/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/plan_text.h"

#include "base/escape.h"
#include "stack/template.h"

#include <string.h>

bool plan_is_loss(const char *effect)
{
	return strcmp(effect, PLAN_REPLACES) == 0 || strcmp(effect, PLAN_MAY_REPLACE) == 0 ||
	       strcmp(effect, PLAN_REMOVES) == 0;
}

int plan_put_resource(struct buf *out, const char *effect, const char *id, const char *type, const char *causes)
{
	bool caused = causes && *causes;

	return buf_printf(out, "    %s %s (%s)%s%s\n", effect, id, type, caused ? " because of " : "",
			  caused ? causes : "");
}

int plan_put_interruption(struct buf *out, const char *effect, const char *type)
{
	static const struct {
		const char *type, *interruption;
	} rows[] = {
		{"AWS::EC2::EIP", "the public address of the stack changes"},
		{"AWS::EC2::NatGateway", "connections to the Internet end"},
		{"AWS::EC2::Route", "connections to the Internet end"},
		{"AWS::EC2::Subnet", "the addresses of server and function change"},
		{"AWS::ECS::Cluster", "all tasks end"},
		{"AWS::EFS::MountTarget", "the server loses its storage"},
		{"AWS::EFS::AccessPoint", "the server loses its storage"},
		{"AWS::Lambda::Function", "queries that are running fail"},
		{"AWS::Logs::LogGroup", "the logs so far are deleted"},
	};

	for (size_t i = 0; plan_is_loss(effect) && i < ARRAY_SIZE(rows); i++)
		if (strcmp(rows[i].type, type) == 0)
			return buf_printf(out, "        interruption: %s\n", rows[i].interruption);
	return out->error;
}

int plan_put_server(struct buf *out, bool guarded, bool outdated)
{
	if (guarded)
		buf_puts(out, "while a task runs, deploy would refuse this: touch control/stop-all-tasks first\n");
	else if (outdated)
		buf_puts(out, "a running server stays unchanged until control/restart-task\n");
	return out->error;
}

static void plan_put_value(struct buf *out, const char *value)
{
	if (value && *value)
		escape_line(out, value);
	else
		buf_puts(out, "(none)");
}

int plan_put_settings(struct buf *out, const cJSON *names, const cJSON *wanted, const cJSON *deployed)
{
	const cJSON *name;

	cJSON_ArrayForEach (name, names) {
		const char *setting = template_setting(name->valuestring);

		buf_printf(out, "    %s: ", setting ? setting : name->valuestring);
		plan_put_value(out, template_parameter(deployed, name->valuestring));
		buf_puts(out, " -> ");
		plan_put_value(out, template_parameter(wanted, name->valuestring));
		buf_printf(out, " (parameter %s)\n", name->valuestring);
	}
	return out->error;
}

static void plan_put_difference(struct buf *out, double dollars)
{
	char text[COST_TEXT_SIZE];

	buf_printf(out, "%s%s", dollars >= 0.005 ? "+" : "", cost_format(dollars, text));
}

int plan_put_cost(struct buf *out, const struct cost *planned, const struct cost *now)
{
	cost_put_totals(planned, out);
	if (now) {
		buf_puts(out, "cost now: ");
		cost_put_rate(now, now->dollars, out);
		buf_puts(out, "; difference: ");
		plan_put_difference(out, planned->dollars - now->dollars);
		buf_puts(out, " while the server runs, ");
		plan_put_difference(out, planned->stopped_dollars - now->dollars);
		buf_puts(out, " while it is stopped\n");
	}
	buf_puts(out, "cost by item\n");
	return cost_put_items(planned, out);
}
