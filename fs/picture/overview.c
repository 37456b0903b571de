/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * overview.c - writes overview.html, one page that shows everything and refreshes itself.
 *
 * A browser may not fetch file:// URLs by script, so the page reloads itself. It has no script at all, and its Content
 * Security Policy permits only the style sheet with the right hash and the icon: even if text was not escaped
 * correctly, it could neither run code nor load a file.
 */
#include "base/markup.h"
#include "fs/picture/diagram.h"
#include "fs/picture/light.h"
#include "fs/picture/sections.h"
#include "fs/picture/slots.h"
#include "fs/picture/status.h"
#include "fs/picture/templates.h"
#include "fs/picture/words.h"

#include <string.h>

#include <openssl/evp.h>

/* -- the head ---------------------------------------------------------------------------------------------------- */

static void overview_put_style(const struct picture *p _unused_, struct buf *out)
{
	buf_puts(out, template_overview_css);
	buf_puts(out, template_diagram_css);
}

/* Appends the hash of the style sheet in the form that a Content Security Policy requires. */
static void overview_put_style_hash(const struct picture *p, struct buf *out)
{
	_buf_ struct buf style = BUF_INIT(64 * 1024);
	unsigned char hash[EVP_MAX_MD_SIZE];
	char text[2 * EVP_MAX_MD_SIZE];
	unsigned len = 0;

	overview_put_style(p, &style);
	if (!EVP_Digest(buf_str(&style), style.len, hash, &len, EVP_sha256(), NULL))
		len = 0;
	EVP_EncodeBlock((unsigned char *)text, hash, (int)len);
	buf_printf(out, "sha256-%s", text);
}

static void overview_put_title(const struct picture *p, struct buf *out)
{
	const char *stage = words_setting(p, SETTING_STAGE);
	struct light l;

	light_decide(p, &l);
	markup(out, "%s \xc2\xb7 vast%s%s", l.word, *stage ? "-" : "", stage);
}

/* Appends the lamp as the icon of the browser's tab. */
static void overview_put_icon(const struct picture *p, struct buf *out)
{
	static const char *const colours[] = {
		[LAMP_OFF] = "8c959f", [LAMP_GREEN] = "2da44e", [LAMP_AMBER] = "d99a00", [LAMP_RED] = "d1242f"};
	struct light l;

	light_decide(p, &l);
	markup(out,
	       "data:image/svg+xml,%%3Csvg xmlns=%%22http://www.w3.org/2000/svg%%22 viewBox=%%220 0 16 16%%22%%3E"
	       "%%3Ccircle cx=%%228%%22 cy=%%228%%22 r=%%227%%22 fill=%%22%%23%s%%22/%%3E%%3C/svg%%3E",
	       colours[l.lamp]);
}

/* -- the header -------------------------------------------------------------------------------------------------- */

static void overview_put_lamp(const struct picture *p, struct buf *out)
{
	static const char *const names[] = {
		[LAMP_OFF] = "off", [LAMP_GREEN] = "green", [LAMP_AMBER] = "amber", [LAMP_RED] = "red"};
	struct light l;

	light_decide(p, &l);
	markup(out, "traffic light: %s", names[l.lamp]);
}

static void overview_put_word(const struct picture *p, struct buf *out)
{
	struct light l;

	light_decide(p, &l);
	markup(out, "%s", l.word);
}

static void overview_put_sentence(const struct picture *p, struct buf *out)
{
	struct light l;

	light_decide(p, &l);
	markup(out, "%s", l.sentence);
}

static void overview_put_remedy(const struct picture *p, struct buf *out)
{
	struct light l;

	light_decide(p, &l);
	if (*l.remedy)
		markup(out, "<p class=\"remedy\">Next: %.*s</p>\n", 600,
		       l.remedy + (strncmp(l.remedy, "run: ", 5) == 0 ? 5 : 0));
	if (p->snapshot->elsewhere)
		markup(out, "<p>Elsewhere: %.*s</p>\n", 600, p->snapshot->elsewhere->data);
}

static void overview_put_fact(struct buf *out, const char *name, const char *value)
{
	if (*value)
		markup(out, "<div><dt>%s</dt><dd>%.*s</dd></div>\n", name, 100, value);
}

static void overview_put_cost(const struct picture *p, struct buf *out)
{
	_buf_ struct buf text = BUF_INIT(256);
	struct cost cost;

	if (!p->snapshot->stack->exists || !snapshot_cost(p->snapshot, &cost))
		return;
	cost_put_rate(&cost, cost.dollars, &text);
	overview_put_fact(out, "Cost, plus use", buf_str(&text));
}

static void overview_put_facts(const struct picture *p, struct buf *out)
{
	char age[WORDS_SIZE];

	overview_put_fact(out, "Stage", words_setting(p, SETTING_STAGE));
	overview_put_fact(out, "Region", words_setting(p, SETTING_AWS_REGION));
	overview_put_fact(out, "Account", p->snapshot->identity.account);
	overview_put_cost(p, out);
	if (p->snapshot->match == MATCH_DIFFERENT)
		overview_put_fact(out, "Settings", "differ from the deployed ones");
	overview_put_fact(out, "Read from AWS", words_age(p, age));
}

/* -- the page ---------------------------------------------------------------------------------------------------- */

static void overview_put_mountpoint(const struct picture *p, struct buf *out)
{
	markup(out, "%s", p->mountpoint);
}

static const struct slot overview_slots[] = {
	{"style_hash", overview_put_style_hash},
	{"style", overview_put_style},
	{"title", overview_put_title},
	{"icon", overview_put_icon},
	{"lamp", overview_put_lamp},
	{"lamps", status_put_lamps},
	{"word", overview_put_word},
	{"sentence", overview_put_sentence},
	{"remedy", overview_put_remedy},
	{"facts", overview_put_facts},
	{"operation", section_put_operation},
	{"errors", section_put_errors},
	{"tasks", section_put_tasks},
	{"queries", section_put_queries},
	{"imports", section_put_imports},
	{"shapes", diagram_put},
	{"cost", section_put_cost},
	{"origin", words_put_origin},
	{"mountpoint", overview_put_mountpoint},
	{NULL, NULL},
};

int picture_put_overview(const struct picture *p, struct buf *out)
{
	return slots_fill(template_overview_html, overview_slots, p, out);
}
